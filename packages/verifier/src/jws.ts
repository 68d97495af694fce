import { decodeBriefly } from './base64url.ts'
import { createCache } from './cache.ts'
import { type JsonObject, parseClaims, parseJsonObject } from './json.ts'

/** A signed text in compact form, taken apart. Nothing in it is believed until `checkSignature` has said yes. */
export type Jws = {
  readonly header: JsonObject
  /** The header's `alg`: compared with the key's own algorithm, never used to choose one. */
  readonly algorithm: string
  /** What was signed: the first two parts with their dot. */
  readonly signingInput: string
  /** The last part as it stands there: `checkSignature` reads it, and says no to any other spelling. */
  readonly signature: string
  /** The same of the second, so that no stranger's JSON is parsed before the signature was checked (ASVS 9.1.1): see `readPayload`. */
  readonly payload: string
}

const maxCharacters = 8192

/** The first part of a JWS, read. */
export type Header = Pick<Jws, 'header' | 'algorithm'>

/** Headers say the same again and again: one signing key has one. What a stranger makes up is short and soon gone. */
const headers = createCache<Header>(200)
const longestKept = 512
/** The header that was found there last. */
let latest: { readonly part: string; readonly read: Header } | null = null

/**
 * The parts of a compact JWS, or null: over 8 KiB, not exactly three non-empty parts, a header that is not canonical
 * base64url, is not strict JSON or has no string `alg`, any `crit` (we understand no extension, RFC 7515 section 4.1.11), or
 * any `b64` (RFC 7797 would sign another text than the one shown). Not checked: the signature and the payload, nor how they
 * are spelled.
 * `known`: what the same header text was read as before.
 */
export function parseJws(token: string, known?: Header): Jws | null {
  if (token.length > maxCharacters) return null
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 1 || second < first + 2 || second > token.length - 2) return null
  const read = known ?? findHeader(token, first) ?? readHeader(token.slice(0, first))
  const signature = token.slice(second + 1)
  if (read === null || signature.includes('.')) return null
  const { header, algorithm } = read
  const payload = token.slice(first + 1, second)
  return { header, algorithm, signingInput: token.slice(0, second), signature, payload }
}

/** To compare with the latest costs a fifth of looking it up. */
function findHeader(token: string, length: number): Header | undefined {
  if (latest?.part.length === length && token.startsWith(latest.part)) return latest.read
  const part = token.slice(0, length)
  const read = headers.get(part)
  if (read !== undefined) latest = { part, read }
  return read
}

function readHeader(part: string): Header | null {
  const bytes = decodeBriefly(part)
  const header = bytes && parseJsonObject(bytes)
  if (header === null || typeof header.alg !== 'string') return null
  if (header.crit !== undefined || header.b64 !== undefined) return null
  const read = { header: Object.freeze(header), algorithm: header.alg }
  // Shared by whoever comes with the same one, so nobody may be able to change it.
  const isFlat = Object.values(header).every((member) => typeof member !== 'object')
  if (isFlat && part.length <= longestKept) headers.set(part, read)
  return read
}

/** The payload as a strict JSON object, see `parseClaims`, or null. Call it only after `checkSignature` said yes. */
export function readPayload(jws: Jws): JsonObject | null {
  const bytes = decodeBriefly(jws.payload)
  return bytes && parseClaims(bytes)
}
