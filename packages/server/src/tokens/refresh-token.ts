import { decodeBase64url, encodeBase64url } from '@counterfoil/verifier'
import type { Secrets } from '../machine.ts'

/**
 * `cfr_` and, in base64url: session id (16 bytes), generation (4), secret (32), tag (16). The tag turns a
 * forged one away before the database is asked, so that nobody who knows a session's id can end it by guessing.
 */
export type RefreshToken = { sessionId: string; generation: number; secret: Uint8Array }

const prefix = 'cfr_'
const idBytes = 16
const generationBytes = 4
const secretBytes = 32
const bodyBytes = idBytes + generationBytes + secretBytes

export function writeRefreshToken(secrets: Secrets, token: RefreshToken): string {
  const id = decodeBase64url(token.sessionId)
  if (id === null || id.length !== idBytes) throw new Error('A session id is not 16 bytes of base64url')
  const body = new Uint8Array(bodyBytes)
  body.set(id)
  new DataView(body.buffer).setUint32(idBytes, token.generation)
  body.set(token.secret, idBytes + generationBytes)
  return prefix + secrets.seal('refresh_tag', body)
}

/** `null` for anything that this server did not make. Says nothing about the session. */
export function readRefreshToken(secrets: Secrets, text: string): RefreshToken | null {
  if (!text.startsWith(prefix)) return null
  const body = secrets.open('refresh_tag', text.slice(prefix.length), bodyBytes)
  if (body === null) return null
  return {
    sessionId: encodeBase64url(body.subarray(0, idBytes)),
    generation: new DataView(body.buffer, body.byteOffset).getUint32(idBytes),
    secret: body.slice(idBytes + generationBytes),
  }
}

/**
 * The successor follows from what it succeeds and a salt. Whoever lost the race or the response computes
 * the same one again; there is never a second pair. Without the salt, which is forgotten after the repeat
 * window, a leaked key cannot walk the chain.
 */
export function successorSecret(
  secrets: Secrets,
  given: { sessionId: string; generation: number; salt: string; secret: Uint8Array },
): Uint8Array {
  return secrets.derive('successor', given.sessionId, String(given.generation), given.salt, given.secret)
}

export { secretBytes }
