import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { connect } from 'node:net'
import { after, test } from 'node:test'
import { type Handler, type Listener, listen } from './listen.ts'

const platform = { Request: globalThis.Request, Response: globalThis.Response }

const seen = {
  authorization: null as string | null,
  url: '',
  address: null as string | null,
  last: null as string | null,
}
const echo: Handler = (request, { address }) => {
  seen.authorization = request.headers.get('authorization')
  seen.last = request.headers.get('x-last')
  seen.url = request.url
  seen.address = address
  if (new URL(request.url).pathname === '/broken') throw new Error('canary')
  return new Response('here', { headers: { 'x-host': new URL(request.url).host } })
}

const opened: Listener[] = []
const open = async (fetch: Handler = echo) => {
  const listener = await listen({ fetch, host: '127.0.0.1', port: 0 })
  opened.push(listener)
  return listener
}
after(() => Promise.all(opened.map((listener) => listener.close())))

/** Sends bytes as they are and returns all that comes back until the other side closes. */
function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    let answer = ''
    socket.setEncoding('latin1')
    socket.on('data', (text) => {
      answer += text
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}
const statusOf = (answer: string) => Number(answer.split(' ')[1])
const get = (target: string, headers: string, version = '1.1') =>
  `GET ${target} HTTP/${version}\r\n${headers}Connection: close\r\n\r\n`

test('the handler is told where the request came from', async () => {
  const { port } = await open()
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/x?y=1`)).text(), 'here')
  assert.equal(seen.address, '127.0.0.1')
  assert.equal(seen.url, `http://127.0.0.1:${port}/x?y=1`)
})

test('two Authorization headers both reach the handler, joined by a comma', async () => {
  const { port } = await open()
  const answer = await exchange(
    port,
    get('/', 'Host: a\r\nAuthorization: Bearer one\r\nAuthorization: Bearer two\r\n'),
  )
  assert.equal(statusOf(answer), 200)
  assert.equal(seen.authorization, 'Bearer one, Bearer two')
})

const malformed: [what: string, request: string, status: number][] = [
  ['a Host with a user name', get('/', 'Host: a@b\r\n'), 400],
  ['a Host with a space', get('/', 'Host: a b\r\n'), 400],
  ['a Host with a path', get('/', 'Host: a/b\r\n'), 400],
  ['a Host with a bad port', get('/', 'Host: a:99999\r\n'), 400],
  ['a Host that is no IPv6 address', get('/', 'Host: [::1\r\n'), 400],
  ['an empty Host', get('/', 'Host: \r\n'), 200],
  ['no Host in HTTP/1.1', get('/', ''), 400],
  ['no Host in HTTP/1.0', get('/', '', '1.0'), 200],
  ['a target without a slash', get('x', 'Host: a\r\n'), 400],
  ['a target that is a star', `OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 400],
  ['an absolute target that is no URL', get('http://[', 'Host: a\r\n'), 400],
  ['a backslash in the path', get('/a\\..\\b', 'Host: a\r\n'), 400],
  ['a broken escape', get('/%zz%', 'Host: a\r\n'), 200],
  ['a path that goes up', get('/x/../metrics', 'Host: a\r\n'), 400],
  ['a path that stays', get('/./metrics', 'Host: a\r\n'), 400],
  ['a path that goes up in escapes', get('/x/%2e%2e/metrics', 'Host: a\r\n'), 400],
  ['a path that goes up half in escapes', get('/x/.%2E/metrics', 'Host: a\r\n'), 400],
  ['a path that ends going up', get('/x/..', 'Host: a\r\n'), 400],
  ['a path that goes up before a query', get('/x/..?y', 'Host: a\r\n'), 400],
  ['a path that goes up before a fragment', get('/x/..#y', 'Host: a\r\n'), 400],
  ['a fragment', get('/metrics#y', 'Host: a\r\n'), 400],
  ['an absolute target that goes up', get('http://a/x/../metrics', 'Host: a\r\n'), 400],
  ['a name that begins with a dot', get('/.well-known/jwks.json', 'Host: a\r\n'), 200],
  ['dots within names', get('/a..b/...', 'Host: a\r\n'), 200],
  ['dots in the query', get('/x?next=/../y', 'Host: a\r\n'), 200],
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  [
    'both lengths of a smuggled body',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['headers of more than 16 KiB', get('/', `Host: a\r\nCookie: ${'x'.repeat(17_000)}\r\n`), 431],
  ['a target of more than 16 KiB', get(`/${'x'.repeat(17_000)}`, 'Host: a\r\n'), 431],
]

for (const [what, request, status] of malformed) {
  test(`${what} is answered ${status}`, async () => {
    const { port } = await open()
    assert.equal(statusOf(await exchange(port, request)), status)
  })
}

test('no header is dropped, however many come before it', async () => {
  const { port } = await open()
  const many = 'a:\r\n'.repeat(3000)
  assert.equal(statusOf(await exchange(port, get('/', `Host: a\r\n${many}X-Last: seen\r\n`))), 200)
  assert.equal(seen.last, 'seen')
})

test('a request whose connection was reset before it was read reaches no handler', async () => {
  const reached: string[] = []
  const { port } = await open((request, { address }) => {
    reached.push(`${new URL(request.url).pathname} ${address}`)
    return new Response('here')
  })
  const gone = `
    const socket = require('node:net').connect(${port}, '127.0.0.1', () =>
      socket.write('GET /gone HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n', () => socket.resetAndDestroy()))`
  // Blocks this process, so the listener finds the request only when whoever sent it has reset the connection.
  execFileSync(process.execPath, ['-e', gone])
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/here`)).text(), 'here')
  assert.deepEqual(reached, ['/here 127.0.0.1'])
})

test('a handler that throws is a 500 that says nothing', async () => {
  const { port } = await open()
  const answer = await exchange(port, get('/broken', 'Host: a\r\n'))
  assert.equal(statusOf(answer), 500)
  assert.ok(!answer.includes('canary'))
})

test('a port that is taken is an error that says what to do', async () => {
  const { port } = await open()
  await assert.rejects(
    listen({ fetch: echo, host: '127.0.0.1', port }),
    /taken by another program.*COUNTERFOIL_PORT/,
  )
})

test('an address that is not ours is an error that says what to do', async () => {
  await assert.rejects(listen({ fetch: echo, host: '192.0.2.1', port: 0 }), /not an address of this machine/)
})

test('closing lets a running request end, refuses new ones and can be asked for twice', async () => {
  let answer = () => {}
  let arrived = () => {}
  const running = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const listener = await open(async () => {
    arrived()
    await new Promise<void>((resolve) => {
      answer = resolve
    })
    return new Response('in time')
  })
  const url = `http://127.0.0.1:${listener.port}/`
  const response = fetch(url)
  await running
  const closed = Promise.all([listener.close(), listener.close()])
  await assert.rejects(fetch(url))
  answer()
  assert.equal(await (await response).text(), 'in time')
  await closed
})

test('the platform’s own Request and Response stay in place', async () => {
  await open()
  assert.equal(globalThis.Request, platform.Request)
  assert.equal(globalThis.Response, platform.Response)
})
