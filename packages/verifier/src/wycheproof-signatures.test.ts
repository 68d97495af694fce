import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBase64url } from './base64url.ts'
import type { JsonObject } from './json.ts'
import type { SignatureAlgorithm } from './public-key.ts'
import { readVectors, skipWithoutVectors } from './testing/shared-vectors.ts'
import { twins } from './testing/twins.ts'

type Case = {
  readonly tcId: number
  readonly comment: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly msg: string
  readonly sig: string
}
type Group = {
  readonly keyJwk?: JsonObject
  readonly publicKeyJwk?: JsonObject
  readonly publicKey: { readonly wx?: string; readonly wy?: string }
  readonly tests: readonly Case[]
}

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))

/** Some ECDSA groups give their key as numbers only. */
function jwkOf({ keyJwk, publicKeyJwk, publicKey }: Group): JsonObject {
  const coordinate = (hex = '') => encodeBase64url(bytes(hex.slice(-64).padStart(64, '0')))
  const numbers = { kty: 'EC', crv: 'P-256', x: coordinate(publicKey.wx), y: coordinate(publicKey.wy) }
  return keyJwk ?? publicKeyJwk ?? numbers
}

const files: [file: string, algorithm: SignatureAlgorithm, cases: number, valid: number][] = [
  ['ecdsa_secp256r1_sha256_p1363_test.json', 'ES256', 262, 173],
  ['ed25519_test.json', 'Ed25519', 151, 88],
  ['rsa_signature_2048_sha256_test.json', 'RS256', 259, 9],
]
for (const [platform, { checkSignedBytes, importVerificationKey }] of twins) {
  for (const [file, algorithm, cases, valid] of files) {
    test(`${platform}, ${algorithm}: every valid signature of ${file} holds, every other is refused`, {
      skip: skipWithoutVectors,
    }, async (t) => {
      const seen = { valid: 0, acceptable: 0, invalid: 0 }
      for (const group of readVectors<Group>(`wycheproof/${file}`, cases)) {
        const key = importVerificationKey({ ...jwkOf(group), alg: algorithm })
        assert.ok(key, 'the key is imported')
        for (const { tcId, comment, result, msg, sig } of group.tests) {
          const holds = await checkSignedBytes({ key, data: bytes(msg), signature: bytes(sig) })
          // "Acceptable" is a second encoding of the same (PKCS #1 without its NULL): we know one only.
          assert.equal(holds, result === 'valid', `${tcId} ${comment}`)
          seen[result]++
        }
      }
      t.diagnostic(JSON.stringify(seen))
      assert.ok(seen.valid >= valid)
    })
  }
}
