import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import type { Person } from '../people.ts'
import { fetchHere } from '../place.ts'

/** A program with a key of its own, as `@counterfoil/browser` is one in a page: each request carries a proof (RFC 9449). */
export type Device = {
  /** The access token, bound to this device's key. */
  signIn(person: Person): Promise<string>
  pay(token: string, order: object): Promise<Response>
  signOut(token: string): Promise<Response>
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

export function createDevice(bank: string): Device {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  let nonce: string | null = null

  function proofFor(url: string, token: string | null): string {
    const claims = {
      ...{ htm: 'POST', htu: url, jti: randomUUID(), iat: Math.floor(Date.now() / 1000) },
      ...(nonce === null ? {} : { nonce }),
      ...(token === null ? {} : { ath: createHash('sha256').update(token).digest('base64url') }),
    }
    const text = `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })}.${encode(claims)}`
    const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    return `${text}.${signature.toString('base64url')}`
  }

  async function post(path: string, json: object, token: string | null = null): Promise<Response> {
    const url = bank + path
    const headers = {
      'content-type': 'application/json',
      dpop: proofFor(url, token),
      ...(token === null ? {} : { authorization: `DPoP ${token}` }),
    }
    const answer = await fetchHere(url, { method: 'POST', headers, body: JSON.stringify(json) })
    nonce = answer.headers.get('dpop-nonce')
    return answer
  }

  return {
    async signIn({ email, password }) {
      const typed = { email, password, carrier: 'token' }
      // The first answer is the nonce that a proof has to hold.
      await post('/auth/sign-in', typed)
      const { access_token } = (await (await post('/auth/sign-in', typed)).json()) as { access_token: string }
      return access_token
    },
    pay: (token, order) => post('/payments', order, token),
    signOut: (token) => post('/auth/sign-out', {}, token),
  }
}
