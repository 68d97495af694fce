import { importVerificationKey, sha256 } from './cryptography.ts'
import { isJsonObject, type JsonObject } from './json.ts'
import { holdsSecret, type PublicMembers, readPublicKey, type VerificationKey } from './public-key.ts'

/** The key that a proof brings along, and its name: the thumbprint that a token is bound to. */
export type ProofKey = { readonly key: VerificationKey; readonly thumbprint: string }

/** What proofs may be signed with, as `WWW-Authenticate` and metadata tell it. Not EdDSA: a key has one name for it. */
export const proofAlgorithms = ['ES256', 'Ed25519', 'RS256'] as const

// Whoever sends a proof has made the key, and a check costs more the larger it is: 4,096 bits and the usual exponent.
const maxModulusCharacters = 683
const exponent65537 = 'AQAB'

/**
 * The public key in the header of a proof, or null: private members, another type or curve than its `alg` is for, an
 * `alg` of its own that says otherwise, an RSA key of more than 4,096 bits or with an unusual exponent, and whatever
 * `readPublicKey` refuses.
 */
export function readProofKey({ alg, jwk }: JsonObject): ProofKey | null {
  if (!proofAlgorithms.some((name) => name === alg) || !isJsonObject(jwk) || holdsSecret(jwk)) return null
  if (jwk.alg !== undefined && jwk.alg !== alg) return null
  const named = { ...jwk, alg: alg ?? null }
  const read = readPublicKey(named)
  if (read === null || !isModest(read.members)) return null
  const key = importVerificationKey(named)
  return key && { key, thumbprint: thumbprintOf(read.members) }
}

/** RFC 7638: the members that make the key, in the order of their names, without white space. */
export function thumbprintOf(members: PublicMembers): string {
  return sha256(JSON.stringify(covered(members)))
}

function covered(members: PublicMembers): object {
  if (members.kty === 'EC') return { crv: members.crv, kty: members.kty, x: members.x, y: members.y }
  if (members.kty === 'OKP') return { crv: members.crv, kty: members.kty, x: members.x }
  return { e: members.e, kty: members.kty, n: members.n }
}

function isModest(members: PublicMembers): boolean {
  return members.kty !== 'RSA' || (members.e === exponent65537 && members.n.length <= maxModulusCharacters)
}
