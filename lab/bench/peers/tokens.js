// What all who check tokens here have in common: one key of the same kind as ours, and the same claims.
import { generateKeyPairSync } from 'node:crypto'

export const algorithm = 'ES256'
export const issuer = 'https://issuer.example'
export const audience = 'https://api.example'

export function keyPair() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    ...{ publicKey, privateKey },
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
}

/** As many claims as ours has, so that the same bytes are decoded. */
export const claimsOf = (user) => ({
  sub: user.id,
  client_id: 'first-party',
  sid: 'b7mAm7pbS0mKfIuYwBzc9w',
  jti: Math.random().toString(36).slice(2),
  scope: '',
  auth_time: Math.floor(Date.now() / 1000),
  amr: ['pwd'],
})

export const answerOf = ({ sub }) => ({ user: { id: sub } })
