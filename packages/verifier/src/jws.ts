import { decodeBase64url } from './base64url.ts'
import { type JsonObject, parseJsonObject } from './json.ts'

/** A signed text in compact form, taken apart. Nothing in it is believed until `checkSignature` has said yes. */
export type Jws = {
  readonly header: JsonObject
  /** The header's `alg`: compared with the key's own algorithm, never used to choose one. */
  readonly algorithm: string
  /** What was signed: the first two parts with their dot. */
  readonly signingInput: string
  readonly signature: Uint8Array
  /** Raw, so that no stranger's JSON is parsed before the signature was checked (ASVS 9.1.1). See `readPayload`. */
  readonly payload: Uint8Array
}

const maxCharacters = 8192
const compact = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/

/**
 * The parts of a compact JWS, or null: over 8 KiB, not exactly three non-empty canonical base64url parts, a header
 * that is not strict JSON or has no string `alg`, any `crit` (we understand no extension, RFC 7515 section 4.1.11), or
 * any `b64` (RFC 7797 would sign another text than the one shown). Not checked: the signature, and the payload.
 */
export function parseJws(token: string): Jws | null {
  if (token.length > maxCharacters) return null
  const [, headerPart, payloadPart, signaturePart] = compact.exec(token) ?? []
  if (headerPart === undefined || payloadPart === undefined || signaturePart === undefined) return null
  const headerBytes = decodeBase64url(headerPart)
  const payload = decodeBase64url(payloadPart)
  const signature = decodeBase64url(signaturePart)
  if (headerBytes === null || payload === null || signature === null) return null
  const header = parseJsonObject(headerBytes)
  if (header === null || typeof header.alg !== 'string') return null
  if (header.crit !== undefined || header.b64 !== undefined) return null
  const signingInput = `${headerPart}.${payloadPart}`
  return { header, algorithm: header.alg, signingInput, signature, payload }
}

/** The payload as a strict JSON object, or null. Call it only after `checkSignature` said yes. */
export function readPayload(jws: Jws): JsonObject | null {
  return parseJsonObject(jws.payload)
}
