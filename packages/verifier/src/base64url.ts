const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const outside = 255
const sextets = new Uint8Array(128).fill(outside)
for (let value = 0; value < alphabet.length; value++) sextets[alphabet.charCodeAt(value)] = value

/** Base64url without padding (RFC 4648 section 5). */
export function encodeBase64url(bytes: Uint8Array): string {
  if (native === undefined) return encodeByHand(bytes)
  return native.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

/** The same where there is no such platform. */
export function encodeByHand(bytes: Uint8Array): string {
  let text = ''
  let held = 0
  let heldBits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    heldBits += 8
    while (heldBits >= 6) {
      heldBits -= 6
      text += alphabet.charAt((held >> heldBits) & 63)
    }
    held &= (1 << heldBits) - 1
  }
  return heldBits === 0 ? text : text + alphabet.charAt((held << (6 - heldBits)) & 63)
}

/**
 * The bytes, or null unless `text` is the one canonical spelling of them: no padding, no white space, no other
 * alphabet, unused trailing bits zero. A second spelling of one token would get past whatever remembers the first.
 */
export function decodeBase64url(text: string): Uint8Array | null {
  const bytes = native === undefined ? decodeByHand(text) : decodeNatively(text, native)
  // What we hand out is of one kind everywhere.
  return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * The same bytes, of whatever kind, in a place that the next call writes over: for who is done with them before, neither waits nor
 * hands them on, and reads no secret, which would stay there. A token's first check is a fiftieth cheaper for it.
 */
export function decodeBriefly(text: string): Uint8Array | null {
  if (native === undefined) return decodeByHand(text)
  if (text.length > longestBrief) return decodeNatively(text, native)
  place ??= native.alloc(longestBrief)
  const length = place.write(text, 'base64url')
  // Payloads are of few lengths, and to make one more view takes as long as to fill it.
  if (view?.length !== length) view = place.subarray(0, length)
  return place.toString('base64url', 0, length) === text ? view : null
}

/** Bytes that are all below 128, as text. */
export function asciiText(bytes: Uint8Array, from = 0, to = bytes.length): string {
  return slice === undefined ? plain.decode(bytes.subarray(from, to)) : slice.call(bytes, from, to)
}

const plain = new TextDecoder()
const longestBrief = 8192
let place: Buffer | undefined
let view: Buffer | undefined

// On the way of every token that is seen for the first time, where by hand it would cost a third of the signature check; and
// writing one by hand leaves as much garbage behind as a tenth of a sign-in.
const native = (globalThis as { Buffer?: typeof Buffer }).Buffer

/** Not everything that calls itself a Buffer has it. */
const slice = native?.prototype.latin1Slice

/** The platform passes over whatever it does not know; what is not the same when it is written again had some of that. */
function decodeNatively(text: string, buffers: typeof Buffer): Uint8Array | null {
  const bytes = buffers.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}

/** The same where there is no such platform. */
export function decodeByHand(text: string): Uint8Array | null {
  const bytes = new Uint8Array(room(text))
  return decodeInto(bytes, text) === null ? null : bytes
}

const room = (text: string) => Math.floor((text.length * 3) / 4)

/** The same, written to where the caller wants it: how many bytes they are, or null also for a text that does not find room. */
export function decodeInto(place: Uint8Array, text: string): number | null {
  if (text.length % 4 === 1 || room(text) > place.length) return null
  let held = 0
  let heldBits = 0
  let filled = 0
  for (let at = 0; at < text.length; at++) {
    const sextet = sextets[text.charCodeAt(at)] ?? outside
    if (sextet === outside) return null
    held = (held << 6) | sextet
    heldBits += 6
    if (heldBits < 8) continue
    heldBits -= 8
    place[filled++] = held >> heldBits
    held &= (1 << heldBits) - 1
  }
  return held === 0 ? filled : null
}
