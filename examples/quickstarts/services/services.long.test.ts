import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { dataFolder } from 'counterfoil/house'
import { freePort } from '../../../tools/free-port.ts'

const root = join(import.meta.dirname, '../../..')
const folder = dataFolder()
const email = 'ada@example.com'
const password = 'seven dull green boats'
type Headers = Record<string, string>

const started: ChildProcess[] = []
after(async () => {
  for (const child of started.reverse()) {
    if (child.pid === undefined || child.exitCode !== null) continue
    process.kill(-child.pid, 'SIGTERM')
    await once(child, 'exit')
  }
})

/** In a group of its own, which ends with the tests: a shell takes its children along. */
async function start(
  [program, ...rest]: readonly [string, ...string[]],
  env: Headers,
  cwd: string,
): Promise<ChildProcess> {
  const child = spawn(program, rest, {
    ...{ cwd, detached: true, stdio: ['ignore', 'pipe', 'inherit'] },
    env: { PATH: process.env.PATH, ...env },
  })
  started.push(child)
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  while (!output.includes('listening')) {
    if (child.exitCode !== null) throw new Error(`the program ended: ${output}`)
    await Promise.race([once(child.stdout ?? child, 'data'), once(child, 'exit')])
  }
  return child
}

const [home, ordersPort, invoicesPort] = [await freePort(), await freePort(), await freePort()]
const issuer = `http://localhost:${home}`
const orders = `http://localhost:${ordersPort}/orders`
const invoices = `http://localhost:${invoicesPort}/invoices`

before(async () => {
  const script = readFileSync(new URL('begin.sh', import.meta.url), 'utf8').replaceAll('~/counterfoil', root)
  // The checkout's packages, and its command, instead of installed ones.
  const head = `npm() { ln -s '${root}/node_modules' node_modules; }
    npx() { shift; '${process.execPath}' '${root}/packages/server/bin/counterfoil.js' "$@"; }\n`
  await start(['sh', '-ec', head + script], { COUNTERFOIL_PORT: String(home) }, folder)
  const services = [
    ['orders.ts', ordersPort],
    ['invoices.ts', invoicesPort],
  ] as const
  for (const [name, port] of services) {
    const env = { ISSUER: issuer, PORT: String(port) }
    await start([process.execPath, name], env, join(folder, 'services'))
  }
})

function post(url: string, json: object, headers: Headers = {}): Promise<Response> {
  const body = JSON.stringify(json)
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
}

async function statuses(headers: Headers): Promise<number[]> {
  return Promise.all([orders, invoices].map(async (url) => (await fetch(url, { headers })).status))
}

/** Milliseconds until both refuse. */
async function untilRefused(headers: Headers): Promise<number> {
  const began = performance.now()
  for (;;) {
    const found = await statuses(headers)
    const elapsed = performance.now() - began
    if (found.every((status) => status === 401)) return elapsed
    if (elapsed > 60_000) throw new Error(`after ${elapsed} ms: ${found.join(', ')}`)
  }
}

async function signedIn(): Promise<{ cookie: Headers; token: Headers; sessions: string[] }> {
  const answer = await post(`${issuer}/auth/sign-in`, { email, password }, { origin: issuer })
  assert.equal(answer.status, 200)
  const lines = answer.headers.getSetCookie().map((line) => line.split(';', 1)[0])
  const byToken = await post(`${issuer}/auth/sign-in`, { email, password, carrier: 'token' })
  const { access_token, session } = await byToken.json()
  return {
    cookie: { cookie: lines.join('; ') },
    token: { authorization: `Bearer ${access_token}` },
    sessions: [(await answer.json()).session.id, session.id],
  }
}

test('a person signs in once, both services take it, and both refuse once it has ended', async (t) => {
  await post(`${issuer}/auth/sign-up`, { email, password })
  const mail = await fetch(`${issuer}/dev/mail`, { headers: { accept: 'application/json' } })
  const token = /token=([\w-]+)/.exec(await mail.text())?.[1]
  const verified = await post(`${issuer}/auth/verify-email`, { token, password, carrier: 'token' })
  assert.equal(verified.status, 200)
  const ada = await signedIn()

  await t.test('nobody is let in without', async () => {
    assert.deepEqual(await statuses({}), [401, 401])
  })
  await t.test('either carrier is good at both', async () => {
    assert.deepEqual(await statuses(ada.token), [200, 200])
    assert.deepEqual(await statuses(ada.cookie), [200, 200])
    const found = await (await fetch(invoices, { headers: ada.cookie })).json()
    assert.equal(found.carrier, 'cookie')
  })
  await t.test('each service guards its own routes', async () => {
    const order = { what: 'a kettle' }
    for (const origin of ['https://evil.example', issuer, 'null'])
      assert.equal((await post(orders, order, { ...ada.cookie, origin })).status, 403, origin)
    assert.equal((await post(orders, order, ada.cookie)).status, 403)
    const own = { origin: new URL(orders).origin, 'sec-fetch-site': 'same-origin' }
    assert.equal((await post(orders, order, { ...ada.cookie, ...own })).status, 201)
    assert.equal((await post(orders, order, ada.token)).status, 201)
    assert.equal((await (await fetch(orders, { headers: ada.cookie })).json()).length, 2)
  })
  await t.test('once the session has ended both refuse, within milliseconds', async () => {
    const sent: [string, Headers, Headers][] = [
      ['cookie', ada.cookie, { origin: issuer }],
      ['token', ada.token, {}],
    ]
    for (const [carrier, headers, own] of sent) {
      const ended = await fetch(`${issuer}/auth/sign-out`, {
        method: 'POST',
        headers: { ...headers, ...own },
      })
      assert.equal(ended.status, 204)
      console.log(
        `both services refused the ${carrier} ${Math.round(await untilRefused(headers))} ms after 204`,
      )
    }
  })
  await t.test('and the server can wait for both to say so', async () => {
    const again = await signedIn()
    assert.deepEqual(await statuses(again.token), [200, 200])
    const url = `${issuer}/auth/sessions/${again.sessions[1]}?wait=applied`
    const receipt = await (await fetch(url, { method: 'DELETE', headers: again.token })).json()
    assert.deepEqual([receipt.verifiers, receipt.confirmed], [2, 2])
    assert.deepEqual(await statuses(again.token), [401, 401])
  })
})
