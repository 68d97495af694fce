import type { JsonObject } from '../json.ts'
import type { Jws } from '../jws.ts'
import type { VerificationKey } from '../public-key.ts'
import * as node from '../signatures.ts'
import * as web from '../signatures-web.ts'

/** One of the two modules that `#signatures` stands for. */
export type Twin = {
  importVerificationKey(jwk: JsonObject): VerificationKey | null
  checkSignature(key: VerificationKey, jws: Jws): boolean | Promise<boolean>
  checkSignedBytes(given: {
    key: VerificationKey
    data: Uint8Array<ArrayBuffer>
    signature: Uint8Array
  }): boolean | Promise<boolean>
  sha256(data: string | Uint8Array): string
}

/** Both, by the platform that each needs: whatever one says of a key or a signature, the other must say too. */
export const twins: readonly [platform: string, twin: Twin][] = [
  ['node:crypto', node],
  ['WebCrypto', web],
]
