import { createHmac, createPublicKey, type KeyObject } from 'node:crypto'
import { isObject } from './description.ts'

export type Part = Readonly<Record<string, unknown>>
export type Jwt = { header: Part; claims: Part; signature: string; input: string }

/** Read leniently, since it is the target that has to be strict; `null` for an opaque token. */
export function readJwt(token: string | null): Jwt | null {
  const [header = '', payload = '', signature, ...rest] = (token ?? '').split('.')
  if (signature === undefined || rest.length > 0) return null
  const parts = [partFrom(header), partFrom(payload)] as const
  if (parts[0] === null || parts[1] === null) return null
  return { header: parts[0], claims: parts[1], signature, input: `${header}.${payload}` }
}

function partFrom(text: string): Part | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

const partOf = (part: Part) => Buffer.from(JSON.stringify(part)).toString('base64url')

export function jwtOf(header: Part, claims: Part, sign: (input: string) => string): string {
  const input = `${partOf(header)}.${partOf(claims)}`
  return `${input}.${sign(input)}`
}

const hashes: Readonly<Record<string, string>> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }

export function macOf(algorithm: unknown, input: string, secret: string | Uint8Array): string | null {
  const hash = typeof algorithm === 'string' ? hashes[algorithm] : undefined
  return hash === undefined ? null : createHmac(hash, secret).update(input).digest('base64url')
}

/** What people write where a secret belongs. */
export const commonSecrets: readonly string[] = [
  ...[
    '',
    'secret',
    'Secret',
    'SECRET',
    'secretkey',
    'secret-key',
    'secret_key',
    'secretKey',
    'mysecret',
    'my-secret',
    'my_secret',
  ],
  ...[
    'supersecret',
    'super-secret',
    'super_secret',
    'topsecret',
    'top-secret',
    'shhhh',
    'shhhhh',
    'shhhhhared-secret',
    'keyboard cat',
  ],
  ...[
    'jwt',
    'jwtsecret',
    'jwt-secret',
    'jwt_secret',
    'jwtSecret',
    'jwt-secret-key',
    'your-256-bit-secret',
    'your-secret',
    'your_secret',
  ],
  ...[
    'your-secret-key',
    'your_secret_key',
    'your_jwt_secret',
    'a-secret',
    'key',
    'mykey',
    'privatekey',
    'private',
    'password',
    'passw0rd',
  ],
  ...[
    'Password1',
    'changeme',
    'change-me',
    'change_me',
    'changethis',
    'default',
    'test',
    'testing',
    'dev',
    'development',
    'admin',
    'root',
  ],
  ...[
    'token',
    'tokensecret',
    'access',
    'accesstoken',
    'hello',
    'helloworld',
    'example',
    'demo',
    'qwerty',
    '123456',
    '12345678',
    '1234567890',
  ],
]

/** The secret that made the signature, if it is one that everybody tries. */
export function guessedSecret({ header, input, signature }: Jwt): string | null {
  return commonSecrets.find((secret) => macOf(header.alg, input, secret) === signature) ?? null
}

export type PublicKey = { jwk: Part; key: KeyObject }

const mostKeys = 5

/** The public keys of a JWK set, without those that cannot be read. */
export function publicKeysOf(text: string): { keys: PublicKey[]; leaks: boolean } {
  let parsed: unknown = null
  try {
    parsed = JSON.parse(text)
  } catch {
    return { keys: [], leaks: false }
  }
  const jwks = isObject(parsed) && Array.isArray(parsed.keys) ? parsed.keys.filter(isObject) : []
  // The private half of each kind, and the whole of a shared secret (RFC 7518 section 6).
  const leaks = jwks.some(
    (jwk) => typeof jwk.d === 'string' || (jwk.kty === 'oct' && typeof jwk.k === 'string'),
  )
  const keys = jwks.slice(0, mostKeys).flatMap((jwk) => {
    try {
      return [{ jwk, key: createPublicKey({ key: jwk, format: 'jwk' }) }]
    } catch {
      return []
    }
  })
  return { keys, leaks }
}

/** Each way in which a careless program has the public key at hand where a secret is asked for. */
export function spellingsOf({ jwk, key }: PublicKey): (string | Uint8Array)[] {
  const pem = (type: 'spki' | 'pkcs1') => String(key.export({ type, format: 'pem' }))
  const pems = [pem('spki'), ...(key.asymmetricKeyType === 'rsa' ? [pem('pkcs1')] : [])]
  const { kty, crv, x, y, n, e } = jwk
  const bare = kty === 'RSA' ? { kty, n, e } : y === undefined ? { kty, crv, x } : { kty, crv, x, y }
  return [
    ...pems.flatMap((text) => [text, text.trimEnd()]),
    new Uint8Array(key.export({ type: 'spki', format: 'der' })),
    JSON.stringify(jwk),
    JSON.stringify(bare),
  ]
}
