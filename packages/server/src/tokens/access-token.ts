import { encodeBase64url } from '@counterfoil/verifier'
import type { Entropy } from '../machine.ts'
import type { SessionRecord } from '../sessions/index.ts'
import type { Ring } from './keys.ts'
import type { StatusClaim } from './status-list.ts'

const utf8 = new TextEncoder()

export type MintedToken = {
  session: SessionRecord
  issuer: string
  audience: string
  /** The thumbprint of the key that it is bound to; `null` for a plain one. */
  key: string | null
  /** Where its status can be read; `null` for an audience that follows the feed. */
  status: StatusClaim | null
  readStart: number
  lifeSeconds: number
  entropy: Entropy
}

/**
 * An access token (RFC 9068) about a session that was just read. `readStart` is the time when that read
 * began: counting the token's life from signing instead would let it outlive the revocation it missed.
 */
export function mintAccessToken(ring: Ring, given: MintedToken): string {
  const { session, issuer, readStart, key, status } = given
  const claims = {
    iss: issuer,
    sub: session.account_id,
    aud: given.audience,
    // Never past the session itself.
    exp: Math.min(readStart + given.lifeSeconds, session.expires_at),
    iat: readStart,
    jti: given.entropy.id(),
    client_id: session.client_id,
    sid: session.id,
    scope: '',
    auth_time: session.authenticated_at,
    amr: session.amr.split(' '),
    as_of: session.as_of,
    ...(key === null ? {} : { cnf: { jkt: key } }),
    ...(status === null ? {} : { status }),
  }
  return signJwt(ring, { typ: 'at+jwt', claims })
}

/** Each kind of JWT has a type of its own, so that none passes for another (RFC 8725 3.11). */
export function signJwt(ring: Ring, { typ, claims }: { typ: string; claims: object }): string {
  const header = { alg: ring.algorithm, kid: ring.kid, typ }
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${encodeBase64url(ring.sign(input))}`
}

function encode(part: object): string {
  return encodeBase64url(utf8.encode(JSON.stringify(part)))
}
