import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  hash as oneShotHash,
  timingSafeEqual,
} from 'node:crypto'
import { inspect } from 'node:util'
import { decodeBase64url, encodeBase64url } from '@counterfoil/verifier'
import type { Purpose, Secrets } from '../machine.ts'
import { systemEntropy } from './entropy.ts'
import { rootSecretBytes } from './secret-file.ts'

const sealTagBytes = 16
const nonceBytes = 12
const wrapTagBytes = 16

/** A tag made by `derive` must never pass as one made by `seal`, so each use of a purpose has a key of its own. */
type Use = 'derive' | 'seal' | 'wrap'

/**
 * Everything that is made with the root secret (32 random bytes or more, not a pass phrase).
 * The keys live in this closure as key objects; printing the result shows none of them.
 */
export function createSecrets(rootSecret: Uint8Array): Secrets {
  if (rootSecret.byteLength < rootSecretBytes) {
    throw new Error(
      `The root secret has ${rootSecret.byteLength} bytes and needs ${rootSecretBytes} or more random ones. Make one with \`counterfoil init\`.`,
    )
  }
  const key = keyRing(rootSecret)
  const secrets: Secrets = {
    hash,
    derive: (purpose, ...parts) => derive(key('derive', purpose), parts),
    seal: (purpose, body) => seal(key('seal', purpose), body),
    open: (purpose, sealed, length) => open(key('seal', purpose), sealed, length),
    equal: isSame,
    wrap: (purpose, plain, context) => wrap(key('wrap', purpose), plain, context),
    unwrap: (purpose, wrapped, context) => unwrap(key('wrap', purpose), wrapped, context),
  }
  return Object.freeze(
    Object.defineProperties(secrets, {
      [inspect.custom]: { value: () => 'Secrets [redacted]' },
      toJSON: { value: () => '[redacted]' },
    }),
  )
}

function keyRing(rootSecret: Uint8Array): (use: Use, purpose: Purpose) => KeyObject {
  const root = createSecretKey(rootSecret)
  const keys = new Map<string, KeyObject>()
  return (use, purpose) => {
    const name = `counterfoil/v1/${use}/${purpose}`
    const known = keys.get(name)
    if (known) return known
    const made = createSecretKey(new Uint8Array(hkdfSync('sha256', root, '', name, 32)))
    keys.set(name, made)
    return made
  }
}

/** Constant-time comparison, whatever the lengths. */
export function isSame(a: string | Uint8Array, b: string | Uint8Array): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(value: string | Uint8Array): Buffer {
  return createHash('sha256').update(value).digest()
}

function hash(value: string | Uint8Array): string {
  // On the way of every request by cookie: the one-shot form costs half of the others.
  return oneShotHash('sha256', value, 'base64url')
}

function derive(key: KeyObject, parts: (string | Uint8Array)[]): Uint8Array {
  const mac = createHmac('sha256', key)
  const length = Buffer.alloc(4)
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part
    length.writeUInt32BE(bytes.byteLength)
    mac.update(length).update(bytes)
  }
  return new Uint8Array(mac.digest())
}

function sealTag(key: KeyObject, body: Uint8Array): Buffer {
  return createHmac('sha256', key).update(body).digest().subarray(0, sealTagBytes)
}

function seal(key: KeyObject, body: Uint8Array): string {
  return encodeBase64url(Buffer.concat([body, sealTag(key, body)]))
}

function open(key: KeyObject, sealed: string, length: number): Uint8Array | null {
  // The length is public and checked first: nobody makes us decode or hash a long string.
  if (sealed.length !== Math.ceil(((length + sealTagBytes) * 4) / 3)) return null
  const bytes = decodeBase64url(sealed)
  if (bytes === null || bytes.byteLength !== length + sealTagBytes) return null
  const body = bytes.subarray(0, length)
  return timingSafeEqual(sealTag(key, body), bytes.subarray(length)) ? body : null
}

function wrap(key: KeyObject, plain: string, context: string): string {
  const nonce = systemEntropy.bytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
  return encodeBase64url(
    Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]),
  )
}

function unwrap(key: KeyObject, wrapped: string, context: string): string {
  const bytes = decodeBase64url(wrapped)
  if (bytes === null || bytes.byteLength < nonceBytes + wrapTagBytes) throw misfit()
  const nonce = bytes.subarray(0, nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: wrapTagBytes })
    .setAAD(Buffer.from(context))
    .setAuthTag(bytes.subarray(-wrapTagBytes))
  try {
    const plain = decipher.update(bytes.subarray(nonceBytes, -wrapTagBytes))
    return Buffer.concat([plain, decipher.final()]).toString('utf8')
  } catch {
    throw misfit()
  }
}

function misfit(): Error {
  return new Error(
    'The root secret does not fit what this database holds. Start with the secret file that belongs to the database.',
  )
}
