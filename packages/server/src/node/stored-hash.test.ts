import assert from 'node:assert/strict'
import { createHash, pbkdf2Sync, scryptSync } from 'node:crypto'
import { test } from 'node:test'
import { hashSync } from 'bcryptjs'
import fc from 'fast-check'
import { fuzz } from '../testing/fuzz.ts'
import { type ForeignSystem, foreignSystems, readForeignHash } from './foreign-hash.ts'
import { createPasswordHasher } from './password-hasher.ts'
import { encodeBytes, readStoredHash } from './stored-hash.ts'

const hasher = createPasswordHasher({ queue: 50 })
const salt = encodeBytes(Buffer.from('sixteen letters.'))
const tag = encodeBytes(Buffer.alloc(32, 7))
const crypted = 'abcdefghijklmnopqrstuvabcdefghijklmnopqrstuvabcdefghi'

/** The normal form of another system's string; a test fails where there is none. */
function normalForm(system: ForeignSystem, stored: string): string {
  const read = readForeignHash(system, stored)
  assert.ok(typeof read !== 'string', `${system}: ${stored} is ${read}`)
  return read.hash
}

const rfc7914 = encodeBytes(
  Buffer.from(
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    'hex',
  ),
)

/** From the tests of Django, of djangohashers and of crypt_blowfish; RFC 7914, section 12; passwords as they have them. */
const published: [system: ForeignSystem, password: string, stored: string][] = [
  [
    'django',
    'lètmein',
    'scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw==',
  ],
  [
    'django',
    'ExjGmyUT73bFoT',
    'pbkdf2_sha256$24000$KQ8zeK6wKRuR$cmhbSt1XVKuO4FGd9+AX8qSBD4Z0395nZatXTJpEtTY=',
  ],
  ['django', 'ExjGmyUT73bFoT', 'pbkdf2_sha1$24000$KQ8zeK6wKRuR$tSJh4xdxfMJotlxfkCGjTFpGYZU='],
  ['django', 'ExjGmyUT73bFoT', 'bcrypt_sha256$$2b$12$LZSJchsWG/DrBy1erNs4eeYo6tZNlLFQmONdxN9HPesa1EyXVcTXK'],
  ['django', 'secret', 'argon2$argon2id$v=19$m=102400,t=2,p=8$Y041dExhNkljRUUy$TMa6A8fPJhCAUXRhJXCXdw'],
  ['supertokens', 'U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['authjs', 'U*U*U', '$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a'],
  ['file', 'pleaseletmein', `$scrypt$ln=14,r=8,p=1$${encodeBytes(Buffer.from('SodiumChloride'))}$${rfc7914}`],
]

for (const [system, password, stored] of published) {
  test(`a published hash verifies with its password alone: ${stored.slice(0, 24)}`, async () => {
    const hash = normalForm(system, stored)
    assert.equal(await hasher.verify(hash, password), true)
    assert.equal(await hasher.verify(hash, `${password}z`), false)
    assert.equal(hasher.isOutdated(hash), true)
  })
}

const scryptOf = (password: string, salted: string, block: number) =>
  scryptSync(password.normalize('NFKC'), salted, 64, { N: 16_384, r: block, p: 1, maxmem: 2 ** 27 }).toString(
    'hex',
  )

test('Better Auth and Lucia fold full-width letters, and take the salt as the text that it is', async () => {
  const typed = 'ｆour words that wander'
  const hex = '00112233445566778899aabbccddeeff'
  const letters = 'k3jx92mfq0zb71la'
  for (const [system, stored] of [
    ['better-auth', `${hex}:${scryptOf(typed, hex, 16)}`],
    ['lucia', `${hex}:${scryptOf(typed, hex, 16)}`],
    ['lucia', `s2:${letters}:${scryptOf(typed, letters, 16)}`],
    ['lucia', `${letters}:${scryptOf(typed, letters, 8)}`],
  ] as const) {
    const hash = normalForm(system, stored)
    assert.equal(await hasher.verify(hash, 'four words that wander'), true, stored)
    assert.equal(await hasher.verify(hash, 'Four words that wander'), false)
  }
})

test('bcrypt reads 72 bytes and no more, a hashed password all of it, and neither takes a NUL for an end', async () => {
  const long = 'x'.repeat(72)
  const plain = hashSync(long, 4)
  assert.equal(await hasher.verify(plain, `${long}and more`), true, 'as wherever it was made')
  assert.equal(await hasher.verify(plain, 'x'.repeat(71)), false)
  const digest = createHash('sha256').update(long).digest('hex')
  const hashed = normalForm('django', `bcrypt_sha256$${hashSync(digest, 4)}`)
  assert.equal(await hasher.verify(hashed, long), true)
  assert.equal(await hasher.verify(hashed, `${long}and more`), false)
  for (const typed of ['secret\0', 'secret\0more', '\0'])
    assert.equal(await hasher.verify(hashSync('secret', 4), typed), false)
  assert.equal(await hasher.verify(hashSync('secret\0', 4), 'secret\0'), false)
})

test('many bcrypt hashes at once each get their own answer', async () => {
  const hashes = Array.from({ length: 8 }, (_, index) => hashSync(`password ${index}`, 4))
  const asked = hashes.flatMap((hash, index) => [
    hasher.verify(hash, `password ${index}`),
    hasher.verify(hash, `password ${index + 1}`),
  ])
  const answers = await Promise.all(asked)
  assert.deepEqual(
    answers,
    hashes.flatMap(() => [true, false]),
  )
})

const bcrypt = (cost: string, version = '2b') => `$${version}$${cost}$${crypted}`
const refused = [
  bcrypt('03'),
  bcrypt('15'),
  bcrypt('31'),
  bcrypt('99'),
  bcrypt('10', '2x'),
  bcrypt('10', '2'),
  bcrypt('10').slice(0, -1),
  `${bcrypt('10')}a`,
  `${bcrypt('10')}\n`,
  ` ${bcrypt('10')}`,
  `$scrypt$ln=30,r=8,p=1$${salt}$${tag}`,
  `$scrypt$ln=14,r=99999999,p=1$${salt}$${tag}`,
  `$scrypt$ln=14,r=8,p=999$${salt}$${tag}`,
  `$scrypt$ln=0,r=8,p=1$${salt}$${tag}`,
  `$scrypt$ln=14,r=8,p=1,text=nfc$${salt}$${tag}`,
  `$scrypt$ln=14,r=8,p=1$$${tag}`,
  `$scrypt$ln=14,r=8,p=1$${salt}$`,
  `$scrypt$ln=14,r=8,p=1$${salt}$AAAA`,
  `$scrypt$ln=99999999,r=1,p=1$${salt}$${tag}`,
  `$pbkdf2-sha256$i=2400001$${salt}$${tag}`,
  `$pbkdf2-sha256$i=99999999999$${salt}$${tag}`,
  `$pbkdf2-sha256$i=0$${salt}$${tag}`,
  `$pbkdf2-md5$i=1000$${salt}$${tag}`,
  `$pbkdf2-sha256$i=1000$${salt}$${tag.slice(0, -1)}B`,
  `$pbkdf2-sha256$i=1000$${salt}$${tag}=`,
  `$argon2i$v=19$m=19456,t=2,p=1$${salt}$${tag}`,
  `$2b$10$${'a'.repeat(100_000)}`,
  '!',
  '',
]

test('a stored string that is no form of ours, or would cost too much, is read as nothing and fits no password', async () => {
  for (const stored of refused) {
    assert.equal(readStoredHash(stored), null, stored.slice(0, 80))
    assert.equal(await hasher.verify(stored, 'x'), false)
  }
})

const unknown: [system: ForeignSystem, stored: string][] = [
  ['better-auth', 'scrypt:00:00'],
  ['better-auth', `salt:${'0'.repeat(127)}`],
  ['better-auth', `:${'0'.repeat(128)}`],
  ['better-auth', `s2:salt:${'0'.repeat(128)}`],
  ['authjs', `salt:${'0'.repeat(128)}`],
  ['authjs', 'correct horse'],
  ['supertokens', '$f_scrypt$aGFzaA==$c2FsdA==$m=14$r=8$s=Bw=='],
  ['django', 'md5$salt$7cf6409a82cd4c8b96a9ecf6ad679119'],
  ['django', 'sha1$salt$f83371bca01fa6089456e673ccfb17f42d810b00'],
  ['django', 'argon2$argon2i$v=19$m=512,t=2,p=2$S1E4emVLNndLUnVS$RUET3AC8iXvcVPD2TRjvVQ'],
  ['django', 'pbkdf2_sha256$1e6$seasalt$AAAA'],
  ['django', 'pbkdf2_sha256$99999999$seasalt$cmhbSt1XVKuO4FGd9+AX8qSBD4Z0395nZatXTJpEtTY='],
  ['django', 'scrypt$16385$seasalt$8$1$AAAA'],
  ['django', 'scrypt$1073741824$seasalt$8$1$cmhbSt1XVKuO4FGd9+AX8qSBD4Z0395nZatXTJpEtTY='],
  ['lucia', 's3:salt:00'],
  ['file', 'plain'],
]

test('what another system has and we cannot check is unknown, and what has no password is none', () => {
  for (const [system, stored] of unknown) assert.equal(readForeignHash(system, stored), 'unknown', stored)
  for (const system of foreignSystems) {
    assert.equal(readForeignHash(system, null), 'none')
    assert.equal(readForeignHash(system, ''), 'none')
  }
  assert.equal(readForeignHash('django', '!OcgzRkHB2fTbHdJAAbCrR'), 'none')
})

test('whatever the string is, reading it throws nothing, and what it lets through is cheap and one spelling', (t) => {
  const parts = fc.constantFrom(
    ...[
      '$',
      ':',
      ',',
      '=',
      's2:',
      'scrypt',
      'pbkdf2_sha256',
      'bcrypt_sha256$',
      '$scrypt$ln=',
      'ln=14,r=8,p=1',
    ],
    ...['$pbkdf2-sha512$i=', '1000', '14', '99999999', '2b', '$2b$04$', crypted, salt, tag, '0'.repeat(128)],
    ...[',text=nfkc', '\0', '=', '!', 'argon2$argon2id$v=19$m=1024,t=1,p=1$'],
  )
  const inputs = fc.tuple(
    fc.constantFrom(...foreignSystems),
    fc.oneof(
      fc.array(parts, { maxLength: 12 }).map((found) => found.join('')),
      fc.string({ unit: 'binary' }),
    ),
  )
  return fuzz(t, { inputs, runs: 4000 }, ([system, stored]) => {
    const read = readForeignHash(system, stored)
    if (typeof read === 'string') return
    const known = readStoredHash(read.hash)
    assert.ok(known !== null)
    if (known.kind === 'scrypt')
      assert.ok(known.block * 2 ** known.log2 * known.lanes <= 2 ** 21 && known.hash.length >= 16)
    if (known.kind === 'pbkdf2') assert.ok(known.iterations <= 2_400_000 && known.hash.length >= 16)
    assert.deepEqual(readForeignHash('file', read.hash), read)
  })
})

test('the digests of PBKDF2 are the ones that are named', async () => {
  for (const digest of ['sha1', 'sha256', 'sha512'] as const) {
    const made = encodeBytes(pbkdf2Sync('secret', 'sixteen letters.', 1000, 32, digest))
    assert.equal(await hasher.verify(`$pbkdf2-${digest}$i=1000$${salt}$${made}`, 'secret'), true)
  }
})
