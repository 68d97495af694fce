import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { type Listener, listen } from 'counterfoil/house'
import { type Exchange, exchange, linger, request } from './raw-http.ts'

/** What a slow client may hold: headers 10 s, the whole request 20 s, an idle connection 5 s; checked each second. */
const headerSeconds = 10
const requestSeconds = 20
/** How late this machine may be, beside other tests; without limits of ours it is 60 s and more. */
const slack = 15

const body = { 'content-type': 'application/json' }
const clients: { what: string; first: string; drip: string; within: number; statuses: number[] }[] = [
  { what: 'says nothing at all', first: '', drip: '', within: headerSeconds, statuses: [0, 408] },
  {
    what: 'sends half a line and stops',
    first: 'GET / HT',
    drip: '',
    within: headerSeconds,
    statuses: [408],
  },
  {
    what: 'drips one header byte a second',
    first: 'GET / HTTP/1.1\r\nHost: localhost\r\nx-slow: ',
    drip: 'x',
    within: headerSeconds,
    statuses: [408],
  },
  {
    what: 'drips one whole header a second',
    first: 'GET / HTTP/1.1\r\nHost: localhost\r\n',
    drip: 'a: b\r\n',
    within: headerSeconds,
    statuses: [408],
  },
  {
    what: 'promises a body and stops',
    first: request('POST /echo', { ...body, 'content-length': '1000' }),
    drip: '',
    within: requestSeconds,
    statuses: [408, 0],
  },
  {
    what: 'drips one body byte a second',
    first: request('POST /echo', { ...body, 'content-length': '1000' }),
    drip: 'x',
    within: requestSeconds,
    statuses: [408, 0],
  },
  {
    what: 'drips one chunk a second',
    first: request('POST /echo', { ...body, 'transfer-encoding': 'chunked' }),
    drip: '1\r\nx\r\n',
    within: requestSeconds,
    statuses: [408, 0],
  },
  {
    what: 'keeps an answered connection idle',
    first: 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    drip: '',
    within: 6,
    statuses: [200],
  },
]

describe('slow clients over real sockets', { concurrency: true }, () => {
  let server: Listener
  let slow: Promise<Exchange>[]
  let crowd: Promise<Exchange>[]
  let isAnyLetGo = false
  before(async () => {
    const fetch = async (given: Request) =>
      new Response(given.method === 'POST' ? await given.text() : 'here')
    server = await listen({ fetch, host: '127.0.0.1', port: 0 })
    slow = clients.map(({ first, drip }) => linger(server.port, { first, drip, everyMilliseconds: 1000 }))
    crowd = Array.from({ length: 400 }, () =>
      linger(server.port, { first: '', drip: '', everyMilliseconds: 60_000 }),
    )
    void Promise.race(crowd).then(() => {
      isAnyLetGo = true
    })
  })

  for (const [index, { what, within, statuses }] of clients.entries()) {
    test(`A-119 a client that ${what} is let go`, async () => {
      const { milliseconds, status, answer } = (await slow[index]) ?? assert.fail()
      assert.ok(milliseconds < (within + slack) * 1000, `held for ${Math.round(milliseconds)} ms`)
      assert.ok(statuses.includes(status), `${status}: ${answer.slice(0, 100)}`)
    })
  }

  test('A-119 four hundred idle sockets keep nobody else from being answered, and are all let go', async () => {
    for (let count = 0; count < 20; count++) {
      const { status } = await exchange(server.port, [request('GET /', {})])
      assert.equal(status, 200)
    }
    assert.equal(isAnyLetGo, false, 'all four hundred are there while they are answered')
    for (const one of await Promise.all(crowd)) assert.ok(one.milliseconds < (headerSeconds + slack) * 1000)
  })

  test('A-119 after the slow ones the server closes at once: it holds nothing of theirs', async () => {
    await Promise.all([...slow, ...crowd])
    const startedAt = performance.now()
    await server.close()
    assert.ok(performance.now() - startedAt < 10_000)
  })
})
