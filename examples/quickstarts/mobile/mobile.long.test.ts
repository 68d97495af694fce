import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { createTestAuth, type TestAuth } from 'counterfoil/testing'
import { freePort } from '../../../tools/free-port.ts'
import { begin, linkAt, personAt, start, who } from '../testing/project.ts'

type Client = {
  signIn(email: string, password: string): Promise<void>
  fetch(path: string, init?: object): Promise<Response>
  signOut(): Promise<void>
}
type Store = { get(): Promise<string | null>; set(text: string): Promise<void>; remove(): Promise<void> }
type Given = { server: string; store: Store; key?: object | null; now?: () => number }

// They are JavaScript, as a reader copies them.
const own = (name: string) => import(new URL(name, import.meta.url).href)
const { createClient }: { createClient(given: Given): Client } = await own('client.js')
const { createKey }: { createKey(): object } = await own('key.js')
const { createApi }: { createApi(auth: TestAuth): RequestListener } = await own('api.js')

test('the program and the phone, each in a process of its own, from sign-in to a refresh token that is dead', async (t) => {
  const { folder, made } = await begin('mobile')
  assert.deepEqual(made.slice(3), ['auth.js'])
  const port = await freePort()
  const program = await start(folder, { program: 'server.js', env: { PORT: String(port) } })
  t.after(program.stop)
  const ada = personAt(port)
  await ada.submit('/sign-up', who)
  const token = (await linkAt(port)).searchParams.get('token') ?? ''
  assert.equal((await ada.submit('/verify', { token })).status, 303)

  const forged = { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }
  const headers = { ...forged, 'content-type': 'application/json' }
  assert.equal((await ada.send('POST', '/api/notes', { json: { text: 'mallory' }, headers })).status, 403)

  const command = readFileSync(new URL('phone.sh', import.meta.url), 'utf8')
  assert.ok(command.includes(who.email) && command.includes(who.password))
  for (const [bound, refreshed] of [
    ['no', 'replaced'],
    ['yes', 'the same, bound to the key'],
  ] as const) {
    const path = `${dirname(process.execPath)}:${process.env.PATH}`
    const env = { PATH: path, SERVER: `http://localhost:${port}`, BOUND: bound }
    const { stdout } = await promisify(execFile)('sh', ['-ec', command], { cwd: folder, env })
    const notes = bound === 'no' ? `[ 'tea' ]` : `[ 'tea', 'tea' ]`
    const lines = [
      'kept a note: 204',
      `notes: ${notes}`,
      `refresh token: ${refreshed}`,
      'after sign-out: signed_out',
    ]
    assert.deepEqual(stdout.trimEnd().split('\n'), lines)
  }
})

/** The API on a clock that is set by hand, an account, and phones of theirs. */
async function scene(t: { after(done: () => unknown): void }) {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const auth = await createTestAuth({ issuer })
  const server = createServer(createApi(auth)).listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await auth.close()
  })
  const post = (path: string, json: object) =>
    auth.fetch(
      new Request(issuer + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: issuer },
        body: JSON.stringify(json),
      }),
    )
  await post('/auth/sign-up', who)
  const token = (await auth.linkFor(who.email)).searchParams.get('token')
  assert.equal((await post('/auth/verify-email', { token, password: who.password })).status, 200)
  return {
    clock: auth.clock,
    phone(given: { holds?: string | null; key?: object } = {}) {
      let { holds: kept = null } = given
      let writes = 0
      const store: Store = {
        get: async () => kept,
        set: async (text) => {
          kept = text
          writes += 1
        },
        remove: async () => {
          kept = null
        },
      }
      const client = createClient({ server: issuer, store, now: auth.clock.now, key: given.key ?? null })
      return {
        ...client,
        kept: () => kept,
        writes: () => writes,
        signIn: () => client.signIn(who.email, who.password),
      }
    },
  }
}

const signedOut = { message: 'signed_out' }

test('a token that has run out is renewed once for all who wait, and the one before it is spent', async (t) => {
  const { clock, phone } = await scene(t)
  const ada = phone()
  await ada.signIn()
  const first = ada.kept()
  clock.advance(301)
  const answers = await Promise.all(['a', 'b', 'c'].map((_) => ada.fetch('/api/notes')))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  )
  assert.notEqual(ada.kept(), first)
  assert.equal(ada.writes(), 2)

  // Somebody had copied it. What they try ends the session, for both.
  clock.advance(31)
  await assert.rejects(phone({ holds: first }).fetch('/api/notes'), signedOut)
  await assert.rejects(ada.fetch('/api/notes'), signedOut)
  assert.equal(ada.kept(), null)
})

test('an answer that was lost on its way costs nobody the session', async (t) => {
  const { clock, phone } = await scene(t)
  const ada = phone()
  await ada.signIn()
  const first = ada.kept()
  clock.advance(301)
  assert.equal((await ada.fetch('/api/notes')).status, 200)
  // The app was killed before it had kept the next one.
  const again = phone({ holds: first })
  assert.equal((await again.fetch('/api/notes')).status, 200)
  assert.equal(again.kept(), ada.kept())
})

test('with a key the refresh token stays, and whoever copies it has nothing', async (t) => {
  const { clock, phone } = await scene(t)
  const key = createKey()
  const ada = phone({ key })
  await ada.signIn()
  const first = ada.kept()
  clock.advance(301)
  assert.equal((await ada.fetch('/api/notes')).status, 200)
  assert.equal(ada.kept(), first)
  await assert.rejects(phone({ holds: first, key: createKey() }).fetch('/api/notes'), signedOut)
  await assert.rejects(phone({ holds: first }).fetch('/api/notes'))
  assert.equal((await ada.fetch('/api/notes')).status, 200)
  await ada.signOut()
  await assert.rejects(phone({ holds: first, key }).fetch('/api/notes'), signedOut)
})
