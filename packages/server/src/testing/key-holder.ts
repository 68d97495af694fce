import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { systemEntropy } from '../node/entropy.ts'
import type { Agent, Sent } from './agent.ts'
import type { TestHouse, TokenAnswer } from './house.ts'

export type ProofAlgorithm = 'ES256' | 'Ed25519' | 'RS256'

export type ProofGiven = {
  method: string
  url: string
  /** Whole seconds. */
  now: number
  token?: string
  nonce?: string
  /** A member that is undefined is left out. */
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
}

/** Somebody who holds a key and signs DPoP proofs (RFC 9449), also such as are not as they should be. */
export type KeyHolder = {
  readonly thumbprint: string
  readonly jwk: Record<string, string>
  readonly secret: KeyObject
  proof(given: ProofGiven): string
}

const members = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] }

export function keyHolder(algorithm: ProofAlgorithm = 'ES256'): KeyHolder {
  const { publicKey, privateKey: secret } = pairOf(algorithm)
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, string>
  const covered = members[jwk.kty as 'EC' | 'OKP' | 'RSA'].map((name) => [name, jwk[name]])
  return {
    jwk,
    secret,
    thumbprint: digest(JSON.stringify(Object.fromEntries(covered))),
    proof({ method, url, now, token, nonce, claims, header }) {
      const said = {
        ...{ jti: systemEntropy.id(), htm: method, htu: url, iat: now, nonce },
        ...{ ath: token === undefined ? undefined : digest(token), ...claims },
      }
      return signJws(secret, { typ: 'dpop+jwt', alg: algorithm, jwk, ...header }, said)
    },
  }
}

export function signJws(secret: KeyObject, header: object, payload: object): string {
  const input = `${part(header)}.${part(payload)}`
  return `${input}.${signatureOf(secret, Buffer.from(input)).toString('base64url')}`
}

export type BoundAnswer = TokenAnswer & { token_type: string; expires_in: number }

/** A request with a proof, and again with the nonce where one is asked for, as clients do. */
export async function sendProven(
  { machine, issuer }: Pick<TestHouse, 'machine' | 'issuer'>,
  { agent, holder }: { agent: Agent; holder: KeyHolder },
  { method, path, token, ...sent }: Sent & { method: string; path: string; token?: string },
): Promise<Response> {
  const attempt = (nonce: string | null) => {
    const about = { method, url: issuer + path.replace(/\?.*/, ''), now: machine.clock.now() }
    const proof = holder.proof({
      ...about,
      ...(token === undefined ? {} : { token }),
      ...(nonce === null ? {} : { nonce }),
    })
    const authorization = token === undefined ? {} : { authorization: `DPoP ${token}` }
    return agent.send(method, path, { ...sent, headers: { ...sent.headers, ...authorization, dpop: proof } })
  }
  const answer = await attempt(null)
  const said = answer.status === 400 || answer.status === 401 ? await answer.clone().text() : ''
  return /use_dpop_nonce|proof_nonce_needed/.test(said) ? attempt(answer.headers.get('dpop-nonce')) : answer
}

/** Signs in by token, bound to the holder's key; the answer of `/auth/sign-in`. */
export async function signInBound(
  house: TestHouse,
  holder: KeyHolder,
  credential: { email: string; password: string },
): Promise<BoundAnswer> {
  const answer = await sendProven(
    house,
    { agent: house.program(), holder },
    { method: 'POST', path: '/auth/sign-in', json: { ...credential, carrier: 'token' } },
  )
  if (answer.status !== 200) throw new Error(`expected 200, got ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as BoundAnswer
}

function pairOf(algorithm: ProofAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  if (algorithm === 'Ed25519') return generateKeyPairSync('ed25519')
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
}

function signatureOf(secret: KeyObject, data: Uint8Array): Buffer {
  if (secret.asymmetricKeyType === 'ed25519') return sign(null, data, secret)
  if (secret.asymmetricKeyType === 'ec')
    return sign('sha256', data, { key: secret, dsaEncoding: 'ieee-p1363' })
  return sign('sha256', data, { key: secret, padding: constants.RSA_PKCS1_PADDING })
}

const digest = (text: string) => createHash('sha256').update(text).digest('base64url')
const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url')
