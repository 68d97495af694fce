import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { isOnCurve } from './curve.ts'
import type { JsonObject } from './json.ts'
import type { Jws } from './jws.ts'
import {
  type PublicMembers,
  readPublicKey,
  type SignatureAlgorithm,
  type VerificationKey,
} from './public-key.ts'
import { digest } from './sha256.ts'

// The twin of signatures.ts where there is no node:crypto: the same names, but an answer may take a while.

type SignedBytes = {
  readonly key: VerificationKey
  readonly data: Uint8Array<ArrayBuffer>
  readonly signature: Uint8Array
}
type Parameters = AlgorithmIdentifier & { readonly name: string }

const utf8 = new TextEncoder()
const es256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const ed25519 = { name: 'Ed25519' }
const rs256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }

const parameters: Readonly<Record<SignatureAlgorithm, Parameters>> = {
  ES256: es256,
  Ed25519: ed25519,
  EdDSA: ed25519,
  RS256: rs256,
}

/** A public JWK as a key that checks signatures, or null: see `readPublicKey`. A point off its curve is none either. */
export function importVerificationKey(jwk: JsonObject): VerificationKey | null {
  const read = readPublicKey(jwk)
  // WebCrypto would say so only later, and a key set is refused as a whole or not at all.
  if (read === null || !isSound(read.members)) return null
  const { kid, algorithm, members } = read
  const handle = crypto.subtle.importKey('jwk', { ...members }, parameters[algorithm], false, ['verify'])
  // Whoever checks a signature hears of it; until then nobody listens, and that is no fault.
  handle.catch(() => {})
  return { kid, algorithm, handle }
}

/**
 * Whether `jws` was signed by the holder of `key`, with the key's own algorithm. The header never chooses: its `alg`
 * must be that algorithm's name, byte for byte. Not checked: anything the payload says. A promise: compare what it
 * comes to with `true`, never the promise itself.
 */
export function checkSignature(key: VerificationKey, jws: Jws): Promise<boolean> {
  if (jws.algorithm !== key.algorithm) return Promise.resolve(false)
  const signature = decodeBase64url(jws.signature)
  if (signature === null) return Promise.resolve(false)
  return checkSignedBytes({ key, data: utf8.encode(jws.signingInput), signature })
}

/** The same for bare bytes: public test vectors come in this form. */
export async function checkSignedBytes({ key, data, signature }: SignedBytes): Promise<boolean> {
  // A key that the platform does not take checks nothing.
  const handle = await Promise.resolve(key.handle).catch(() => null)
  if (!(handle instanceof CryptoKey)) return false
  if (signature.length !== lengthFor(handle)) return false
  return crypto.subtle.verify(parameters[key.algorithm], handle, Uint8Array.from(signature), data)
}

/** SHA-256 as base64url. */
export function sha256(data: string | Uint8Array): string {
  return encodeBase64url(digest(typeof data === 'string' ? utf8.encode(data) : data))
}

function isSound(members: PublicMembers): boolean {
  if (members.kty !== 'EC') return true
  const [x, y] = [decodeBase64url(members.x), decodeBase64url(members.y)]
  return x !== null && y !== null && isOnCurve({ x, y })
}

/** One length for each key, so that a signature has one spelling. */
function lengthFor({ algorithm }: CryptoKey): number {
  const bits = 'modulusLength' in algorithm ? Number(algorithm.modulusLength) : 512
  return Math.ceil(bits / 8)
}
