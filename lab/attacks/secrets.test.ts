import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { createAuth } from 'counterfoil'
import { type OpenTestDatabase, onEachEngine, openHouse, routeTable, type TestHouse } from 'counterfoil/house'
import { bytesCanary, type Canary, findCanaries } from './canary.ts'
import { liveThrough, secretRoot } from './life.ts'

const tables = [
  'account',
  'account_grant',
  'adoption_end',
  'client',
  'client_assertion',
  'event',
  'feed_epoch',
  'feed_head',
  'feed_log',
  'feed_verifier',
  'key_succession',
  'limit_state',
  'old_credential',
  'outbox',
  'password',
  'password_reset',
  'session',
  'sign_up',
  'signing_key',
  'status_list',
  'status_place',
] as const

async function dump({ db }: TestHouse): Promise<string> {
  const names = (await db.introspection.getTables())
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('kysely_'))
  for (const name of names)
    assert.ok(
      tables.some((table) => table === name),
      `${name} is not looked at: name it here`,
    )
  const rows: unknown[] = []
  for (const table of tables) rows.push(...(await db.selectFrom(table).selectAll().execute()))
  assert.ok(rows.length > 20)
  return JSON.stringify(rows)
}

/** The bytes on disk: the file and its log hold rows that SQL does not show any more. */
function rawBytes(url: string): string {
  const path = url.slice('sqlite:'.length)
  const files = readdirSync(dirname(path)).filter((name) => name.startsWith(basename(path)))
  assert.ok(files.some((name) => name.endsWith('-wal')))
  return files.map((name) => readFileSync(join(dirname(path), name)).toString('latin1')).join('\n')
}

/** Opens as told, and remembers how to reach and how to close what was opened. */
function remembering(open: OpenTestDatabase) {
  const opened = { url: '', close: async () => {} }
  const remember: OpenTestDatabase = async (options) => {
    const database = await open(options)
    opened.url = database.url
    opened.close = database.close
    return database
  }
  return { opened, remember }
}

function assertNone(where: string, text: string, canaries: readonly Canary[]): void {
  assert.deepEqual(findCanaries(text, canaries), [], where)
}

/** What a stack, a statement or a driver would give away. */
const innards = [
  /\bat \S+ \(/,
  /\bat async\b/,
  /\.[jt]s:\d+/,
  /node:/,
  /file:\/\//,
  /node_modules/,
  /Error:|[a-z]Error\b/,
  /sqlite|postgres|kysely/i,
  /\bselect\b.*\bfrom\b/i,
  /no such|does not exist|destroyed/i,
]

onEachEngine('secrets', (open) => {
  test('A-121 after a whole life no secret stands in a log line, an answer, a header, a metric or the database', async () => {
    const { opened, remember } = remembering(open)
    const { at, seen, canaries, fail } = await liveThrough(remember)
    const stored = await dump(at)
    const disk = opened.url.startsWith('sqlite:') ? rawBytes(opened.url) : ''
    await at.db.schema.alterTable('session').renameTo('gone').execute()
    await at.db.schema.alterTable('password').renameTo('gone_too').execute()
    await at.db.schema.alterTable('sign_up').renameTo('gone_as_well').execute()
    await at.db.schema.alterTable('password_reset').renameTo('gone_at_last').execute()
    await fail()
    await opened.close()
    await fail()

    assert.ok(canaries.length > 30 && seen.length > 50)
    assertNone('the tables', stored, canaries)
    assertNone('the bytes on disk', disk, canaries)
    const logged = at.machine.logLines.join('')
    assert.ok(logged.split('\n').length > 10, 'something was logged')
    assertNone('the log', logged, canaries)
    for (const { where, headers, body, handsOut } of seen) {
      assertNone(`the headers of ${where}`, headers, canaries)
      if (!handsOut) assertNone(`the answer to ${where}`, body, canaries)
    }
  })

  test('A-121 the search finds every canary where it is written out', async () => {
    const { canaries } = await liveThrough(open)
    for (const canary of canaries) {
      assert.ok(canary.forms.length > 0)
      for (const form of canary.forms) assert.equal(findCanaries(`before ${form} after`, [canary]).length, 1)
    }
  })

  test('A-121 a token answer holds the tokens it hands out and no other secret', async () => {
    const { seen, canaries } = await liveThrough(open)
    const others = canaries.filter(({ what }) => !/access token|refresh token/.test(what))
    const handedOut = seen.filter(({ handsOut }) => handsOut)
    assert.equal(handedOut.length, 5)
    for (const { where, body } of handedOut) assertNone(where, body, others)
  })

  test('A-122 no answer of a broken server shows a stack, a statement or what it is built of', async () => {
    const { opened, remember } = remembering(open)
    const at = await openHouse(remember, { rootSecret: secretRoot })
    const { browser, email, password } = await at.member()
    const pair = await at.tokens(email)
    await opened.close()
    const fields = {
      email,
      password,
      current: password,
      new: password,
      token: 'AAAA',
      grant_type: 'refresh_token',
      refresh_token: pair.refresh_token,
    }
    let broken = 0
    for (const { method, path, kind } of await routeTable()) {
      const target = path.replace(/:\w+/, pair.session.id)
      const body = method !== 'POST' ? {} : kind === 'api' ? { json: fields } : { form: fields }
      const requests = [
        browser.send(method, target, body),
        at
          .program()
          .send(method, target, { ...body, headers: { authorization: `Bearer ${pair.access_token}` } }),
      ]
      for (const response of await Promise.all(requests)) {
        const text = await response.text()
        if (response.status >= 500) broken++
        if (path.startsWith('/assets/')) continue
        for (const sign of response.status < 500 ? [] : innards)
          assert.doesNotMatch(text, sign, `${method} ${path}`)
      }
    }
    assert.ok(broken > 20, `${broken} answers of 500`)
    assert.ok(
      at.machine.logLines.some((line) => line.includes('"stack"')),
      'the operator sees it',
    )
  })

  test('A-122 every 500 is the same sentence in the form of its route', async () => {
    const { opened, remember } = remembering(open)
    const at = await openHouse(remember)
    const { email, password } = await at.member()
    await opened.close()
    const api = await at.program().post('/auth/sign-in', { email, password, carrier: 'token' })
    assert.deepEqual(await api.json(), {
      type: 'about:blank',
      title: 'Something broke on our side. It has been logged.',
      status: 500,
      code: 'broken',
    })
    const oauth = await at.program().send('POST', '/oauth/token', {
      form: { grant_type: 'refresh_token', refresh_token: 'x' },
    })
    assert.equal(oauth.status, 400)
    const page = await at.browser().submit('/sign-in', { email, password })
    assert.deepEqual([page.status, page.headers.get('content-type')], [500, 'text/html; charset=utf-8'])
    assert.match(await page.text(), /Something broke on our side/)
  })

  test('A-124 printing the secrets, the keys, the house or a caller shows no secret', async () => {
    const at = await openHouse(open, { rootSecret: secretRoot })
    const { browser, email } = await at.member()
    const pair = await at.tokens(email)
    const caller = await at.house.identify(
      new Request(`${at.issuer}/`, { headers: { authorization: `Bearer ${pair.access_token}` } }),
    )
    const ring = await at.house.keys.ring()
    const rows = await at.db.selectFrom('signing_key').selectAll().execute()
    const privates = rows
      .filter(({ is_reserve }) => is_reserve === 0)
      .map(({ wrapped_private, kid }) =>
        String(JSON.parse(at.machine.secrets.unwrap('signing_key', wrapped_private, kid)).d),
      )
    assert.ok(privates.length > 0 && privates.every((d) => d.length > 40))
    const derived = at.machine.secrets.derive('cookie', 'a')
    const canaries = [
      bytesCanary('the root secret', secretRoot),
      bytesCanary('the second root secret', new Uint8Array(32).fill(8)),
      ...privates.map((d) => bytesCanary('a private key', Buffer.from(d, 'base64url'))),
      { what: 'a cookie', forms: [...browser.cookies.values()] },
      { what: 'a token', forms: [pair.access_token, pair.refresh_token] },
    ]
    const things = {
      secrets: at.machine.secrets,
      machine: { ...at.machine },
      house: at.house,
      ring,
      caller,
      reserve: await at.machine.reserveSecrets?.(),
      derived: derived.length,
    }
    for (const [name, thing] of Object.entries(things)) {
      for (const showHidden of [false, true]) {
        assertNone(
          name,
          inspect(thing, { depth: 12, showHidden, maxArrayLength: null, maxStringLength: null }),
          canaries,
        )
      }
      assertNone(name, JSON.stringify(thing) ?? '', canaries)
      assertNone(name, String(thing), canaries)
      assertNone(name, Object.entries(Object(thing)).map(String).join(), canaries)
    }
    assert.equal(inspect(at.machine.secrets), 'Secrets [redacted]')
    assert.equal(JSON.stringify({ secrets: at.machine.secrets }), '{"secrets":"[redacted]"}')
  })

  test('A-124 what createAuth returns shows no secret, and neither do its errors', async () => {
    const { opened, remember } = remembering(open)
    await remember()
    const secret = Buffer.from(secretRoot).toString('base64url')
    const metricsToken = 'canary of the operators, long enough'
    const options = { issuer: 'http://localhost:3000', database: opened.url, secret, metricsToken }
    const auth = await createAuth(options)
    try {
      const canaries = [
        bytesCanary('the root secret', secretRoot),
        { what: 'the metrics token', forms: [metricsToken] },
        { what: 'the database’s password', forms: ['only-for-tests'] },
      ]
      for (const showHidden of [false, true])
        assertNone('auth', inspect(auth, { depth: 12, showHidden }), canaries)
      assertNone('auth', JSON.stringify(auth), canaries)
    } finally {
      await auth.close()
    }
    const wrong: [what: object, message: RegExp][] = [
      [{ secret: Buffer.alloc(32, 9).toString('base64url') }, /root secret does not fit/],
      [{ secret: 'hunter2' }, /root secret has 7 bytes/],
      [{ database: 'mysql://ada:hunter2@db.example/auth' }, /must be given as sqlite:PATH/],
      [{ policy: { hunter2: 1 } }, /policy cannot be used/],
    ]
    for (const [given, message] of wrong) {
      await assert.rejects(createAuth({ ...options, ...given }), (error) => {
        assert.ok(error instanceof Error)
        assert.match(error.message, message)
        if (!('policy' in given)) assert.ok(!inspect(error).includes('hunter2'))
        return true
      })
    }
  })
})
