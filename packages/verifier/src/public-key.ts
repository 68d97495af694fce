import { decodeBase64url } from './base64url.ts'
import type { JsonObject } from './json.ts'
import { isSoundRsaKey } from './rsa-modulus.ts'

/** `EdDSA` is the deprecated name of Ed25519 (RFC 9864): good only for a key that calls itself so. */
export type SignatureAlgorithm = 'ES256' | 'Ed25519' | 'EdDSA' | 'RS256'

/** A public key that may check signatures, of exactly one algorithm. */
export type VerificationKey = {
  readonly kid: string | null
  readonly algorithm: SignatureAlgorithm
  /** What the platform made of it; nothing but the module that imported it looks inside. */
  readonly handle: unknown
}

/** The bare public JWK, rebuilt from the members that matter. */
export type PublicMembers =
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }

export type PublicKey = {
  readonly kid: string | null
  readonly algorithm: SignatureAlgorithm
  readonly members: PublicMembers
}

type Shape = (jwk: JsonObject) => PublicMembers | null

const ed25519: Shape = ({ kty, crv, x }) =>
  kty === 'OKP' && crv === 'Ed25519' && isCoordinate(x) ? { kty, crv, x } : null

const es256: Shape = ({ kty, crv, x, y }) =>
  kty === 'EC' && crv === 'P-256' && isCoordinate(x) && isCoordinate(y) ? { kty, crv, x, y } : null

const rs256: Shape = ({ kty, n, e }) => {
  if (kty !== 'RSA' || typeof n !== 'string' || typeof e !== 'string') return null
  const modulus = decodeBase64url(n)
  const exponent = decodeBase64url(e)
  if (modulus === null || exponent === null) return null
  return isSoundRsaKey({ modulus, exponent }) ? { kty, n, e } : null
}

const shapes: Readonly<Record<SignatureAlgorithm, Shape>> = {
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
  return typeof name === 'string' && Object.hasOwn(shapes, name)
}

/**
 * What a public JWK says, or null. Its `alg` must name the one algorithm that it is for, and key type, curve and size
 * must fit; refused are private or symmetric members, `use` other than `sig`, `key_ops` without `verify`, RSA under
 * 2,048 bits, exponent 1, even exponents and ROCA moduli. `kid` may be absent. Certificates and addresses (`x5c`,
 * `x5u`) are not looked at. Not checked: whether a point is on its curve, and who published the key.
 */
export function readPublicKey(jwk: JsonObject): PublicKey | null {
  const { alg, kid = null, use, key_ops: operations } = jwk
  if (!isSignatureAlgorithm(alg) || holdsSecret(jwk)) return null
  if (kid !== null && (typeof kid !== 'string' || kid === '')) return null
  if (use !== undefined && use !== 'sig') return null
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return null
  const members = shapes[alg](jwk)
  return members && { kid, algorithm: alg, members }
}

function isCoordinate(member: unknown): member is string {
  return typeof member === 'string' && decodeBase64url(member)?.length === 32
}
