import { createHash, pbkdf2, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { createBcrypt } from './bcrypt.ts'
import { isSame } from './secrets.ts'
import type { StoredHash } from './stored-hash.ts'

type OldHash = Exclude<StoredHash, { kind: 'argon2id' }>

const derivePbkdf2 = promisify(pbkdf2)

/** Checks passwords against imported hashes, off the event loop. The costs were bounded when the string was read. */
export function createOldHashes(): (stored: OldHash, password: string) => Promise<boolean> {
  const bcrypt = createBcrypt()
  return async (stored, password) => {
    if (stored.kind === 'bcrypt') {
      const typed = stored.isPrehashed ? sha256Hex(password) : password
      // Some implementations stop at a NUL and some do not: under both, other passwords would fit as well.
      const made = await bcrypt(typed.replaceAll('\0', '\uFFFD'), stored.setting)
      // After the salt, whose last letter has bits that mean nothing.
      return isSame(made.slice(-31), stored.hash) && !typed.includes('\0')
    }
    return isSame(await derive(stored, password), stored.hash)
  }
}

function derive(stored: Exclude<OldHash, { kind: 'bcrypt' }>, password: string): Promise<Uint8Array> {
  const { salt, hash } = stored
  if (stored.kind === 'pbkdf2')
    return derivePbkdf2(password, salt, stored.iterations, hash.length, stored.digest)
  const { log2, block: r, lanes: p } = stored
  const N = 2 ** log2
  // What it needs by its definition (RFC 7914, section 6), and the little that OpenSSL wants beside it.
  const maxmem = 128 * r * (N + p + 2) + 2 ** 20
  const typed = stored.isNfkc ? password.normalize('NFKC') : password
  return new Promise((resolve, reject) => {
    scrypt(typed, salt, hash.length, { N, r, p, maxmem }, (error, key) => {
      if (error) reject(error)
      else resolve(key)
    })
  })
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
