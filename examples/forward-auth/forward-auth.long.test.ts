import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { dataFolder, startServer } from 'counterfoil/house'
import { freePort } from '../../tools/free-port.ts'
import { isInstalled, type Ports, type ProxyProgram, proxies, scratch } from './proxies.ts'

const email = 'ada@example.org'
const password = 'a long walk by the quiet river'
type Headers = Record<string, string>
type Answer = { status: number; headers: IncomingHttpHeaders; body: string }

function stopAfter(child: ChildProcess): void {
  after(async () => {
    if (child.exitCode !== null) return
    child.kill()
    await once(child, 'exit')
  })
}

/** Exactly these headers, which `fetch` would not send. */
function send(port: number, method: string, path: string, headers: Headers = {}, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const host = `localhost:${port}`
    const length = body === '' ? {} : { 'content-length': String(body.length) }
    const sent = request({ host: '127.0.0.1', port, method, path, headers: { host, ...length, ...headers } })
    const settle = (status: number, found: IncomingHttpHeaders, text: string) =>
      resolve({ status, headers: found, body: text })
    sent.on('response', async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      settle(response.statusCode ?? 0, response.headers, text)
    })
    sent.on('upgrade', (response, socket) => {
      socket.destroy()
      settle(response.statusCode ?? 0, response.headers, '')
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function untilAnswered(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const answer = await send(port, 'GET', '/').catch(() => null)
    if (answer !== null && answer.status < 500) return
    if (attempt === 150) throw new Error('the proxy does not answer')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function open({ forward, start }: ProxyProgram) {
  const [proxy, application] = [await freePort(), await freePort()]
  const issuer = `http://localhost:${proxy}`
  const data = dataFolder()
  writeFileSync(join(data, 'policy.json'), JSON.stringify({ forward, trustedHops: 1 }))
  const server = await startServer(data, ['--issuer', issuer])
  after(() => server.kill())
  const app = spawn(process.execPath, [join(import.meta.dirname, 'application.ts'), String(application)])
  stopAfter(app)
  await once(app.stdout, 'data')
  const ports: Ports = { proxy, application, counterfoil: Number(new URL(server.origin).port) }
  stopAfter(start(ports, scratch()))
  await untilAnswered(proxy)

  const post = (path: string, json: object) =>
    send(proxy, 'POST', path, { 'content-type': 'application/json', origin: issuer }, JSON.stringify(json))
  await post('/auth/sign-up', { email, password })
  const mail = await fetch(`${server.origin}/dev/mail`, { headers: { accept: 'application/json' } })
  const token = /token=([\w-]+)/.exec(await mail.text())?.[1]
  const verified = await post('/auth/verify-email', { token, password })
  assert.equal(verified.status, 200, verified.body)
  const cookie = (verified.headers['set-cookie'] ?? []).map((line) => line.split(';', 1)[0]).join('; ')
  const pair = JSON.parse((await post('/auth/sign-in', { email, password, carrier: 'token' })).body)
  const { account } = JSON.parse(verified.body)
  return { port: proxy, issuer, cookie, accountId: account.id, bearer: `Bearer ${pair.access_token}` }
}

test('the page of nginx begins with the application, the configuration and the policy that are tested below', () => {
  const folder = scratch()
  const read = (...path: string[]) => readFileSync(join(...path), 'utf8')
  const commands = read(import.meta.dirname, 'begin.sh').replaceAll(
    '~/counterfoil',
    join(import.meta.dirname, '../..'),
  )
  // Nothing is installed, and the server is started below, on other ports.
  const script = `npm() { echo "$@" > installed; }\nnpx() { echo "$@" > started; }\n${commands}`
  execFileSync('sh', ['-ec', script], { cwd: folder })
  const made = join(folder, 'behind-nginx')
  const { forward } = proxies.find(({ name }) => name === 'nginx') ?? assert.fail()
  assert.deepEqual(JSON.parse(read(made, 'data/policy.json')), { forward, trustedHops: 1 })
  assert.equal(read(made, 'started'), 'counterfoil serve --issuer http://localhost:8080\n')
  for (const file of ['application.ts', 'nginx.conf'])
    assert.equal(read(made, file), read(import.meta.dirname, file), file)
})

for (const proxy of proxies) {
  const skip = isInstalled(proxy.name) ? false : `${proxy.name} is not installed here`
  test(`behind ${proxy.name} an application that knows nothing of sessions is guarded`, {
    skip,
  }, async (t) => {
    const { port, issuer, cookie, accountId, bearer } = await open(proxy)
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const told = async (headers: Headers, method = 'GET') => {
      const { status, body } = await send(port, method, '/payments', headers)
      return status === 200 ? JSON.parse(body) : status
    }
    const payments = async () => (await told({ cookie })).payments

    await t.test('nobody is let in, whoever they say that they are', async () => {
      const claims = { 'x-auth-account': accountId, 'x-auth-session': 'x' }
      for (const headers of [{}, claims, { cookie: '__Host-Http-session=unknown' }])
        assert.equal(await told(headers), 401)
    })

    await t.test('the application is told who asks by either carrier, and no credential', async () => {
      for (const headers of [{ cookie }, { authorization: bearer }]) {
        const claimed = await told({ ...headers, 'x-auth-account': 'somebody', 'X-AUTH-SESSION': 'else' })
        assert.deepEqual([claimed.account, claimed.cookie], [accountId, null])
        assert.match(claimed.session, /^[\w-]{10,}$/)
      }
    })

    await t.test('no change can be forged, whatever a page says that it was', async () => {
      const lies = { 'x-original-method': 'GET', 'x-original-url': '/', 'x-forwarded-method': 'GET' }
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
        for (const headers of [foreign, { ...foreign, ...lies }, {}, { origin: 'null' }, lies])
          assert.equal(await told({ cookie, ...headers }, method), 403, method)
      assert.equal(await payments(), 0)
    })

    await t.test('our own page can make one, and so can a token', async () => {
      assert.equal(
        (await told({ cookie, origin: issuer, 'sec-fetch-site': 'same-origin' }, 'POST')).payments,
        1,
      )
      assert.equal((await told({ authorization: bearer }, 'POST')).payments, 2)
      assert.equal(await payments(), 2)
    })

    await t.test('a WebSocket of another site is refused', async () => {
      const handshake = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' }
      const key = { 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }
      assert.equal((await send(port, 'GET', '/', { cookie, ...handshake, ...key, ...foreign })).status, 403)
      assert.equal((await send(port, 'GET', '/', { cookie, ...handshake, ...foreign })).status, 403)
    })

    await t.test(
      'the question itself is the proxy’s alone, and the server’s own paths are the server’s',
      async () => {
        for (const path of ['/auth/forward', '/auth/forward?x', '/_forward', '/auth/%66orward'])
          assert.equal((await send(port, 'GET', path, { cookie })).headers['x-auth-account'], undefined, path)
        assert.equal((await send(port, 'GET', '/auth/forward', { cookie })).status, 404)
        assert.equal((await send(port, 'GET', '/auth/session', { cookie })).status, 200)
        assert.equal((await send(port, 'GET', '/openapi.json')).status, 200)
        // The consent page, which knows nothing of such a request, and the feed, which asks for a client's secret.
        assert.equal((await send(port, 'GET', '/grants/new', { cookie })).status, 410)
        assert.match((await send(port, 'GET', '/feed/snapshot')).body, /"client_invalid"/)
      },
    )
  })
}
