import { checkSignature } from './cryptography.ts'
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'
import { type Jws, parseJws, readPayload } from './jws.ts'
import type { KeySet } from './key-set.ts'
import type { VerificationKey } from './public-key.ts'
import { refuse } from './refusal.ts'
import { type Soon, soon } from './soon.ts'

/** What a genuine access token says. Instants are whole seconds since the epoch. */
export type AccessTokenClaims = {
  readonly issuer: string
  readonly subject: string
  readonly audience: string
  readonly expiresAt: number
  readonly issuedAt: number
  readonly tokenId: string
  readonly clientId: string
  /** Null for tokens that belong to no session. */
  readonly sessionId: string | null
  readonly scopes: readonly string[]
  /** When the subject last proved who they are. */
  readonly authenticatedAt: number
  /** How they proved it (RFC 8176). */
  readonly amr: readonly string[]
  /** The feed position that the statement was read at: a revocation after it may end the token. */
  readonly asOf: number
  /** The thumbprint of the key that the token is bound to. Not null: worthless without a DPoP proof by that key. */
  readonly confirmation: string | null
  /** The client that acts for the subject. Not null: the subject is not present. Of a chain, the one who acts now. */
  readonly actor: string | null
  /** All of the chain, who acts now first. It gives nobody anything: the end of any of these clients ends the token. */
  readonly actors: readonly string[]
  readonly grant: string | null
}

/** An access token taken apart. Nothing in it is believed yet. */
export type UnprovenToken = { readonly jws: Jws; readonly kid: string }

/** What a token must have been made for. */
export type ExpectedToken = {
  readonly keys: KeySet
} & ExpectedClaims

export type ExpectedClaims = {
  readonly issuer: string
  readonly audience: string
  /** Whole seconds since the epoch. */
  readonly now: number
  /** How far the issuer's clock may be from ours. Default 0. */
  readonly skewSeconds?: number
}

/** How many may act one for the other: a chain is as long as the calls behind a request, and each one widens who to trust. */
export const longestActorChain = 4

const maxLifetimeSeconds = 24 * 3600
// A token can reach a neighbour's clock before that clock reaches its `iat`.
const futureSeconds = 5

const tokenType = /^(?:application\/)?at\+jwt$/
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/
/** Shared by nearly all. */
const nobody: readonly string[] = Object.freeze([])
const thumbprint = /^[A-Za-z0-9_-]{43}$/

/**
 * The claims of an access token in the profile of RFC 9068, or a refusal: `token_expired` for one that would be good
 * but for its `exp` (an `exp` of exactly now has passed), `credential_invalid` for everything else. The key is chosen
 * by `kid` among `keys` alone; `jwk`, `jku` and `x5u` in the header have no say. `aud` must be this audience and no
 * other. Not checked: revocations, and the DPoP proof of a bound token. Refuses everything where signatures are checked
 * behind a promise: see `proveAccessToken`.
 */
export function checkAccessToken(token: string, expected: ExpectedToken): AccessTokenClaims {
  const unproven = parseAccessToken(token)
  const key = expected.keys.get(unproven.kid) ?? invalid('kid is unknown')
  if (checkSignature(key, unproven.jws) !== true) invalid('signature or alg is wrong')
  return judgeAccessToken(unproven, expected)
}

/** The first part of `checkAccessToken`: who looks for the key by `kid` knows which one was asked for. */
export function parseAccessToken(token: string): UnprovenToken {
  const jws = parseJws(token)
  if (jws === null) invalid('not a compact JWS that we take')
  const { typ, kid } = jws.header
  // Media types are case-insensitive, and `application/` may be left out (RFC 7515 section 4.1.9).
  if (typ !== 'at+jwt' && (typeof typ !== 'string' || !tokenType.test(typ.toLowerCase())))
    invalid('typ is not at+jwt')
  if (typeof kid !== 'string') invalid('kid is missing')
  return { jws, kid }
}

/** The rest of it, wherever signatures are checked: `key` is the one that `kid` names in the issuer's set. */
export function proveAccessToken(
  unproven: UnprovenToken,
  expected: ExpectedClaims & { readonly key: VerificationKey },
): Soon<AccessTokenClaims> {
  return soon(checkSignature(expected.key, unproven.jws), (isGenuine) =>
    isGenuine === true ? judgeAccessToken(unproven, expected) : invalid('signature or alg is wrong'),
  )
}

/** What a token says, once its signature was found good by who asks. */
export function judgeAccessToken({ jws }: UnprovenToken, expected: ExpectedClaims): AccessTokenClaims {
  const { now, skewSeconds = 0 } = expected
  // Every comparison with NaN is false, and so would let an expired token pass.
  if (!Number.isSafeInteger(now) || !Number.isSafeInteger(skewSeconds) || skewSeconds < 0) {
    throw new RangeError('now and skewSeconds must be whole seconds')
  }
  const payload = readPayload(jws) ?? invalid('payload is not strict JSON')
  const claims = readClaims(payload)
  const notBefore = payload.nbf === undefined ? 0 : instant(payload.nbf, 'nbf')
  if (claims.issuer !== expected.issuer) invalid('iss is another issuer')
  if (claims.audience !== expected.audience) invalid('aud is another audience')
  if (claims.issuedAt > now + skewSeconds + futureSeconds) invalid('iat is in the future')
  if (notBefore > now + skewSeconds) invalid('nbf is in the future')
  if (claims.expiresAt <= claims.issuedAt) invalid('exp is not after iat')
  if (claims.expiresAt - claims.issuedAt > maxLifetimeSeconds) invalid('exp is more than a day after iat')
  if (claims.expiresAt <= now - skewSeconds) refuse('token_expired', 'exp has passed')
  return claims
}

function readClaims(payload: JsonObject): AccessTokenClaims {
  const actors = readActors(payload.act)
  return {
    issuer: text(payload.iss, 'iss'),
    subject: text(payload.sub, 'sub'),
    audience: readAudience(payload),
    expiresAt: instant(payload.exp, 'exp'),
    issuedAt: instant(payload.iat, 'iat'),
    tokenId: text(payload.jti, 'jti'),
    clientId: text(payload.client_id, 'client_id'),
    sessionId: optionalText(payload.sid, 'sid'),
    scopes: readScopes(payload),
    authenticatedAt: instant(payload.auth_time, 'auth_time'),
    amr: readTexts(payload.amr) ?? invalid('amr is not a list of strings'),
    asOf: instant(payload.as_of, 'as_of'),
    confirmation: readConfirmation(payload.cnf),
    actor: actors[0] ?? null,
    actors,
    grant: optionalText(payload.grant, 'grant'),
  }
}

/** A token that is good elsewhere as well could be taken from there and used here, so a list may hold one entry only. */
function readAudience(payload: JsonObject): string {
  const { aud } = payload
  const audiences = typeof aud === 'string' ? null : readTexts(aud)
  const audience = audiences?.length === 1 ? audiences[0] : aud
  return typeof audience === 'string' && audience !== '' ? audience : invalid('aud is not one audience')
}

function readScopes(payload: JsonObject): readonly string[] {
  const scope = payload.scope
  if (typeof scope !== 'string') invalid('scope is not a string')
  if (scope === '') return []
  const scopes = scope.split(' ')
  return scopes.every((one) => scopeToken.test(one)) ? scopes : invalid('scope is malformed')
}

/** A confirmation that we do not understand refuses: passed over, it would turn a bound token into a bearer one. */
function readConfirmation(cnf: JsonValue | undefined): string | null {
  if (cnf === undefined) return null
  const { jkt, ...others } = isJsonObject(cnf) ? cnf : invalid('cnf is not an object')
  if (typeof jkt !== 'string' || !thumbprint.test(jkt)) invalid('cnf has no jkt')
  return Object.keys(others).length === 0 ? jkt : invalid('cnf has more than jkt')
}

/**
 * Who acts now, which is the outermost of a chain (RFC 8693 4.1), and those inside, who had it before and give no rights. A
 * chain that is too long, that holds one twice, or that is malformed anywhere is none that a server of ours makes.
 */
function readActors(act: JsonValue | undefined): readonly string[] {
  if (act === undefined) return nobody
  const chain: string[] = []
  for (let link: JsonValue | undefined = act; link !== undefined; ) {
    const actor: JsonObject = isJsonObject(link) ? link : invalid('act is not an object')
    chain.push(text(actor.sub, 'sub'))
    if (chain.length > longestActorChain) invalid('act is a chain that is too long')
    link = actor.act
  }
  if (new Set(chain).size < chain.length) invalid('act names one actor twice')
  return chain
}

function text(value: JsonValue | undefined, name: string): string {
  return typeof value === 'string' && value !== '' ? value : invalid(`${name} is not a string`)
}

function optionalText(value: JsonValue | undefined, name: string): string | null {
  return value === undefined || value === null ? null : text(value, name)
}

/** A whole, non-negative number in the range where numbers are exact. */
function instant(value: JsonValue | undefined, name: string): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : invalid(`${name} is not a whole number`)
}

function readTexts(value: JsonValue | undefined): readonly string[] | null {
  if (!Array.isArray(value)) return null
  return value.every((one) => typeof one === 'string') ? value : null
}

function invalid(detail: string): never {
  return refuse('credential_invalid', `access token: ${detail}`)
}
