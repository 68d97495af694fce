// FIPS 180-4. WebCrypto hashes only behind a promise, and a key of the feed is needed in the middle of a judgement.
const roundConstants = fractionsOf(Math.cbrt, 64)
const initialState = fractionsOf(Math.sqrt, 8)

/** SHA-256 of whole bytes, without waiting. For ids and credentials: a few hundred bytes, not files. */
export function digest(data: Uint8Array): Uint8Array {
  const blocks = padded(data)
  const state = Uint32Array.from(initialState)
  const schedule = new Uint32Array(64)
  for (let at = 0; at < blocks.byteLength; at += 64) {
    for (let word = 0; word < 16; word++) schedule[word] = blocks.getUint32(at + 4 * word)
    compress(state, schedule)
  }
  const found = new DataView(new ArrayBuffer(32))
  for (const [index, word] of state.entries()) found.setUint32(4 * index, word)
  return new Uint8Array(found.buffer)
}

/** The message, one bit, zeros, and the length in bits: whole blocks of 64 bytes. */
function padded(data: Uint8Array): DataView {
  const bytes = new Uint8Array(Math.ceil((data.length + 9) / 64) * 64)
  bytes.set(data)
  bytes[data.length] = 0x80
  const view = new DataView(bytes.buffer)
  view.setUint32(bytes.length - 8, Math.floor(data.length / 2 ** 29))
  view.setUint32(bytes.length - 4, data.length * 8)
  return view
}

function compress(state: Uint32Array, words: Uint32Array): void {
  const word = (at: number) => words[at] ?? 0
  for (let at = 16; at < 64; at++) {
    const [early, late] = [word(at - 15), word(at - 2)]
    const sigma0 = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3)
    const sigma1 = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10)
    words[at] = word(at - 16) + sigma0 + word(at - 7) + sigma1
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let at = 0; at < 64; at++) {
    const sum1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)
    const choice = (e & f) ^ (~e & g)
    const first = (h + sum1 + choice + (roundConstants[at] ?? 0) + word(at)) | 0
    const sum0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)
    const majority = (a & b) ^ (a & c) ^ (b & c)
    h = g
    g = f
    f = e
    e = (d + first) | 0
    d = c
    c = b
    b = a
    a = (first + sum0 + majority) | 0
  }
  for (const [index, value] of [a, b, c, d, e, f, g, h].entries()) state[index] = (state[index] ?? 0) + value
}

const turned = (word: number, by: number) => (word >>> by) | (word << (32 - by))

/** The first 32 bits of the fractional parts of a root of the first primes: numbers with nothing up their sleeve. */
function fractionsOf(root: (prime: number) => number, count: number): Uint32Array {
  const primes: number[] = []
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate)
  }
  return Uint32Array.from(primes, (prime) => (root(prime) % 1) * 2 ** 32)
}
