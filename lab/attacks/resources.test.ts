import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { type Listener, listen, onEachEngine, openHouse, type TestHouse } from 'counterfoil/house'
import { chunk, exchange, leave, request } from './raw-http.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Bytes that are still held: what the process has from the system says more of its collector than of us. */
function kept(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const sized = (body: string) => ({ 'content-length': String(Buffer.byteLength(body)) })
const signIn = (body: string, headers: Record<string, string> = {}) =>
  request('POST /auth/sign-in', { ...json, ...sized(body), ...headers }, body)
const oauth = (body: string) => request('POST /oauth/token', { ...form, ...sized(body) }, body)
const genuine = JSON.stringify({ email: 'ada@example.org', password: 'wrong', carrier: 'token' })
const gzipped = gzipSync('x'.repeat(10_000_000)).toString('latin1')

function* pieces(first: string, piece: string, count: number): Generator<string> {
  yield first
  for (let index = 0; index < count; index++) yield piece
}

type Attack = {
  what: string
  send: () => Iterable<string | Uint8Array>
  status: number
  atMostBytes?: number
}

const attacks: Attack[] = [
  {
    what: '100 headers of 8 KiB each',
    send: () => pieces('GET / HTTP/1.1\r\nHost: localhost\r\n', `x-bomb: ${'x'.repeat(8192)}\r\n`, 100),
    status: 431,
    atMostBytes: 100_000,
  },
  {
    what: '100,000 small headers',
    send: () => pieces('GET / HTTP/1.1\r\nHost: localhost\r\n', 'a: b\r\n'.repeat(100), 1000),
    status: 431,
  },
  {
    what: '100,000 parameters in the address',
    send: () => [request(`GET /?${'a=1&'.repeat(100_000)}`, {})],
    status: 431,
  },
  { what: '100,000 fields in a form', send: () => [oauth('a=1&'.repeat(100_000))], status: 413 },
  {
    what: '8,000 fields in a form of the allowed size',
    send: () => [oauth('a=1&'.repeat(8000))],
    status: 400,
  },
  {
    what: '2,000 different fields',
    send: () => [oauth(Array.from({ length: 2000 }, (_, at) => `f${at}=`).join('&'))],
    status: 400,
  },
  {
    what: 'JSON arrays 16,000 deep',
    send: () => [signIn(`{"email":${'['.repeat(16_000)}${']'.repeat(16_000)}}`)],
    status: 400,
  },
  {
    what: 'JSON objects 5,000 deep',
    send: () => [signIn(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`)],
    status: 400,
  },
  { what: 'JSON that never closes', send: () => [signIn('{"a":'.repeat(6000))], status: 400 },
  {
    what: 'JSON with 10,000 members',
    send: () => [signIn(`{"email":[${'1,'.repeat(10_000)}1]}`)],
    status: 400,
  },
  {
    what: 'a JSON member that is named twice',
    send: () => [signIn(`{"email":"a@b.example",${genuine.slice(1)}`)],
    status: 400,
  },
  {
    what: 'a form field that is given twice',
    send: () => [oauth('grant_type=refresh_token&refresh_token=a&refresh_token=b')],
    status: 400,
  },
  {
    what: 'a parameter that is an array',
    send: () => [signIn(genuine.replace('"wrong"', '["wrong"]'))],
    status: 400,
  },
  {
    what: 'a number with 30,000 digits',
    send: () => [signIn(`{"email":${'1'.repeat(30_000)}}`)],
    status: 400,
  },
  {
    what: 'a password of 16,000 characters',
    send: () => [signIn(genuine.replace('wrong', 'x'.repeat(16_000)))],
    status: 422,
  },
  {
    what: 'a compressed body that would unpack to 10 MB',
    send: () => [
      request('POST /auth/sign-in', {
        ...json,
        'content-encoding': 'gzip',
        'content-length': String(gzipped.length),
      }),
      Buffer.from(gzipped, 'latin1'),
    ],
    status: 415,
  },
  {
    what: 'a compressed body that does not say so',
    send: () => [
      request('POST /auth/sign-in', { ...json, 'content-length': String(gzipped.length) }),
      Buffer.from(gzipped, 'latin1'),
    ],
    status: 400,
  },
  {
    what: 'a body that says it has 10 GB',
    send: () => [signIn('', { 'content-length': '10000000000' })],
    status: 413,
    atMostBytes: 500,
  },
  {
    what: 'a body of 64 MB in chunks, without a length',
    send: () =>
      pieces(
        request('POST /auth/sign-in', { ...json, 'transfer-encoding': 'chunked' }),
        chunk('x'.repeat(16_384)),
        4000,
      ),
    status: 413,
    atMostBytes: 16_000_000,
  },
  {
    what: 'a form of 64 MB in chunks, without a length',
    send: () =>
      pieces(
        request('POST /oauth/token', { ...form, 'transfer-encoding': 'chunked' }),
        chunk('x'.repeat(16_384)),
        4000,
      ),
    status: 413,
    atMostBytes: 16_000_000,
  },
  {
    what: '100,000 chunks of one byte',
    send: () =>
      pieces(
        request('POST /auth/sign-in', { ...json, 'transfer-encoding': 'chunked' }),
        chunk('x').repeat(1000),
        100,
      ),
    status: 413,
  },
  {
    what: 'a chunk with an extension of 1 MB',
    send: () => [
      request('POST /auth/sign-in', { ...json, 'transfer-encoding': 'chunked' }),
      `1;${'x'.repeat(1_000_000)}\r\nx\r\n0\r\n\r\n`,
    ],
    status: 413,
  },
  {
    what: 'a body of an unknown type',
    send: () => [request('POST /auth/sign-in', { 'content-type': 'text/plain', ...sized(genuine) }, genuine)],
    status: 415,
  },
  {
    what: 'a form where JSON is wanted',
    send: () => [request('POST /auth/sign-in', { ...form, ...sized(genuine) }, genuine)],
    status: 415,
  },
]

onEachEngine('greedy requests over a real socket', (open) => {
  let house: TestHouse
  let server: Listener
  before(async () => {
    house = await openHouse(open)
    server = await listen({ fetch: house.house.fetch, host: '127.0.0.1', port: 0 })
  })
  after(() => server.close())

  for (const { what, send, status, atMostBytes } of attacks) {
    test(`A-118 ${what} is answered ${status}`, async () => {
      const statements = house.statements.length
      const { status: answered, answer, sentBytes, milliseconds } = await exchange(server.port, send())
      assert.equal(answered, status, answer.slice(0, 300))
      // Sooner than a limit of time would end it, which is 20 s.
      assert.ok(milliseconds < 15_000, `${milliseconds} ms`)
      if (atMostBytes !== undefined) assert.ok(sentBytes < atMostBytes, `${sentBytes} bytes were taken`)
      assert.equal(house.statements.length, statements, 'the store was asked')
    })
  }

  test('A-118 whoever leaves in the middle of a body is no error of ours in the log', async () => {
    const before = house.machine.errorLines.length
    for (const path of ['/auth/sign-in', '/oauth/token']) {
      const headers = { ...(path === '/oauth/token' ? form : json), 'content-length': '1000' }
      for (let count = 0; count < 10; count++)
        await leave(server.port, request(`POST ${path}`, headers, '{"email":'))
    }
    assert.equal((await exchange(server.port, [request('GET /healthz', {})])).status, 200)
    assert.deepEqual(house.machine.errorLines.slice(before), [])
  })

  test('A-118 a flood of greedy requests leaves no memory behind and others are still answered', async () => {
    const flood = () =>
      Promise.all(
        attacks.flatMap(({ send }) => [exchange(server.port, send()), exchange(server.port, send())]),
      )
    await flood()
    const before = kept()
    for (let round = 0; round < 4; round++) await flood()
    const grown = kept() - before
    assert.ok(grown < 50_000_000, `${Math.round(grown / 1e6)} MB more`)
    const { status } = await exchange(server.port, [request('GET /healthz', {})])
    assert.equal(status, 200)
    assert.deepEqual(
      house.machine.logLines.filter((line) => line.includes('"error"')),
      [],
    )
  })
})
