import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Here in memory. On a phone: P-256 in the Secure Enclave or in StrongBox, which sign and let no key out. */
export function createKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  const head = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })
  return {
    /** A proof for one request (DPoP, RFC 9449). `now`: seconds since 1970. */
    proof({ method, url, token, nonce, now }) {
      const ath = token && createHash('sha256').update(token).digest('base64url')
      const claims = { jti: randomUUID(), htm: method, htu: url, iat: now }
      const text = `${head}.${encode({ ...claims, ...(ath && { ath }), ...(nonce && { nonce }) })}`
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      return `${text}.${signature.toString('base64url')}`
    },
  }
}
