import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('run.ts', import.meta.url))
const email = 'ada@example.com'
const password = 'seven dull green boats'
const nodes: { name: string; url: string; pid: number }[] = []
let cluster: ChildProcess
let said = ''
let issuer = ''
let proxy = ''

before(async () => {
  const { COUNTERFOIL_DATABASE: _, ...env } = process.env
  cluster = spawn(process.execPath, [program, '0'], { stdio: ['ignore', 'pipe', 'pipe'], env })
  cluster.stdout?.on('data', (chunk) => {
    said += chunk
  })
  cluster.stderr?.on('data', (chunk) => {
    said += chunk
  })
  while (!/^proxy .*\n/m.test(said)) {
    if (cluster.exitCode !== null) throw new Error(`the cluster ended:\n${said}`)
    await Promise.race([once(cluster.stdout ?? cluster, 'data'), once(cluster, 'exit')])
  }
  for (const [, name = '', url = '', pid] of said.matchAll(/^node (\w) {3}(\S+) {2}process (\d+)$/gm))
    nodes.push({ name, url, pid: Number(pid) })
  issuer = /^proxy {4}(\S+)/m.exec(said)?.[1] ?? ''
  proxy = issuer.replace('localhost', '127.0.0.1')
})

after(async () => {
  if (cluster.exitCode === null) {
    cluster.kill('SIGTERM')
    await once(cluster, 'exit')
  }
})

function post(url: string, json: object, headers: Record<string, string> = {}): Promise<Response> {
  const body = JSON.stringify(json)
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
}

const statusAt = async (url: string, headers: Record<string, string>) => {
  const answer = await fetch(`${url}/auth/session`, { headers })
  await answer.arrayBuffer()
  return answer.status
}

async function byToken(url: string) {
  const answer = await post(`${url}/auth/sign-in`, { email, password, carrier: 'token' })
  assert.equal(answer.status, 200)
  const { access_token, refresh_token, session } = await answer.json()
  return { headers: { authorization: `Bearer ${access_token}` }, refresh_token, session }
}

async function byCookie(url: string) {
  const answer = await post(`${url}/auth/sign-in`, { email, password }, { origin: issuer })
  assert.equal(answer.status, 200)
  const cookie = answer.headers.getSetCookie().map((line) => line.split(';', 1)[0])
  return { headers: { cookie: cookie.join('; ') }, session: (await answer.json()).session }
}

/** What other nodes have to hear of takes a moment; a node that never hears would keep the test here. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}

const refresh = (url: string, refresh_token: string) =>
  fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token }),
  })

test('an account that was begun on one node is known on all', { timeout: 60_000 }, async () => {
  assert.equal(nodes.length, 3)
  const [a, b, c] = nodes.map(({ url }) => url)
  assert.equal((await post(`${a}/auth/sign-up`, { email, password })).status, 202)
  const mail = await fetch(`${b}/dev/mail`, { headers: { accept: 'application/json' } })
  const token = /token=([\w-]+)/.exec(await mail.text())?.[1] ?? 'no link'
  const verified = await post(`${c}/auth/verify-email`, { token, password, carrier: 'token' })
  assert.equal(verified.status, 200)
})

test('a session by either carrier, begun through the proxy, is seen by every node', {
  timeout: 60_000,
}, async () => {
  for (const { headers } of [await byCookie(proxy), await byToken(proxy)]) {
    for (const { url } of nodes) assert.equal(await statusAt(url, headers), 200)
    for (let count = 0; count < 6; count++) assert.equal(await statusAt(proxy, headers), 200)
  }
})

test('a session that is ended on one node is refused by the others, which had it in memory', {
  timeout: 60_000,
}, async () => {
  const [a, b, c] = nodes.map(({ url }) => url) as [string, string, string]
  for (const begin of [byCookie, byToken]) {
    const { headers, session } = await begin(proxy)
    const other = await byToken(proxy)
    for (const url of [a, b, c]) assert.equal(await statusAt(url, headers), 200)
    const ended = await fetch(`${a}/auth/sessions/${session.id}`, {
      method: 'DELETE',
      headers: other.headers,
    })
    assert.equal(ended.status, 204)
    assert.equal(await statusAt(a, headers), 401, 'at once where it was ended')
    await until(async () => (await statusAt(b, headers)) === 401 && (await statusAt(c, headers)) === 401)
    assert.equal(await statusAt(b, other.headers), 200)
  }
})

test('one refresh token after the other, each taken by another node', { timeout: 60_000 }, async () => {
  let { refresh_token } = await byToken(proxy)
  for (let count = 0; count < 6; count++) {
    const answer = await refresh(nodes[count % 3]?.url ?? '', refresh_token)
    assert.equal(answer.status, 200)
    const pair = await answer.json()
    refresh_token = pair.refresh_token
    assert.equal(await statusAt(proxy, { authorization: `Bearer ${pair.access_token}` }), 200)
  }
})

test('a node that is killed is missed by nobody', { timeout: 60_000 }, async () => {
  const kept = await byCookie(proxy)
  const [killed, ...left] = nodes
  assert.ok(killed)
  process.kill(killed.pid, 'SIGKILL')
  await until(async () => (await statusAt(killed.url, {}).catch(() => 'gone')) === 'gone')
  for (let count = 0; count < 9; count++) assert.equal(await statusAt(proxy, kept.headers), 200)
  const { headers, session } = await byToken(proxy)
  const [b, c] = left.map(({ url }) => url) as [string, string]
  assert.equal(await statusAt(c, headers), 200)
  const ended = await fetch(`${b}/auth/sessions/${session.id}`, { method: 'DELETE', headers })
  assert.equal(ended.status, 204)
  await until(async () => (await statusAt(c, headers)) === 401)
})

test('a signal stops everything that was started', { timeout: 60_000 }, async () => {
  cluster.kill('SIGTERM')
  const [code] = await once(cluster, 'exit')
  assert.equal(code, 0, said)
  for (const { pid } of nodes) assert.throws(() => process.kill(pid, 0), /ESRCH/)
})
