import {
  createHash,
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { Signing, SigningAlgorithm } from '../machine.ts'

const generate = promisify(generateKeyPair)

const makers: Record<SigningAlgorithm, () => Promise<{ publicKey: KeyObject; privateKey: KeyObject }>> = {
  ES256: () => generate('ec', { namedCurve: 'P-256' }),
  Ed25519: () => generate('ed25519'),
  RS256: () => generate('rsa', { modulusLength: 2048 }),
}

/** The members that an RFC 7638 thumbprint covers, in the order it wants them. */
const thumbprintMembers: Record<SigningAlgorithm, readonly string[]> = {
  ES256: ['crv', 'kty', 'x', 'y'],
  Ed25519: ['crv', 'kty', 'x'],
  RS256: ['e', 'kty', 'n'],
}

const digests: Record<SigningAlgorithm, string | null> = { ES256: 'sha256', Ed25519: null, RS256: 'sha256' }

/** The one file that signs. */
export const systemSigning: Signing = {
  async generate(algorithm) {
    const { publicKey, privateKey } = await makers[algorithm]()
    const jwk = publicKey.export({ format: 'jwk' }) as Record<string, string>
    const covered = thumbprintMembers[algorithm].map((name) => [name, jwk[name]])
    const kid = createHash('sha256')
      .update(JSON.stringify(Object.fromEntries(covered)))
      .digest('base64url')
    return {
      publicJwk: { ...jwk, kid, alg: algorithm, use: 'sig' },
      privateJwk: JSON.stringify(privateKey.export({ format: 'jwk' })),
    }
  },
  load(privateJwk, algorithm) {
    const key: SignKeyObjectInput = {
      key: createPrivateKey({ key: JSON.parse(privateJwk), format: 'jwk' }),
      // JWS wants the two numbers side by side, not DER (RFC 7518 3.4).
      dsaEncoding: 'ieee-p1363',
    }
    return (input) => sign(digests[algorithm], Buffer.from(input), key)
  },
}
