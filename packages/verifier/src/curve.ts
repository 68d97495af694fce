// NIST SP 800-186, 3.2.1.3: y² = x³ - 3x + b over the field of this prime.
const prime = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn

/** Whether two coordinates, big-endian, are a point of P-256 (the point at infinity has none). Public keys only. */
export function isOnCurve(point: { readonly x: Uint8Array; readonly y: Uint8Array }): boolean {
  const [x, y] = [numberOf(point.x), numberOf(point.y)]
  if (x >= prime || y >= prime) return false
  return (y * y - (x * x * x - 3n * x + b)) % prime === 0n
}

function numberOf(bytes: Uint8Array): bigint {
  let digits = '0x0'
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0')
  return BigInt(digits)
}
