import { constants, createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { decodeBase64url } from './base64url.ts'
import type { JsonObject } from './json.ts'
import type { Jws } from './jws.ts'
import { isSoundRsaKey } from './rsa-modulus.ts'

/** `EdDSA` is the deprecated name of Ed25519 (RFC 9864): good only for a key that calls itself so. */
export type SignatureAlgorithm = 'ES256' | 'Ed25519' | 'EdDSA' | 'RS256'

/** A public key that may check signatures, of exactly one algorithm. */
export type VerificationKey = {
  readonly kid: string | null
  readonly algorithm: SignatureAlgorithm
  readonly handle: KeyObject
}

type Rule = {
  /** The bare public JWK, rebuilt from the members that matter, or null if one of them is wrong. */
  readonly publicMembers: (jwk: JsonObject) => Record<string, string> | null
  readonly check: (given: SignedBytes) => boolean
}
type SignedBytes = {
  readonly key: VerificationKey
  readonly data: Uint8Array
  readonly signature: Uint8Array
}

const utf8 = new TextEncoder()

const ed25519: Rule = {
  publicMembers: ({ kty, crv, x }) =>
    kty === 'OKP' && crv === 'Ed25519' && isCoordinate(x) ? { kty, crv, x } : null,
  check: ({ key, data, signature }) => signature.length === 64 && verify(null, data, key.handle, signature),
}

const es256: Rule = {
  publicMembers: ({ kty, crv, x, y }) =>
    kty === 'EC' && crv === 'P-256' && isCoordinate(x) && isCoordinate(y) ? { kty, crv, x, y } : null,
  check: ({ key, data, signature }) =>
    // The length is checked first, so that a DER signature is never a second spelling of the same one.
    signature.length === 64 &&
    verify('sha256', data, { key: key.handle, dsaEncoding: 'ieee-p1363' }, signature),
}

const rs256: Rule = {
  publicMembers: ({ kty, n, e }) => {
    if (kty !== 'RSA' || typeof n !== 'string' || typeof e !== 'string') return null
    const modulus = decodeBase64url(n)
    const exponent = decodeBase64url(e)
    if (modulus === null || exponent === null) return null
    return isSoundRsaKey({ modulus, exponent }) ? { kty, n, e } : null
  },
  check: ({ key, data, signature }) =>
    signature.length === Math.ceil((key.handle.asymmetricKeyDetails?.modulusLength ?? 0) / 8) &&
    verify('sha256', data, { key: key.handle, padding: constants.RSA_PKCS1_PADDING }, signature),
}

const rules: Readonly<Record<SignatureAlgorithm, Rule>> = {
  ES256: es256,
  Ed25519: ed25519,
  EdDSA: ed25519,
  RS256: rs256,
}

const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** Whether a JWK holds anything that must never be published: a private or a symmetric key. */
export function holdsSecret(jwk: JsonObject): boolean {
  return jwk.kty === 'oct' || secretMembers.some((name) => jwk[name] !== undefined)
}

export function isSignatureAlgorithm(name: unknown): name is SignatureAlgorithm {
  return typeof name === 'string' && Object.hasOwn(rules, name)
}

/**
 * A public JWK as a key that checks signatures, or null. Its `alg` must name the one algorithm that it is for, and key
 * type, curve and size must fit; refused are private or symmetric members, `use` other than `sig`, `key_ops` without
 * `verify`, a point off its curve, RSA under 2,048 bits, exponent 1, even exponents and ROCA moduli. `kid` may be
 * absent. Certificates and addresses (`x5c`, `x5u`) are not looked at. Not checked: who published the key.
 */
export function importVerificationKey(jwk: JsonObject): VerificationKey | null {
  const { alg, kid = null, use, key_ops: operations } = jwk
  if (!isSignatureAlgorithm(alg) || holdsSecret(jwk)) return null
  if (kid !== null && (typeof kid !== 'string' || kid === '')) return null
  if (use !== undefined && use !== 'sig') return null
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return null
  const key = rules[alg].publicMembers(jwk)
  if (key === null) return null
  try {
    return { kid, algorithm: alg, handle: createPublicKey({ key, format: 'jwk' }) }
  } catch {
    return null
  }
}

/**
 * Whether `jws` was signed by the holder of `key`, with the key's own algorithm. The header never chooses: its `alg`
 * must be that algorithm's name, byte for byte. Not checked: anything the payload says.
 */
export function checkSignature(key: VerificationKey, jws: Jws): boolean {
  if (jws.algorithm !== key.algorithm) return false
  return checkSignedBytes({ key, data: utf8.encode(jws.signingInput), signature: jws.signature })
}

/** The same for bare bytes: public test vectors come in this form. */
export function checkSignedBytes(given: SignedBytes): boolean {
  return rules[given.key.algorithm].check(given)
}

/** SHA-256 as base64url. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('base64url')
}

function isCoordinate(member: unknown): member is string {
  return typeof member === 'string' && decodeBase64url(member)?.length === 32
}
