import * as platform from '#signatures'
import type { JsonObject } from './json.ts'
import type { Jws } from './jws.ts'
import type { VerificationKey } from './public-key.ts'

// What the rest of the package knows of cryptography, whether node:crypto does it or WebCrypto. The types are written
// out, so that nobody reads an answer that may take a while as a yes.

/** A public JWK as a key that checks signatures, or null: see `readPublicKey`. A point off its curve is none either. */
export const importVerificationKey: (jwk: JsonObject) => VerificationKey | null =
  platform.importVerificationKey

/**
 * Whether `jws` was signed by the holder of `key`, with the key's own algorithm. The header never chooses: its `alg`
 * must be that algorithm's name, byte for byte. Not checked: anything the payload says. At once with node:crypto, later
 * with WebCrypto: compare with `true`.
 */
export const checkSignature: (key: VerificationKey, jws: Jws) => boolean | Promise<boolean> =
  platform.checkSignature

/** SHA-256 as base64url. */
export const sha256: (data: string | Uint8Array) => string = platform.sha256
