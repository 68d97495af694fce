import type { Cache } from './cache.ts'
import { sha256 } from './cryptography.ts'
import type { JsonObject, JsonValue } from './json.ts'
import { type Jws, parseJws, readPayload } from './jws.ts'
import { type ProofKey, readProofKey } from './proof-key.ts'
import { isTarget } from './proof-target.ts'
import { refuse } from './refusal.ts'

/** A DPoP proof (RFC 9449) taken apart. Nothing in it is believed before its signature was checked. */
export type UnprovenProof = ProofKey & { readonly jws: Jws }

/** A proof as a request shows it, and what it has to be about. */
export type ShownProof = {
  /** `DPoP`, or null. */
  readonly header: string | null
  /** Of this very request, as it stands on its first line. */
  readonly method: string
  /** See `targetOf`; null where the request tells no address. */
  readonly target: string | null
}

export type ExpectedProof = Omit<ShownProof, 'header'> & {
  /** The access token beside it; null where none is shown, as at a token endpoint. */
  readonly token: string | null
  /** Whole seconds. */
  readonly now: number
  /** Whether a nonce is one of ours; null where none is demanded. */
  readonly isOurNonce: ((nonce: string) => boolean) | null
}

/** A proof that fits. Not checked: whether it was here before, and which key the token is bound to. */
export type Proof = {
  readonly thumbprint: string
  readonly id: string
  /** The last second in which it would be accepted. */
  readonly until: number
  readonly source: UnprovenProof
}

/** How long ago a proof may have been made, and how far ahead of ours its maker's clock may be. */
export const proofSeconds = 60
const futureSeconds = 30
const maxIdCharacters = 128

/**
 * The one proof of a request, or a refusal: `proof_invalid`; `credential_ambiguous` for two (a comma, which is how headers
 * are merged). `keys` remembers what a header says, since importing its key costs as much as checking a signature.
 */
export function parseProof(header: string | null, keys: Cache<KnownHeader>): UnprovenProof {
  if (header === null) invalid('there is none')
  if (header.includes(',')) refuse('credential_ambiguous', 'DPoP holds a comma')
  const known = keys.get(headerText(header))
  const jws = parseJws(header, known && { header: nothing, algorithm: known.key.algorithm })
  if (jws === null) invalid('not a compact JWS that we take')
  const { key, thumbprint } = known ?? readKey(jws)
  return { jws, key, thumbprint }
}

/** What was found in a header, under its own text. */
export type KnownHeader = ProofKey

// Of a header that is known nothing is asked again, and kept for each key it would be most of the memory.
const nothing: JsonObject = Object.freeze({})

function readKey({ header }: Jws): ProofKey {
  if (header.typ !== 'dpop+jwt') invalid('typ is not dpop+jwt')
  return readProofKey(header) ?? invalid('jwk is no public key that alg is for')
}

/** Kept once a proof was used, so that nobody fills the memory with keys that no token is bound to. */
export function rememberHeader({ jws, key, thumbprint }: UnprovenProof, keys: Cache<KnownHeader>): void {
  keys.set(headerText(jws.signingInput), { key, thumbprint })
}

const headerText = (jws: string) => jws.slice(0, jws.indexOf('.'))

/** Judges what a proof says, after its signature was found good. `proof_invalid`, or `proof_nonce_needed`. */
export function judgeProof(source: UnprovenProof, expected: ExpectedProof): Proof {
  const { jws, thumbprint } = source
  const { method, target, token, now, isOurNonce } = expected
  // Every comparison with NaN is false, and so would let an old proof pass.
  if (!Number.isSafeInteger(now)) throw new RangeError('now must be whole seconds')
  const claims = readPayload(jws) ?? invalid('payload is not strict JSON')
  if (text(claims.htm, 'htm') !== method) invalid('htm is another method')
  const htu = text(claims.htu, 'htu')
  if (target === null || !isTarget(htu, target)) invalid('htu is another address')
  if (token !== null && text(claims.ath, 'ath') !== sha256(token)) invalid('ath is of another token')
  const id = text(claims.jti, 'jti')
  if (id.length > maxIdCharacters) invalid('jti is too long')
  const issuedAt = instant(claims.iat, 'iat')
  if (issuedAt < now - proofSeconds) invalid('iat is too long ago')
  if (issuedAt > now + futureSeconds) invalid('iat is in the future')
  if (claims.exp !== undefined && instant(claims.exp, 'exp') <= now - futureSeconds) invalid('exp has passed')
  if (claims.nbf !== undefined && instant(claims.nbf, 'nbf') > now + futureSeconds)
    invalid('nbf is in the future')
  const nonce = claims.nonce
  if (isOurNonce !== null && !(typeof nonce === 'string' && isOurNonce(nonce)))
    refuse('proof_nonce_needed', 'proof: no nonce of ours, or an old one')
  return { thumbprint, id, until: issuedAt + proofSeconds, source }
}

/**
 * A token that is bound is worth nothing without a proof by its key, and one that is not is no bound token because somebody
 * says so (RFC 9449 7.2). Both are refused as `credential_invalid`.
 */
export function requireScheme(kind: 'bearer', confirmation: string | null): asserts confirmation is null
export function requireScheme(kind: 'dpop', confirmation: string | null): asserts confirmation is string
export function requireScheme(kind: 'bearer' | 'dpop', confirmation: string | null): void {
  if (kind === 'bearer' && confirmation !== null)
    refuse('credential_invalid', 'access token: bound to a key, and shown as Bearer')
  if (kind === 'dpop' && confirmation === null)
    refuse('credential_invalid', 'access token: not bound to a key, and shown as DPoP')
}

function text(value: JsonValue | undefined, name: string): string {
  return typeof value === 'string' && value !== '' ? value : invalid(`${name} is not a string`)
}

function instant(value: JsonValue | undefined, name: string): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : invalid(`${name} is not a whole number`)
}

function invalid(detail: string): never {
  return refuse('proof_invalid', `proof: ${detail}`)
}
