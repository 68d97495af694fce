import {
  checkSignature,
  type JsonObject,
  type Jws,
  type KeySet,
  parseJws,
  readPayload,
  type VerificationKey,
} from '@counterfoil/verifier'
import { refuse } from '../refusals.ts'

/** A client's signed proof, taken apart. Nothing in it is believed but that it claims to be of this client. */
export type Assertion = { jws: Jws; claims: JsonObject; clientId: string }

/** A proof that is good, if it was not used before. */
export type UnusedAssertion = { jti: string; expiresAt: number }

/** What an assertion may be signed with; its client registered the key, and with it the one algorithm. */
export const assertionAlgorithms = ['ES256', 'Ed25519', 'RS256'] as const

const longestSeconds = 300
/** How far a client's clock may be ahead of ours. */
const skewSeconds = 10
const longestId = 256

/**
 * The first part of RFC 7523 3: `iss` and `sub` name the client. It has to be read before the signature is checked, since it
 * tells whose key to take.
 */
export function readAssertion(text: string): Assertion | null {
  const jws = parseJws(text)
  if (jws === null || !isAssertionType(jws.header.typ)) return null
  const claims = readPayload(jws)
  if (claims === null || typeof claims.sub !== 'string' || claims.sub === '') return null
  return claims.iss === claims.sub ? { jws, claims, clientId: claims.sub } : null
}

/** Most clients do not name the type yet (rfc7523bis 4); another kind of JWT is not taken for an assertion. */
function isAssertionType(typ: unknown): boolean {
  if (typ === undefined) return true
  return typeof typ === 'string' && /^(?:jwt|(?:application\/)?client-authentication\+jwt)$/i.test(typ)
}

/**
 * The rest: signed by a registered key with that key's own algorithm, and made for this server alone: `aud` is the issuer, as
 * one string (rfc7523bis; a list, or the address of an endpoint, could be good elsewhere too). At most five minutes from its
 * end. `client_invalid` for anything else. Not checked: whether it was used before.
 */
export function judgeAssertion(
  { jws, claims }: Assertion,
  expected: { keys: KeySet; issuer: string; now: number },
): UnusedAssertion {
  const { issuer, now } = expected
  const key = keyFor(jws.header.kid, expected.keys)
  if (key === null || checkSignature(key, jws) !== true) invalid('signature, alg or kid is wrong')
  if (claims.aud !== issuer) invalid('aud is not the issuer, as one string')
  const { exp, iat, nbf, jti } = claims
  if (!isInstant(exp) || exp <= now) invalid('exp is missing or has passed')
  if (exp > now + longestSeconds + skewSeconds) invalid('exp is too far away')
  if (iat !== undefined && (!isInstant(iat) || iat > now + skewSeconds)) invalid('iat is in the future')
  if (nbf !== undefined && (!isInstant(nbf) || nbf > now + skewSeconds)) invalid('nbf is in the future')
  if (typeof jti !== 'string' || jti === '' || jti.length > longestId) invalid('jti is missing')
  return { jti, expiresAt: exp }
}

/** A client with one key need not name it. */
function keyFor(kid: unknown, keys: KeySet): VerificationKey | null {
  if (typeof kid === 'string') return keys.get(kid) ?? null
  const [only, ...others] = keys.values()
  return kid === undefined && only !== undefined && others.length === 0 ? only : null
}

function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function invalid(detail: string): never {
  return refuse('client_invalid', { detail: `assertion: ${detail}` })
}
