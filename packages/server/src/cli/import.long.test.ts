import assert from 'node:assert/strict'
import { argon2Sync, createHash, pbkdf2Sync, scryptSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { hashSync } from 'bcryptjs'
import { CompiledQuery } from 'kysely'
import type { ForeignSystem } from '../node/foreign-hash.ts'
import { dataFolder, run } from '../testing/command.ts'
import { type OpenTestDatabase, onEachEngine, onSqlite, type TestDatabase } from '../testing/engines.ts'
import { goodPassword, openHouse, otherPassword, type TestHouse } from '../testing/house.ts'
import { openRows, takeAll } from './import.ts'

const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
const scrypt = { N: 16_384, r: 16, p: 1, maxmem: 2 ** 27 }
const scryptOf = (salt: string) => scryptSync(goodPassword, salt, 64, scrypt).toString('hex')
const hexSalt = '00112233445566778899aabbccddeeff'
const nonce = Buffer.alloc(16, 3)
const argon2id = argon2Sync('argon2id', {
  ...{ message: goodPassword, nonce, parallelism: 1, tagLength: 32, memory: 1024, passes: 1 },
})
const phc = `$argon2id$v=19$m=1024,t=1,p=1$${text(nonce)}$${text(argon2id)}`
const sha256 = createHash('sha256').update(goodPassword).digest('hex')
const pbkdf2 = pbkdf2Sync(goodPassword, 'seasalt', 1000, 32, 'sha256').toString('base64')
const bcrypt = hashSync(goodPassword, 4)

/** The tables as the system makes them, on an engine that has no other names for them, and rows of its own kind. */
const systems: [
  system: Exclude<ForeignSystem, 'file'>,
  sql: string[],
  proven: string[],
  unproven: string[],
][] = [
  [
    'better-auth',
    [
      'create table "user" (id text primary key, name text, email text not null, "emailVerified" boolean not null, "createdAt" timestamp, banned boolean)',
      'create table account (id text primary key, "accountId" text, "providerId" text, "userId" text, password text)',
      `insert into "user" values ('ba_1', 'Ada', 'Ada@Example.org', true, '2024-02-03 04:05:06', null),
        ('ba_2', 'Bo', 'bo@example.org', false, '2024-02-03 04:05:06', null), ('ba_3', 'Cy', 'cy@example.org', true, null, true)`,
      `insert into account values ('a1', 'x', 'github', 'ba_1', null), ('a2', 'ba_1', 'credential', 'ba_1', '${hexSalt}:${scryptOf(hexSalt)}'),
        ('a3', 'ba_2', 'credential', 'ba_2', '${hexSalt}:${scryptOf(hexSalt)}')`,
    ],
    ['ada@example.org'],
    ['bo@example.org'],
  ],
  [
    'authjs',
    [
      'create table users (id integer primary key, name text, email text, "emailVerified" timestamp, password text)',
      `insert into users values (1, 'Ada', 'ada@example.org', '2024-02-03 04:05:06', '${bcrypt}'), (2, 'Bo', 'bo@example.org', null, '${bcrypt}'), (3, null, null, null, null)`,
    ],
    ['ada@example.org'],
    ['bo@example.org'],
  ],
  [
    'supertokens',
    [
      'create table emailpassword_users (app_id varchar(64), user_id char(36), email varchar(256), password_hash varchar(256), time_joined bigint)',
      'create table emailverification_verified_emails (app_id varchar(64), user_id varchar(128), email varchar(256))',
      `insert into emailpassword_users values ('public', 'a2be7abb-a253-4b8d-b3c3-5a5f39416239', 'ada@example.org', '${bcrypt}', 1706933106000),
        ('public', '2e961701-96a1-43ef-9201-f9720bdef3d5', 'bo@example.org', '${phc}', 1706933106000),
        ('public', 'e4264e59-8290-4a3f-91fe-4826d9165c89', 'di@example.org', '${phc}', 1706933106000),
        ('another', 'f4264e59-8290-4a3f-91fe-4826d9165c89', 'cy@example.org', '${phc}', 1706933106000)`,
      `insert into emailverification_verified_emails values ('public', 'a2be7abb-a253-4b8d-b3c3-5a5f39416239', 'ada@example.org'),
        ('public', '2e961701-96a1-43ef-9201-f9720bdef3d5', 'before@example.org'), ('public', 'e4264e59-8290-4a3f-91fe-4826d9165c89', 'di@example.org'),
        ('another', '2e961701-96a1-43ef-9201-f9720bdef3d5', 'bo@example.org')`,
    ],
    ['ada@example.org', 'di@example.org'],
    ['bo@example.org'],
  ],
  [
    'django',
    [
      'create table auth_user (id integer primary key, password varchar(128), username varchar(150), email varchar(254), is_active boolean, date_joined timestamp)',
      'create table account_emailaddress (id integer primary key, user_id integer, email varchar(254), verified boolean)',
      `insert into auth_user values (1, 'pbkdf2_sha256$1000$seasalt$${pbkdf2}', 'ada', 'ada@example.org', true, '2024-02-03 04:05:06.789'),
        (2, 'bcrypt_sha256$${hashSync(sha256, 4)}', 'bo', 'Bo@example.org', true, '2024-02-03 04:05:06'),
        (3, 'argon2${phc}', 'kim', 'kim@example.org', true, '2024-02-03 04:05:06'),
        (4, '!unusable', 'cy', 'cy@example.org', false, '2024-02-03 04:05:06'), (5, '', 'nobody', '', true, '2024-02-03 04:05:06')`,
      `insert into account_emailaddress values (1, 1, 'ada@example.org', true), (2, 2, 'bo@example.org', true),
        (3, 3, 'kim@example.org', false), (4, 3, 'another@example.org', true), (6, 1, 'zoe@example.org', true), (7, 3, '\u212aim@example.org', true), (5, 4, 'cy@example.org', true)`,
    ],
    ['ada@example.org', 'bo@example.org'],
    ['kim@example.org'],
  ],
  [
    'lucia',
    [
      'create table auth_user (id varchar(15) primary key, email_verified boolean)',
      'create table user_key (id varchar(255) primary key, user_id varchar(15), hashed_password varchar(255))',
      `insert into auth_user values ('lucia1', true), ('lucia2', false)`,
      `insert into user_key values ('email:ada@example.org', 'lucia1', 's2:k3jx92mfq0zb71la:${scryptOf('k3jx92mfq0zb71la')}'),
        ('github:77', 'lucia1', null), ('email:bo@example.org', 'lucia2', null)`,
    ],
    ['ada@example.org'],
    ['bo@example.org'],
  ],
]

type Rules = Parameters<TestHouse['house']['importing']>[0]
const rules: Rules = { unproven: 'reset', isDryRun: false }

async function sourceOf(open: OpenTestDatabase, statements: readonly string[]): Promise<TestDatabase> {
  const source = await open({ migrate: false })
  for (const statement of statements) await source.db.executeQuery(CompiledQuery.raw(statement))
  return source
}

type From = { system: ForeignSystem; source?: string; file?: string; table?: string }

async function importInto(at: TestHouse & { engine: TestDatabase['engine'] }, from: From, given = rules) {
  const { rows, close } = await openRows(from.system, from)
  try {
    return await takeAll({ house: at.house, database: at, system: from.system, rules: given, rows })
  } finally {
    await close()
  }
}

/** A house, and which engine it stands on. */
async function openEngine(open: OpenTestDatabase) {
  let engine: TestDatabase['engine'] = 'sqlite'
  const at = await openHouse(async (options) => {
    const database = await open(options)
    engine = database.engine
    return database
  })
  return { ...at, engine }
}

const hashOf = async ({ db }: TestHouse, email: string) => {
  const rows = db.selectFrom('password').innerJoin('account', 'account.id', 'password.account_id')
  return (await rows.select('hash').where('email', '=', email).executeTakeFirstOrThrow()).hash
}
const emailsOf = async ({ house }: TestHouse) =>
  (await house.accounts.list()).map(({ email }) => email).sort()
const signIn = (at: TestHouse, email: string, password: string) =>
  at.program().post('/auth/sign-in', { email, password, carrier: 'token' })

onEachEngine('counterfoil import', (open) => {
  for (const [system, statements, proven, unproven] of systems) {
    it(`takes over the passwords of ${system}, each of which is hashed anew at its first sign-in`, async () => {
      const at = await openEngine(open)
      const { url } = await sourceOf(open, statements)
      await importInto(at, { system, source: url })
      for (const email of proven) {
        const before = await hashOf(at, email)
        assert.equal((await signIn(at, email, otherPassword)).status, 401)
        assert.equal(await hashOf(at, email), before)
        assert.equal((await signIn(at, email, goodPassword)).status, 200, `${email} ${before}`)
        assert.match(await hashOf(at, email), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
        assert.equal((await signIn(at, email, goodPassword)).status, 200)
      }
      for (const email of unproven) {
        assert.equal(await hashOf(at, email), '!')
        assert.equal((await signIn(at, email, goodPassword)).status, 401)
        assert.equal((await signIn(at, email, '!')).status, 401)
      }
    })
  }

  it('keeps the id, the day and the state of an account, and writes one event for each', async () => {
    const at = await openEngine(open)
    const { url } = await sourceOf(open, systems[0]?.[1] ?? [])
    await importInto(at, { system: 'better-auth', source: url })
    const accounts = await at.db.selectFrom('account').selectAll().orderBy('id').execute()
    const joined = Date.parse('2024-02-03T04:05:06Z') / 1000
    assert.deepEqual(
      accounts.map(({ id, state, created_at, verified_at }) => [id, state, created_at, verified_at]),
      [
        ['ba_1', 'active', joined, joined],
        ['ba_2', 'active', joined, null],
        ['ba_3', 'disabled', at.machine.clock.now(), at.machine.clock.now()],
      ],
    )
    const events = await at.db.selectFrom('event').select(['kind', 'account_id']).execute()
    const imported = events.filter(({ kind }) => kind === 'account_imported')
    assert.deepEqual(imported.map(({ account_id }) => account_id).sort(), ['ba_1', 'ba_2', 'ba_3'])
  })

  it('lets whoever owns an unproven mailbox begin with a link, and nobody before', async () => {
    const at = await openEngine(open)
    const { url } = await sourceOf(open, systems[0]?.[1] ?? [])
    await importInto(at, { system: 'better-auth', source: url })
    const browser = at.browser()
    await browser.post('/auth/password/forgot', { email: 'bo@example.org' })
    const token = await at.linkFor('bo@example.org', 'reset')
    assert.equal((await browser.post('/auth/password/reset', { token, password: otherPassword })).status, 204)
    assert.equal((await signIn(at, 'bo@example.org', goodPassword)).status, 401)
    assert.equal((await at.tokens('bo@example.org', otherPassword)).account.id, 'ba_2')
  })

  it('leaves unproven mailboxes out, or trusts them, where it is told to; a dry run says so and writes nothing', async () => {
    const { url } = await sourceOf(open, systems[0]?.[1] ?? [])
    const from = { system: 'better-auth', source: url } as const
    for (const [unproven, outcome] of [
      ['skip', 'unproven'],
      ['trust', 'imported'],
    ] as const) {
      const at = await openEngine(open)
      const dry = await importInto(at, from, { unproven, isDryRun: true })
      assert.deepEqual(await emailsOf(at), [])
      const done = await importInto(at, from, { unproven, isDryRun: false })
      assert.deepEqual([dry.outcomes, dry.passwords], [done.outcomes, done.passwords])
      assert.equal(done.outcomes[outcome], unproven === 'skip' ? 1 : 3)
      assert.equal((await signIn(at, 'bo@example.org', goodPassword)).status, unproven === 'skip' ? 401 : 200)
    }
  })

  it('leaves what is here alone, however often it runs, also after passwords have changed', async () => {
    const at = await openEngine(open)
    await at.member('ada@example.org', otherPassword)
    const { url } = await sourceOf(open, systems[0]?.[1] ?? [])
    const from = { system: 'better-auth', source: url } as const
    assert.deepEqual((await importInto(at, from)).outcomes, { present: 1, imported: 1, imported_unproven: 1 })
    assert.deepEqual((await importInto(at, from)).outcomes, { present: 3 })
    assert.equal((await signIn(at, 'ada@example.org', goodPassword)).status, 401)
    assert.ok(await at.tokens('ada@example.org', otherPassword))
  })

  it('takes neither an address twice nor an id, and prefers the proven one of two', async () => {
    const at = await openEngine(open)
    const line = (id: string | null, email: string, more: object = {}) =>
      JSON.stringify({ id, email, ...more })
    const file = join(dataFolder(), 'accounts.jsonl')
    const proven = { email_verified: true, password_hash: bcrypt }
    writeFileSync(
      file,
      [
        line('1', 'ada@example.org', proven),
        line('2', 'ADA@example.org', proven),
        line('1', 'bo@example.org', proven),
        line('a b', 'cy@example.org', proven),
        line('x'.repeat(65), 'cy@example.org', proven),
        line('3', 'no address', proven),
        line('4', 'ada@example.org\0', proven),
        line(null, 'di@example.org', { ...proven, password_hash: 'plain text' }),
      ].join('\n'),
    )
    const { outcomes, passwords, examples } = await importInto(at, { system: 'file', file })
    assert.deepEqual(outcomes, {
      imported: 2,
      address_repeated: 1,
      id_taken: 1,
      id_malformed: 2,
      address_malformed: 2,
    })
    assert.deepEqual(passwords, { kept: 1, none: 0, unknown: 1 })
    assert.equal(examples.length, 6)
    const { url } = await sourceOf(open, [
      'create table users (id integer primary key, email text, "emailVerified" timestamp, password text)',
      `insert into users values (7, 'ed@example.org', null, '${hashSync('the squatter', 4)}'), (8, 'Ed@Example.org', '2024-02-03 04:05:06', '${bcrypt}')`,
    ])
    await importInto(at, { system: 'authjs', source: url })
    assert.equal((await at.tokens('ed@example.org')).account.id, '8')
  })

  it('imports all or nothing: a file that breaks off after a thousand accounts leaves none', async () => {
    const at = await openEngine(open)
    const file = join(dataFolder(), 'accounts.csv')
    const good = Array.from({ length: 1200 }, (_, index) => `p${index}@example.org,true,"${bcrypt}"`)
    writeFileSync(file, ['email,email_verified,password_hash', ...good, 'broken,"'].join('\r\n'))
    await assert.rejects(importInto(at, { system: 'file', file }), /Line 1202 .* Nothing was imported/)
    assert.deepEqual(await emailsOf(at), [])
    writeFileSync(file, ['email,email_verified,password_hash', ...good].join('\r\n'))
    assert.deepEqual((await importInto(at, { system: 'file', file })).outcomes, { imported: 1200 })
  })

  it('takes columns of any type and length for what they are, and writes nothing to the source', async () => {
    const at = await openEngine(open)
    const isSqlite = at.engine === 'sqlite'
    const bytes = isSqlite ? 'blob' : 'bytea'
    const literal = isSqlite ? "x'41ff27'" : "'\\x41ff27'"
    const source = await sourceOf(open, [
      `create table users (id bigint, email ${isSqlite ? '' : 'text'}, "emailVerified" text, password ${bytes}, "createdAt" text)`,
      `insert into users values (1, 'ada@example.org', 'yes', ${literal}, 'never'), (null, 'bo@example.org', 'yes', null, '1e999'),
        (3, '${'x'.repeat(1_000_000)}@example.org', 'yes', null, null), (4, '''; drop table users; --', 'yes', null, null),
        (-5, null, 'yes', null, '-1'), (6, 'cy@example.org', 'yes', null, '99999999999999999')`,
      ...(isSqlite ? [`insert into users values (7, x'6100ff', 1, 1.5, x'00'), (8, 12, 1, 12, 12)`] : []),
    ])
    const { outcomes, passwords } = await importInto(at, { system: 'authjs', source: source.url })
    assert.deepEqual({ ...outcomes, address_malformed: 0 }, { imported: 3, address_malformed: 0 })
    assert.deepEqual(passwords, { kept: 0, none: 2, unknown: 1 })
    const now = at.machine.clock.now()
    for (const { created_at } of await at.house.accounts.list())
      assert.ok(created_at > 0 && created_at <= now)
    const rows = await source.db.executeQuery(CompiledQuery.raw('select * from users'))
    assert.equal(rows.rows.length, isSqlite ? 8 : 6)
  })

  it('says which table or column it misses, and finds one of another name', async () => {
    const { url } = await sourceOf(open, [
      'create table "my ""users" (id integer primary key, email text, email_verified text)',
      `insert into "my ""users" values (1, 'ada@example.org', 'true')`,
      'create table auth_user (id integer primary key)',
    ])
    const at = await openEngine(open)
    await assert.rejects(importInto(at, { system: 'authjs', source: url }), /no table users or user.*--table/)
    await assert.rejects(
      importInto(at, { system: 'django', source: url }),
      /auth_user has no column for the address/,
    )
    const found = await importInto(at, { system: 'authjs', source: url, table: 'my "users' })
    assert.deepEqual(found.outcomes, { imported: 1 })
  })
})

onSqlite('counterfoil import', (open) => {
  it('is a command that shows first and then does, with a report', async () => {
    const target = await open()
    const { url } = await sourceOf(open, systems[3]?.[1] ?? [])
    const args = ['import', '--database', target.url, '--from', 'django', '--source', url]
    const dry = await run([...args, '--dry-run', '--json'])
    assert.deepEqual([dry.code, dry.err], [0, ''])
    const outcomes = { imported: 3, imported_unproven: 1, address_malformed: 1 }
    assert.deepEqual([JSON.parse(dry.out).dry_run, JSON.parse(dry.out).outcomes], [true, outcomes])
    const done = await run(args)
    assert.deepEqual([done.code, done.err], [0, ''])
    assert.match(done.out, /^5 read\n3 {2}imported\n[\s\S]*2 keep their password; 1 had none[\s\S]*Done\.\n$/)
    assert.ok(![dry.out, done.out].join().includes('$'), 'no hash is shown')
    const wrong = await run(['import', '--database', target.url, '--from', 'clerk', '--source', url])
    assert.match(wrong.err, /Give --from \(better-auth, authjs, supertokens, django, lucia\)/)
  })
})
