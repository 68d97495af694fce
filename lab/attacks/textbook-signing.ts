import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSign,
  createVerify,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'

export type KeyPair = { publicKey: KeyObject; privateKey: KeyObject }

export const newKeyPair = (): KeyPair => generateKeyPairSync('rsa', { modulusLength: 2048 })

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
const decode = (text = '') => JSON.parse(Buffer.from(text, 'base64url').toString())

/** Tokens that are checked by what they say about themselves, and that say neither who made them nor for whom. */
export function naiveTokens({ publicKey, privateKey }: KeyPair) {
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }))
  const signer = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const sign = (claims: object) => {
    const input = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`
    return `${input}.${createSign('sha256').update(input).sign(signer, 'base64url')}`
  }
  const isSigned = (header: { alg?: string; jwk?: object }, input: string, signature: string): boolean => {
    if (header.alg === 'none') return true
    if (header.alg === 'HS256')
      return createHmac('sha256', pem).update(input).digest('base64url') === signature
    const key =
      header.jwk === undefined ? publicKey : createPublicKey({ key: { ...header.jwk }, format: 'jwk' })
    return createVerify('sha256').update(input).verify(key, signature, 'base64url')
  }
  return {
    publicJwk: { ...publicKey.export({ format: 'jwk' }), alg: 'RS256' },
    issue: (email: string) => ({ access: sign({ email, n: 1 }), refresh: sign({ email, n: 2 }) }),
    read(token: string): string | null {
      try {
        const [header, payload, signature = ''] = token.split('.')
        return isSigned(decode(header), `${header}.${payload}`, signature)
          ? String(decode(payload).email)
          : null
      } catch {
        return null
      }
    },
  }
}

/** Whether a device's registration is signed by the key that it brings: all that the textbook asks of one. */
export function isSignedByItsOwnKey(registration: string): boolean {
  const [header, payload, signature = ''] = registration.split('.')
  const { jwk } = decode(header)
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const check = createVerify('sha256').update(`${header}.${payload}`)
  return check.verify({ key, dsaEncoding: 'ieee-p1363' }, signature, 'base64url')
}
