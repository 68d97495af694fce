import { importVerificationKey } from './cryptography.ts'
import { isJsonObject, type JsonObject, parseJsonObject } from './json.ts'
import { holdsSecret, isSignatureAlgorithm, type VerificationKey } from './public-key.ts'

/** The keys of one issuer by `kid`. A Map, so that a `kid` of `__proto__` is just one that nobody has. */
export type KeySet = ReadonlyMap<string, VerificationKey>

/**
 * A published JWK set (RFC 7517 section 5), or null. The whole set is refused if it is not what a careful issuer
 * publishes: a private or symmetric key among the public ones, a `kid` missing or used twice, a key that claims one of
 * our algorithms and is not good for it. Well-formed keys for other algorithms or of unknown types are passed over,
 * as the RFC asks, so that an issuer may publish more than we take. `jku`, `x5u` and `x5c` are never followed.
 */
export function parseKeySet(input: string | Uint8Array | JsonObject): KeySet | null {
  const document = typeof input === 'string' || input instanceof Uint8Array ? parseJsonObject(input) : input
  const entries = document?.keys
  if (!Array.isArray(entries)) return null
  const keys = new Map<string, VerificationKey>()
  const kids = new Set<string>()
  for (const jwk of entries) {
    if (!isJsonObject(jwk) || holdsSecret(jwk)) return null
    const { alg, kid } = jwk
    if (typeof kid !== 'string' || kid === '' || kids.has(kid)) return null
    kids.add(kid)
    if (!isSignatureAlgorithm(alg)) continue
    const key = importVerificationKey(jwk)
    if (key === null) return null
    keys.set(kid, key)
  }
  return keys
}
