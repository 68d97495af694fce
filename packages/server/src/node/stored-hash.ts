import { isAffordable, parsePhc } from './phc.ts'

/** What a stored string says about how it was made. Only `argon2id` is ever written anew; the others were imported. */
export type StoredHash =
  | { kind: 'argon2id' }
  | { kind: 'bcrypt'; setting: string; hash: string; isPrehashed: boolean }
  | ({ kind: 'scrypt'; log2: number; block: number; lanes: number; isNfkc: boolean } & SaltAndHash)
  | ({ kind: 'pbkdf2'; digest: Pbkdf2Digest; iterations: number } & SaltAndHash)

export type Pbkdf2Digest = 'sha1' | 'sha256' | 'sha512'
type SaltAndHash = { salt: Buffer; hash: Buffer }

/** Each of these takes about a second at the most, and no more memory than an argon2id hash may. */
const bound = { bcryptCost: 14, scryptBytes: 256 * 2 ** 20, scryptWork: 2 ** 21, iterations: 2_400_000 }

const longest = 512
const number = '([1-9]\\d{0,7})'
const encoded = '\\$([A-Za-z0-9+/]{2,171})\\$([A-Za-z0-9+/]{22,86})$'
const bcryptForm = /^(\$sha256hex-bcrypt)?(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/
const scryptForm = new RegExp(`^\\$scrypt\\$ln=${number},r=${number},p=${number}(,text=nfkc)?${encoded}`)
const pbkdf2Form = new RegExp(`^\\$pbkdf2-(sha1|sha256|sha512)\\$i=${number}${encoded}`)

/** `null` for what is not one of our forms, and for what would cost more than we are ever willing to spend. */
export function readStoredHash(stored: string): StoredHash | null {
  if (stored.length > longest) return null
  if (isAffordable(parsePhc(stored))) return { kind: 'argon2id' }
  return readBcrypt(stored) ?? readScrypt(stored) ?? readPbkdf2(stored)
}

function readBcrypt(stored: string): StoredHash | null {
  const [, prehash, setting = '', cost, hash = ''] = bcryptForm.exec(stored) ?? []
  if (cost === undefined || Number(cost) < 4 || Number(cost) > bound.bcryptCost) return null
  return { kind: 'bcrypt', setting, hash, isPrehashed: prehash !== undefined }
}

function readScrypt(stored: string): StoredHash | null {
  const [, ln, r, p, text, salt, hash] = scryptForm.exec(stored) ?? []
  const bytes = readSaltAndHash(salt, hash)
  if (bytes === null) return null
  const [log2, block, lanes] = [Number(ln), Number(r), Number(p)]
  const width = block * 2 ** log2
  if (128 * width > bound.scryptBytes || width * lanes > bound.scryptWork) return null
  return { kind: 'scrypt', log2, block, lanes, isNfkc: text !== undefined, ...bytes }
}

function readPbkdf2(stored: string): StoredHash | null {
  const [, digest, i, salt, hash] = pbkdf2Form.exec(stored) ?? []
  const bytes = readSaltAndHash(salt, hash)
  if (bytes === null || Number(i) > bound.iterations) return null
  if (digest !== 'sha1' && digest !== 'sha256' && digest !== 'sha512') return null
  return { kind: 'pbkdf2', digest, iterations: Number(i), ...bytes }
}

/** One spelling of the same bytes only. */
function readSaltAndHash(salt = '', hash = ''): SaltAndHash | null {
  const read = { salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
  const isCanonical = encodeBytes(read.salt) === salt && encodeBytes(read.hash) === hash
  return salt !== '' && isCanonical ? read : null
}

/** base64 without padding, as PHC strings have it. */
export function encodeBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '')
}
