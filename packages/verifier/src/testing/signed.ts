import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { encodeBase64url } from '../base64url.ts'
import { type JsonObject, parseJsonObject } from '../json.ts'
import { type KeySet, parseKeySet } from '../key-set.ts'

/** A signing key as an issuer holds it, with the public half as it publishes it. */
export type SigningKey = {
  readonly kid: string
  readonly alg: string
  readonly secret: KeyObject
  readonly jwk: JsonObject
}

export const now = 1_800_000_000
export const issuer = 'https://bank.example'
export const audience = 'https://api.example'

export const es256Key = issuerKey('ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }))
export const ed25519Key = issuerKey('Ed25519', generateKeyPairSync('ed25519'))
export const rs256Key = issuerKey('RS256', generateKeyPairSync('rsa', { modulusLength: 2048 }))

/** Claims of a good token; a member set to undefined is left out. */
export function goodClaims(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    iss: issuer,
    sub: 'acc_1',
    aud: audience,
    exp: now + 300,
    iat: now,
    jti: 'tok_1',
    client_id: 'first-party',
    sid: 'ses_1',
    scope: 'read write',
    auth_time: now - 60,
    amr: ['pwd'],
    as_of: 7,
    ...changes,
  }
}

/** A compact JWS over exactly these texts: what a header or payload must not be can be signed as well. */
export function signTexts(key: SigningKey, header: string, payload: string): string {
  const input = `${part(header)}.${part(payload)}`
  return `${input}.${encodeBase64url(signature(key, new TextEncoder().encode(input)))}`
}

export function signToken(
  given: { key?: SigningKey; header?: Record<string, unknown>; claims?: Record<string, unknown> } = {},
): string {
  const key = given.key ?? es256Key
  const header = { typ: 'at+jwt', alg: key.alg, kid: key.kid, ...given.header }
  return signTexts(key, JSON.stringify(header), JSON.stringify(goodClaims(given.claims)))
}

export function keySetOf(...keys: readonly SigningKey[]): KeySet {
  const set = parseKeySet(JSON.stringify({ keys: keys.map((key) => key.jwk) }))
  if (set === null) throw new Error('the test keys are not a key set')
  return set
}

function issuerKey(alg: string, pair: { publicKey: KeyObject; privateKey: KeyObject }): SigningKey {
  const kid = `key-${alg}`
  const jwk = parseJsonObject(
    JSON.stringify({ ...pair.publicKey.export({ format: 'jwk' }), alg, kid, use: 'sig' }),
  )
  if (jwk === null) throw new Error('the test key does not export')
  return { kid, alg, secret: pair.privateKey, jwk }
}

function signature({ alg, secret }: SigningKey, data: Uint8Array): Uint8Array {
  if (alg === 'ES256') return sign('sha256', data, { key: secret, dsaEncoding: 'ieee-p1363' })
  if (alg === 'RS256') return sign('sha256', data, { key: secret, padding: constants.RSA_PKCS1_PADDING })
  return sign(null, data, secret)
}

function part(text: string): string {
  return encodeBase64url(new TextEncoder().encode(text))
}
