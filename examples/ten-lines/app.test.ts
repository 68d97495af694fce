import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const email = 'ada@example.com'
const password = 'seven dull green boats'
const issuer = 'http://localhost:3000'

const program = fileURLToPath(new URL('app.ts', import.meta.url))
const app = spawn(process.execPath, [program, '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
let address = ''

before(async () => {
  let output = ''
  app.stdout.on('data', (chunk) => {
    output += chunk
  })
  for (;;) {
    const port = /port: (\d+)/.exec(output)?.[1]
    if (port !== undefined) {
      address = `http://127.0.0.1:${port}`
      return signUp()
    }
    if (app.exitCode !== null) throw new Error(`the program ended: ${output}`)
    await Promise.race([once(app.stdout, 'data'), once(app, 'exit')])
  }
})

after(async () => {
  if (app.exitCode !== null) return
  app.kill()
  await once(app, 'exit')
})

function post(path: string, json: object, headers: Record<string, string> = {}): Promise<Response> {
  const body = JSON.stringify(json)
  return fetch(address + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
}

async function signUp(): Promise<void> {
  await post('/auth/sign-up', { email, password })
  const mail = await fetch(`${address}/dev/mail`, { headers: { accept: 'application/json' } })
  const token = /token=([\w-]+)/.exec(await mail.text())?.[1] ?? 'no link'
  const { status } = await post('/auth/verify-email', { token, password, carrier: 'token' })
  assert.equal(status, 200)
}

async function signInByToken(): Promise<string> {
  const answer = await post('/auth/sign-in', { email, password, carrier: 'token' })
  assert.equal(answer.status, 200)
  return (await answer.json()).access_token
}

async function signInByCookie(): Promise<string> {
  const answer = await post('/auth/sign-in', { email, password }, { origin: issuer })
  assert.equal(answer.status, 200)
  return answer.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ')
}

test('without a credential the route answers 401', async () => {
  const answer = await fetch(`${address}/me`)
  assert.equal(answer.status, 401)
})

test('an access token names the caller', async () => {
  const authorization = `Bearer ${await signInByToken()}`
  const answer = await fetch(`${address}/me`, { headers: { authorization } })
  assert.equal(answer.status, 200)
  const caller = await answer.json()
  assert.equal(caller.account.email, email)
  assert.equal(caller.carrier, 'bearer')
})

test('a cookie names the same account', async () => {
  const answer = await fetch(`${address}/me`, { headers: { cookie: await signInByCookie() } })
  assert.equal(answer.status, 200)
  const caller = await answer.json()
  assert.equal(caller.account.email, email)
  assert.equal(caller.carrier, 'cookie')
})

test("the application's own route refuses an unsafe request by cookie from another site", async () => {
  const cookie = await signInByCookie()
  const headers = { cookie, origin: 'https://other.example', 'sec-fetch-site': 'cross-site' }
  const forged = await fetch(`${address}/me`, { method: 'POST', headers })
  assert.equal(forged.status, 403)
  assert.deepEqual(await forged.json(), { code: 'forged_request' })
  const own = await fetch(`${address}/me`, { method: 'POST', headers: { cookie, origin: issuer } })
  assert.equal(own.status, 200)
})

test('a session that was ended is no caller any more, by either carrier', async () => {
  const cookie = await signInByCookie()
  const authorization = `Bearer ${await signInByToken()}`
  const { session } = await (await fetch(`${address}/me`, { headers: { cookie } })).json()
  const ended = await fetch(`${address}/auth/sessions/${session.id}`, {
    method: 'DELETE',
    headers: { authorization },
  })
  assert.equal(ended.status, 204)
  assert.equal((await fetch(`${address}/me`, { headers: { cookie } })).status, 401)
  assert.equal((await post('/auth/sign-out', {}, { authorization })).status, 204)
  assert.equal((await fetch(`${address}/me`, { headers: { authorization } })).status, 401)
})

test('the first page of the repository shows this very program', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  assert.ok(readme.includes(`\`\`\`ts\n${readFileSync(program, 'utf8')}\`\`\``))
})
