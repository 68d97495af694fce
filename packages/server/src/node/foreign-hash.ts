import { encodeBytes, readStoredHash } from './stored-hash.ts'

/** `file`: the neutral format of docs/import.md, whose hashes say themselves what they are. */
export const foreignSystems = ['better-auth', 'authjs', 'supertokens', 'django', 'lucia', 'file'] as const
export type ForeignSystem = (typeof foreignSystems)[number]

/** `none`: there was no password. `unknown`: there was one that we cannot check, or would not at that cost. */
export type ForeignHash = { hash: string } | 'none' | 'unknown'

const saltAndKey = /^([\x21-\x39\x3b-\x7e]{1,64}):([0-9a-f]{128})$/
const hexSalt = /^[0-9a-f]{32}$/

/** The form in which another system's hash is kept here until its owner signs in. */
export function readForeignHash(system: ForeignSystem, stored: string | null): ForeignHash {
  if (stored === null || stored === '') return 'none'
  // Django's mark for an account that cannot sign in by password (is_password_usable).
  if (system === 'django' && stored.startsWith('!')) return 'none'
  const hash = normalForm(system, stored)
  return hash === null || readStoredHash(hash) === null ? 'unknown' : { hash }
}

function normalForm(system: ForeignSystem, stored: string): string | null {
  if (stored.startsWith('$')) return stored
  const django = system === 'django' || system === 'file' ? fromDjango(stored) : null
  return django ?? fromSaltAndKey(system, stored)
}

/** django/contrib/auth/hashers.py: the name of the hasher, then its fields between dollar signs; salts are text. */
function fromDjango(stored: string): string | null {
  const [name = '', ...fields] = stored.split('$')
  const rest = stored.slice(name.length)
  if (name === 'argon2') return rest
  // bcrypt(password) and bcrypt(hex(sha256(password))), each as its library writes it.
  if (name === 'bcrypt') return rest.slice(1)
  if (name === 'bcrypt_sha256') return `$sha256hex-bcrypt${rest.slice(1)}`
  if (name === 'pbkdf2_sha256' || name === 'pbkdf2_sha1') {
    const [iterations, salt = '', hash = ''] = fields
    if (fields.length !== 3) return null
    return `$${name.replace('_', '-')}$i=${iterations}$${encodeText(salt)}$${unpadded(hash)}`
  }
  if (name === 'scrypt') {
    const [work, salt = '', block, lanes, hash = ''] = fields
    const log2 = Math.log2(Number(work))
    if (fields.length !== 5 || !Number.isInteger(log2)) return null
    return `$scrypt$ln=${log2},r=${block},p=${lanes}$${encodeText(salt)}$${unpadded(hash)}`
  }
  return null
}

/**
 * Better Auth (crypto/password.ts) and Lucia (crypto.ts): hex of scrypt with N=16384, p=1 and 64 bytes over the password in
 * NFKC; the salt is the text before the colon, as text, even where it looks like hex. The block size is 16; in Lucia's
 * first version, which had 16 letters for a salt and no `s2`, it was 8.
 */
function fromSaltAndKey(system: ForeignSystem, stored: string): string | null {
  const isSecond = stored.startsWith('s2:')
  if (isSecond ? system !== 'lucia' && system !== 'file' : system !== 'lucia' && system !== 'better-auth')
    return null
  const [, salt, key] = saltAndKey.exec(isSecond ? stored.slice(3) : stored) ?? []
  if (salt === undefined || key === undefined) return null
  const block = isSecond || system === 'better-auth' || hexSalt.test(salt) ? 16 : 8
  return `$scrypt$ln=14,r=${block},p=1,text=nfkc$${encodeText(salt)}$${encodeBytes(Buffer.from(key, 'hex'))}`
}

function encodeText(text: string): string {
  return encodeBytes(Buffer.from(text))
}

function unpadded(base64: string): string {
  return base64.replace(/={1,2}$/, '')
}
