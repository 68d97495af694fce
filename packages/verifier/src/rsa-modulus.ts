// Every modulus of the flawed generator known as ROCA (CVE-2017-15361) is a power of 65537 modulo each of these
// primes; a sound one is so for all of them with a chance of about one in 2^27.
const fingerprints = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157].map(
  (prime) => ({
    prime: BigInt(prime),
    powers: powersOf65537(prime),
  }),
)

const minBits = 2048
// A check costs quadratically more with size, and whoever publishes a key chooses it.
const maxBits = 8192

/** Whether an RSA public key is one we believe in: 2,048 to 8,192 bits, odd exponent of at least 3, not ROCA. */
export function isSoundRsaKey(given: { modulus: Uint8Array; exponent: Uint8Array }): boolean {
  const modulus = minimalInteger(given.modulus)
  const exponent = given.exponent.length <= 8 ? minimalInteger(given.exponent) : null
  if (modulus === null || exponent === null) return false
  const bits = modulus.toString(2).length
  if (bits < minBits) return false
  // With exponent 1 everybody can sign; an even one is not RSA.
  if (exponent < 3n || exponent % 2n === 0n || modulus % 2n === 0n) return false
  return !fingerprints.every(({ prime, powers }) => powers.has(Number(modulus % prime)))
}

/** RFC 7518 section 2: as few octets as the number needs, so no leading zero. */
function minimalInteger(bytes: Uint8Array): bigint | null {
  if (bytes.length === 0 || bytes[0] === 0 || bytes.length > maxBits / 8) return null
  let digits = ''
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0')
  return BigInt(`0x${digits}`)
}

function powersOf65537(prime: number): ReadonlySet<number> {
  const powers = new Set<number>()
  for (let power = 1; !powers.has(power); power = (power * 65537) % prime) powers.add(power)
  return powers
}
