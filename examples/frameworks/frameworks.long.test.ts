import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { keyHolder } from 'counterfoil/house'

const email = 'ada@example.com'
const password = 'seven dull green boats'
const issuer = 'http://localhost:3000'
type Headers = Record<string, string>

async function start(framework: string): Promise<string> {
  const program = fileURLToPath(new URL(`${framework}.ts`, import.meta.url))
  const app = spawn(process.execPath, [program, '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  after(async () => {
    if (app.exitCode !== null) return
    app.kill()
    await once(app, 'exit')
  })
  let output = ''
  app.stdout.on('data', (chunk) => {
    output += chunk
  })
  for (;;) {
    const port = /port: (\d+)/.exec(output)?.[1]
    if (port !== undefined) return `http://127.0.0.1:${port}`
    if (app.exitCode !== null) throw new Error(`the program ended: ${output}`)
    await Promise.race([once(app.stdout, 'data'), once(app, 'exit')])
  }
}

function clientOf(address: string) {
  return async (method: string, path: string, headers: Headers = {}, json?: object) => {
    const content: Headers = json === undefined ? {} : { 'content-type': 'application/json' }
    const body = json === undefined ? null : JSON.stringify(json)
    return fetch(address + path, { method, headers: { ...content, ...headers }, body })
  }
}

/** What browsers say of a request that another page makes; that a page of `localhost` sends is one of the same site. */
const forgeries: [from: string, headers: Headers][] = [
  ['another site', { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }],
  ['a sibling', { origin: 'http://evil.localhost:3000', 'sec-fetch-site': 'same-site' }],
  ['another port', { origin: 'http://localhost:3001', 'sec-fetch-site': 'same-site' }],
  ['a sandboxed frame', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
  ['an old browser', { origin: 'http://evil.example' }],
  ['a page that hides where it is', {}],
]

/** A token that is bound to a key pays with a proof for each payment; a copy of it, and of the proof, pays nothing. */
async function payBound(send: ReturnType<typeof clientOf>, paid: () => Promise<number>): Promise<void> {
  const holder = keyHolder()
  const proven = (url: string, more: { token?: string; nonce?: string } = {}, by = holder) => ({
    dpop: by.proof({ method: 'POST', url: issuer + url, now: Math.floor(Date.now() / 1000), ...more }),
  })
  const signIn = (headers: Headers) =>
    send('POST', '/auth/sign-in', headers, { email, password, carrier: 'token' })
  const first = await signIn(proven('/auth/sign-in'))
  const nonce = first.headers.get('dpop-nonce')
  const bound = nonce === null ? first : await signIn(proven('/auth/sign-in', { nonce }))
  const { access_token: token, token_type } = await bound.json()
  assert.equal(token_type, 'DPoP')

  const before = await paid()
  const pay = async (headers: Headers) =>
    (await send('POST', '/payments', { authorization: `DPoP ${token}`, ...headers }, { to: 'grace' })).status
  const proof = proven('/payments', { token })
  assert.equal(await pay(proof), 200)
  assert.equal(await pay(proof), 401)
  assert.equal(await pay({}), 401)
  assert.equal(await pay(proven('/me', { token })), 401)
  assert.equal(await pay(proven('/payments', { token }, keyHolder())), 401)
  assert.equal(await pay({ authorization: `Bearer ${token}` }), 401)
  assert.equal(await paid(), before + 1)
}

for (const framework of ['express', 'fastify', 'hono', 'around', 'node']) {
  test(`${framework}: the payment is made by its person alone, by either carrier`, async () => {
    const address = await start(framework)
    const send = clientOf(address)
    await send('POST', '/auth/sign-up', {}, { email, password })
    const mail = await send('GET', '/dev/mail', { accept: 'application/json' })
    const token = /token=([\w-]+)/.exec(await mail.text())?.[1]
    const verified = await send('POST', '/auth/verify-email', { origin: issuer }, { token, password })
    assert.equal(verified.status, 200)
    const lines = verified.headers.getSetCookie()
    const cookie = lines.map((line) => line.split(';', 1)[0]).join('; ')
    const paid = async () => (await (await send('GET', '/payments')).json()).length

    assert.equal((await (await send('GET', '/me', { cookie })).json()).account.email, email)
    assert.equal((await send('GET', '/me')).status, 401)
    for (const [from, headers] of forgeries) {
      const answer = await send('POST', '/payments', { cookie, ...headers }, { to: 'mallory' })
      assert.deepEqual([answer.status, (await answer.json()).code], [403, 'forged_request'], from)
    }
    assert.equal(await paid(), 0)
    const own = { origin: issuer, 'sec-fetch-site': 'same-origin' }
    assert.equal((await send('POST', '/payments', { cookie, ...own }, { to: 'grace' })).status, 200)
    const signedIn = await send('POST', '/auth/sign-in', {}, { email, password, carrier: 'token' })
    const authorization = `Bearer ${(await signedIn.json()).access_token}`
    assert.equal((await send('POST', '/payments', { authorization }, { to: 'grace' })).status, 200)
    for (const [from, headers] of forgeries)
      assert.equal((await send('DELETE', '/payments', { cookie, ...headers })).status, 403, from)
    assert.equal(await paid(), 2)
    assert.equal((await send('DELETE', '/payments', { cookie, ...own })).status, 200)
    assert.equal(await paid(), 0)
    await payBound(send, paid)
    const json = { 'content-type': 'application/json' }
    const broken = await fetch(`${address}/payments`, {
      method: 'POST',
      headers: { authorization, ...json },
      body: '{',
    })
    assert.notEqual(broken.status, 200)
    assert.equal(await paid(), 1, 'nothing is paid, and the program goes on')
  })
}
