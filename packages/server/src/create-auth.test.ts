import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { it, type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { createAuth } from './create-auth.ts'
import type { Auth, AuthOptions } from './index.ts'
import { dataFolder, goodPassword, onEachEngine, type TestDatabase } from './testing/index.ts'

const issuer = 'http://localhost:3000'
const secret = new Uint8Array(32).fill(5)

/** A server that is closed again, whatever the test does. */
async function opened(context: TestContext, given: { database: string; policy?: object }): Promise<Auth> {
  const auth = await createAuth({ issuer, secret, ...given })
  context.after(() => auth.close().catch(() => {}))
  return auth
}

const memory = 'sqlite::memory:'

function signUp(auth: Auth, email = 'ada@example.org'): Promise<Response> {
  const request = new Request(`${issuer}/auth/sign-up`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: goodPassword, carrier: 'token' }),
  })
  return auth.fetch(request)
}

/** What frameworks hand over as a second argument; JavaScript asks no types. */
const seconds: [what: string, second: unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['an empty object', {}],
  ['an address under another name', { remoteAddr: { hostname: '192.0.2.1', port: 1 } }],
  ['route parameters', { params: {} }],
  ['parameters that are still to come', { params: Promise.resolve({}) }],
  ['an address that is no text', { address: { hostname: '192.0.2.1' } }],
  ['a word', 'x'],
]
for (const [what, second] of seconds) {
  test(`fetch answers as ever when its second argument is ${what}`, async (context) => {
    const auth = await opened(context, { database: memory })
    const answer = await Reflect.apply(auth.fetch, undefined, [new Request(`${issuer}/healthz`), second])
    assert.equal(answer.status, 200)
    const request = new Request(`${issuer}/auth/sign-up`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ada@example.org', password: goodPassword }),
    })
    assert.equal((await Reflect.apply(auth.fetch, undefined, [request, second])).status, 202)
  })
}

test('an address that is text is what limits per network count', async (context) => {
  const auth = await opened(context, { database: memory, policy: { signUpsPerNetwork: 1 } })
  const forgot = () =>
    new Request(`${issuer}/auth/password/forgot`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ada@example.org' }),
    })
  const statuses: number[] = []
  for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.2'])
    statuses.push((await auth.fetch(forgot(), { address })).status)
  assert.deepEqual(statuses, [202, 429, 202])
})

for (const name of ['issuer', 'database', 'secret'] as const) {
  test(`options without ${name} are refused by name`, async () => {
    for (const empty of [undefined, null, '']) {
      const options = { issuer, database: memory, secret, [name]: empty }
      const started = Reflect.apply(createAuth, undefined, [options])
      await assert.rejects(started, (error: Error) => error.message.includes(`needs ${name}`))
    }
  })
}

test('options that cannot be used open no database', async () => {
  const path = join(dataFolder(), 'auth.db')
  const database = `sqlite:${path}`
  const wrong: Partial<AuthOptions>[] = [
    { policy: { nonsense: 1 } },
    { issuer: 'https://auth.example' },
    { issuer: 'http://auth.example' },
    { secret: 'short' },
  ]
  for (const options of wrong) {
    await assert.rejects(createAuth({ issuer, secret, database, ...options }))
    assert.equal(existsSync(path), false, Object.keys(options).join())
  }
})

/** A transport that tells what was asked of it. */
function transportThat(send: () => Promise<void> = async () => {}) {
  const asked = { sent: 0, closed: 0 }
  return {
    asked,
    mail: {
      send() {
        asked.sent += 1
        return send()
      },
      close() {
        asked.closed += 1
      },
    },
  }
}

onEachEngine('a server in an application', (open) => {
  it('that fails to start lets go of the mail server', async (context) => {
    const { url } = await open()
    await (await createAuth({ issuer, secret, database: url })).close()
    const { asked, mail } = transportThat()
    const other = new Uint8Array(32).fill(6)
    await assert.rejects(createAuth({ issuer, secret: other, database: url, mail }), /secret/i)
    assert.equal(asked.closed, 1)
    // The database is as good as before for who has the right secret.
    const auth = await opened(context, { database: url })
    assert.equal((await auth.fetch(new Request(`${issuer}/readyz`))).status, 200)
  })

  it('that fails to start lets go of the database', async () => {
    const { url } = await open()
    await (await createAuth({ issuer, secret, database: url })).close()
    const before = openFiles()
    for (let count = 0; count < 3; count++)
      await assert.rejects(createAuth({ issuer, secret: new Uint8Array(32).fill(6), database: url }))
    // A socket that was closed is gone a moment later; one that was forgotten stays for longer than this.
    const startedAt = performance.now()
    while (openFiles() > before && performance.now() - startedAt < 4_000)
      await new Promise<void>((resolve) => setImmediate(resolve))
    assert.ok(openFiles() <= before)
  })

  it('starts where a later release has migrated the database, and nowhere that a stranger has', async (context) => {
    const { db, url } = await open()
    const note = (name: string) =>
      sql`insert into kysely_migration (name, "timestamp") values (${name}, '2999')`.execute(db)
    await note('2999-later')
    const auth = await opened(context, { database: url })
    assert.equal((await signUp(auth)).status, 202)
    await note('2000-stranger')
    await assert.rejects(
      createAuth({ issuer, secret, database: url }),
      /nothing was changed: .*2000-stranger/,
    )
  })

  it('closes the mail server once and the database with it, when it is closed', async () => {
    const { url } = await open()
    const { asked, mail } = transportThat()
    const auth = await createAuth({ issuer, secret, database: url, mail })
    assert.equal(asked.closed, 0)
    await auth.close()
    assert.equal(asked.closed, 1)
    assert.equal((await auth.fetch(new Request(`${issuer}/readyz`))).status, 503)
  })

  it('writes what sessions were used, when it is closed', async () => {
    // Every other second it is written without being asked, which may be just then; not ten times in a row.
    let isUnwritten = false
    for (let attempt = 0; attempt < 10 && !isUnwritten; attempt++)
      isUnwritten = await useAndClose(await open())
    assert.ok(isUnwritten, 'reading does not write')
  })

  it('does not wait for a mail server that never answers, when it is closed', {
    timeout: 20_000,
  }, async () => {
    const { db, url } = await open()
    let reached = () => {}
    const arrived = new Promise<void>((resolve) => {
      reached = resolve
    })
    const { asked, mail } = transportThat(() => {
      reached()
      return new Promise<void>(() => {})
    })
    const auth = await createAuth({ issuer, secret, database: url, mail })
    assert.equal((await signUp(auth)).status, 202)
    await arrived
    await auth.close()
    assert.equal(asked.closed, 1)
    const waiting = await db.selectFrom('outbox').select('sent_at').execute()
    assert.deepEqual(waiting, [{ sent_at: null }], 'and the mail is still to be sent')
  })
})

/** Uses a session of long ago and closes; whether it was not written that it was used until then. Now it is. */
async function useAndClose({ db, url }: TestDatabase): Promise<boolean> {
  const auth = await createAuth({ issuer, secret, database: url, policy: { verifiedEmail: 'optional' } })
  const { access_token } = await (await signUp(auth)).json()
  const longAgo = Math.floor(Date.now() / 1000) - 24 * 3600
  await db.updateTable('session').set({ last_seen_at: longAgo }).execute()
  const headers = { authorization: `Bearer ${access_token}` }
  const used = await auth.fetch(new Request(`${issuer}/auth/session`, { headers }))
  assert.equal(used.status, 200)
  const seenAt = async () =>
    (await db.selectFrom('session').select('last_seen_at').executeTakeFirstOrThrow()).last_seen_at
  const isUnwritten = (await seenAt()) === longAgo
  await auth.close()
  assert.ok((await seenAt()) > longAgo)
  return isUnwritten
}

/** Files and connections alike. */
function openFiles(): number {
  return readdirSync('/dev/fd').length
}
