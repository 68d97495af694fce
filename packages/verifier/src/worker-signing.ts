import { encodeBase64url } from './base64url.ts'
import { parseJsonObject } from './json.ts'
import { thumbprintOf } from './proof-key.ts'
import { type PublicMembers, readPublicKey } from './public-key.ts'

/** A key that signs here. Neither what it was made from nor the key itself can be read out of it again. */
export type Signer = {
  /** The name of the key: its own, or its thumbprint (RFC 7638). */
  readonly kid: string
  readonly algorithm: WorkerAlgorithm
  readonly publicJwk: PublicMembers
  /** A compact JWS. `alg` is the key's own. */
  sign(header: object, claims: object): Promise<string>
}

export type WorkerAlgorithm = 'ES256' | 'Ed25519' | 'RS256'

const parameters = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
} as const

/** Where a kind of key has only one algorithm that servers take, it need not be named. */
const implied: ReadonlyMap<unknown, WorkerAlgorithm> = new Map([
  ['EC', 'ES256'],
  ['OKP', 'Ed25519'],
  ['RSA', 'RS256'],
])

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const
const utf8 = new TextEncoder()

/** A private JWK, as an object or as text, as a key that signs. An `Error` without a word of it for anything else. */
export async function importSigner(given: object | string): Promise<Signer> {
  const jwk = parseJsonObject(typeof given === 'string' ? given : JSON.stringify(given)) ?? unusable()
  const { kid, kty, crv, x, y, n, e, alg = implied.get(kty) } = jwk
  const read = readPublicKey({ kty, crv, x, y, n, e, alg })
  if (read === null || !isWorkerAlgorithm(read.algorithm) || typeof jwk.d !== 'string') unusable()
  const { algorithm, members } = read
  const secrets = privateMembers.flatMap((name) => (jwk[name] === undefined ? [] : [[name, jwk[name]]]))
  const key = await crypto.subtle
    .importKey('jwk', { ...members, ...Object.fromEntries(secrets) }, parameters[algorithm], false, ['sign'])
    .catch(unusable)
  const name = typeof kid === 'string' ? kid : thumbprintOf(members)
  return signerOf({ key, kid: name, algorithm, publicJwk: members })
}

/** A new key that nobody but this process will ever have. */
export async function createSigner(): Promise<Signer> {
  const pair = await crypto.subtle.generateKey(parameters.ES256, false, ['sign', 'verify'])
  const { x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  if (x === undefined || y === undefined) throw new Error('the platform made a key without a public half')
  const publicJwk: PublicMembers = { kty: 'EC', crv: 'P-256', x, y }
  return signerOf({ key: pair.privateKey, kid: thumbprintOf(publicJwk), algorithm: 'ES256', publicJwk })
}

function signerOf({ key, ...about }: Omit<Signer, 'sign'> & { key: CryptoKey }): Signer {
  const { algorithm } = about
  return {
    ...about,
    async sign(header, claims) {
      const input = `${part({ ...header, alg: algorithm })}.${part(claims)}`
      const signature = await crypto.subtle.sign(parameters[algorithm], key, utf8.encode(input))
      return `${input}.${encodeBase64url(new Uint8Array(signature))}`
    },
  }
}

const isWorkerAlgorithm = (name: string): name is WorkerAlgorithm => Object.hasOwn(parameters, name)

const part = (content: object) => encodeBase64url(utf8.encode(JSON.stringify(content)))

function unusable(): never {
  throw new Error(
    'client.key is no private JWK that signs: P-256, Ed25519 or RSA of 2,048 bits and more. `counterfoil clients keypair FILE` makes one.',
  )
}
