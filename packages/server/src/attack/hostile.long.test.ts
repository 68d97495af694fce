import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { systemEntropy } from '../node/entropy.ts'
import { systemSigning } from '../node/signing.ts'
import { attackTarget } from '../testing/attack.ts'
import { fuzz } from '../testing/fuzz.ts'
import { account, description, holedApp } from '../testing/holed-app.ts'
import { handClock } from '../testing/machine.ts'
import { parseDescription } from './description.ts'
import { type Answer, attack, checks, type Sent, type Wire } from './index.ts'
import { keepCookies, parseReceived } from './received-cookies.ts'
import { startRedaction } from './redaction.ts'
import { addressOf, parseTarget } from './target.ts'
import { openWire } from './wire.ts'

const json = (text: string) =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
const page = '<!doctype html><title>shop</title><div id="app">ada@app.example</div>'

/** Writes for as long as the other side takes it. */
function endlessly(socket: Socket, head: string, text: string): void {
  const write = () => {
    while (!socket.destroyed && socket.write(text));
  }
  socket.write(head)
  socket.on('drain', write)
  write()
}

type Hostile = { what: string; answer: (socket: Socket, asked: string) => void }

const hostiles: readonly Hostile[] = [
  {
    what: 'answers everything with 401',
    answer: (socket) => socket.end('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n'),
  },
  {
    what: 'answers everything with 200 and nothing',
    answer: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  },
  { what: 'answers every path with the page of an application', answer: (socket) => socket.end(json(page)) },
  {
    what: 'answers every path with the same page and a new cookie',
    answer: (socket) => socket.end(json(page).replace('\r\n', '\r\nSet-Cookie: sid=a8f7c6d5e4; Path=/\r\n')),
  },
  {
    what: 'hands everybody the same tokens',
    answer: (socket) => socket.end(json('{"access_token":"a.b.c","email":"ada@app.example"}')),
  },
  { what: 'repeats what it is sent', answer: (socket, asked) => socket.end(json(asked)) },
  {
    what: 'redirects for ever',
    answer: (socket) => socket.end('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n'),
  },
  { what: 'never answers', answer: () => {} },
  { what: 'hangs up', answer: (socket) => socket.destroy() },
  { what: 'speaks no HTTP', answer: (socket) => socket.end('\u0000\u0001\u0002'.repeat(1000)) },
  {
    what: 'says something else than it said it would',
    answer: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{'),
  },
  {
    what: 'sends a body without end',
    answer: (socket) => endlessly(socket, 'HTTP/1.1 200 OK\r\n\r\n', '{"a":'.repeat(2000)),
  },
  {
    what: 'sends headers without end',
    answer: (socket) => endlessly(socket, 'HTTP/1.1 200 OK\r\n', 'X-A: aaaa\r\n'.repeat(1000)),
  },
  {
    what: 'tells to go on without end',
    answer: (socket) => endlessly(socket, '', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(500)),
  },
  {
    what: 'upgrades whatever it is asked',
    answer: (socket) => socket.write('HTTP/1.1 101 Up\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
  },
]

async function listening(t: TestContext, answer: Hostile['answer']): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', (bytes) => answer(socket, bytes.toString('latin1')))
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const bound = server.address()
  return `http://shop.localhost:${typeof bound === 'object' ? bound?.port : 0}`
}

for (const { what, answer } of hostiles) {
  test(`a target that ${what} ends the run within its bound, with one sentence`, async (t) => {
    const target = await listening(t, answer)
    for (const described of [
      null,
      { ...description, token: { ...description.token, access: 'access_token' } },
    ]) {
      await assert.rejects(attackTarget(target, described, { seconds: 1 }), (error: Error) => {
        assert.match(error.message, /^[ -~]{10,400}$/)
        assert.doesNotMatch(error.message, /a long walk/)
        return true
      })
    }
  })
}

test('a target is not out of reach where this machine stands still for a second while it connects', async (t) => {
  const target = parseTarget(await listening(t, (socket) => socket.end(json('{}'))))
  const wire = openWire(target, await addressOf(target), 10_000)
  const answer = wire({ method: 'GET', path: '/', headers: [] })
  // Nothing of ours runs meanwhile, and the timers come first afterwards.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
  assert.equal((await answer).status, 200)
})

test('no host but this machine is attacked without the consent of its owner, whatever the caller says', async () => {
  const tools = { clock: handClock(), entropy: systemEntropy, signing: systemSigning }
  const asked: string[] = []
  const agreeing: [string, Answer][] = [
    ['a page', { status: 200, headers: [], body: page }],
    ['not yet', { status: 200, headers: [], body: '{"consent":false}' }],
    ['a word', { status: 200, headers: [], body: '{"consent":"true"}' }],
    ['an error that says so', { status: 404, headers: [], body: '{"consent":true}' }],
    [
      'another host',
      { status: 302, headers: [['Location', 'https://other.example/']], body: '{"consent":true}' },
    ],
  ]
  for (const [about, answer] of agreeing) {
    const wire: Wire = async ({ path }) => {
      asked.push(path)
      return answer
    }
    const run = attack({
      target: 'https://app.example',
      described: { ...description, consent: true },
      tools,
      wire,
    })
    await assert.rejects(run, /does not consent/, about)
  }
  assert.deepEqual([...new Set(asked)], ['/.well-known/counterfoil-attack.json'], 'nothing else was sent')
})

const addresses: [string, RegExp][] = [
  ['', /Give the address/],
  ['shop.example', /Give the address/],
  ['ftp://shop.example', /Give the address/],
  ['https://ada:secret@shop.example', /name and password out/],
  ['https://shop.example/path', /origin alone/],
  ['http://nobody.invalid', /no address for nobody\.invalid/],
]
for (const [address, says] of addresses) {
  test(`the address "${address}" is refused before anything is sent`, async () => {
    await assert.rejects(attackTarget(address), says)
  })
}

test('a run past its bound of requests skips the rest and says so', async () => {
  const clock = handClock()
  const tools = { clock, entropy: systemEntropy, signing: systemSigning }
  const wire = holedApp({ open: new Set(), now: clock.now, fetchKeys: async () => '' })
  let sent = 0
  const counting: Wire = (request) => {
    sent += 1
    return wire(request)
  }
  const bounds = { requests: 60 }
  const report = await attack({
    target: 'https://app.example',
    described: null,
    tools,
    wire: counting,
    bounds,
  })
  assert.equal(sent, 60)
  assert.deepEqual([report.bounds.requests, report.bounds.exhausted], [60, true])
  assert.match(report.checks.at(-1)?.evidence ?? '', /bound of 60 requests/)
})

/** What shows who sent it: token, proof, cookie. */
const shownBy = ({ headers }: Sent): string[] =>
  headers
    .filter(([name]) => /^(?:authorization|dpop|cookie)$/i.test(name))
    .map(([, value]) => value.replace(/^(?:Bearer|DPoP) |^[^=. ]+=/, ''))
    .filter((secret) => secret.length > 20)

test('a target that breaks at random is judged or skipped, and no secret of it is reported', async (t) => {
  const names = fc.constantFrom('Set-Cookie', 'Location', 'Cache-Control', 'DPoP-Nonce', 'X')
  const repeated = fc.constantFrom('{sent}', '/{sent}', 'https://{sent}.example/')
  const odd = fc.record({
    status: fc.constantFrom(0, 100, 200, 204, 301, 303, 400, 401, 403, 500, 999),
    headers: fc.array(fc.tuple(names, fc.oneof(fc.string(), repeated)), { maxLength: 4 }),
    body: fc.oneof(
      fc.string(),
      fc.json(),
      fc.constant(`at f (/srv/app.js:1:1) ${account.password}`),
      fc.constant('{"tokens":{"access":"{sent}","refresh":"{sent}"},"email":"ada@app.example"}'),
      fc.constant('at f (/srv/{sent}:1:1)'),
    ),
  })
  const inputs = fc.record({
    odds: fc.array(odd, { minLength: 1, maxLength: 20 }),
    every: fc.integer({ min: 1, max: 60 }),
    isBoundAlways: fc.boolean(),
  })
  await fuzz(t, { inputs, runs: 40 }, async ({ odds, every, isBoundAlways }) => {
    const clock = handClock()
    const tools = { clock, entropy: systemEntropy, signing: systemSigning }
    const sound = holedApp({
      open: new Set(['token-kind-access', 'error-leak', 'proof-private-key']),
      now: clock.now,
      fetchKeys: async () => '',
      isBoundAlways,
    })
    const secrets = new Set([account.password])
    let count = 0
    const wire: Wire = async (sent) => {
      count += 1
      const at = odds[count % odds.length]
      const shown = shownBy(sent)
      for (const secret of shown) secrets.add(secret)
      if (count > 8 && count % every === 0 && at !== undefined) {
        const repeating = (text: string) =>
          text.replaceAll('{sent}', shown[count % shown.length] ?? 'nothing')
        const headers = at.headers.map(([name, value]) => [name, repeating(value)] as const)
        return { ...at, headers, body: repeating(at.body) }
      }
      const answer = await sound(sent)
      for (const [name, value] of answer.headers) {
        if (name === 'Set-Cookie') secrets.add(/=([^;]{20,})/.exec(value)?.[1] ?? account.password)
        if (name === 'DPoP-Nonce') secrets.add(value)
      }
      return answer
    }
    const run = attack({ target: 'https://app.example', described: null, tools, wire })
    const report = await run.catch((error: Error) => {
      assert.equal(error.constructor, Error, String(error.stack))
      return null
    })
    if (report === null) return
    assert.equal(report.checks.length, checks.length)
    const text = JSON.stringify(report)
    for (const secret of secrets) assert.equal(text.includes(secret), false)
  })
})

test('a target that shows in its errors what proofs are made with has it reported without', async () => {
  const clock = handClock()
  const tools = { clock, entropy: systemEntropy, signing: systemSigning }
  const app = holedApp({ open: new Set(), now: clock.now, fetchKeys: async () => '', isBoundAlways: true })
  const secrets = new Set<string>()
  let last = ''
  const wire: Wire = async (sent) => {
    for (const secret of shownBy(sent)) secrets.add(secret)
    const answer = await app(sent)
    last = answer.headers.find(([name]) => name === 'DPoP-Nonce')?.[1] ?? last
    secrets.add(last || account.password)
    return sent.body === 'null' ? { ...answer, body: `at f (/srv/${last}/app.js:1:1)` } : answer
  }
  const report = await attack({ target: 'https://app.example', described: null, tools, wire })
  const leak = report.checks.find(({ id }) => id === 'error-leak')
  assert.deepEqual([leak?.verdict, leak?.evidence.includes('/srv/[redacted]/app.js')], ['accepted', true])
  assert.ok([...secrets].some((secret) => secret.startsWith('eyJ')))
  const text = JSON.stringify(report)
  for (const secret of secrets) assert.equal(text.includes(secret), false)
})

test('what no target should set is read without a fault, and quickly', async (t) => {
  await fuzz(t, { inputs: fc.string({ unit: 'binary', maxLength: 300 }), runs: 3_000 }, (line) => {
    const cookie = parseReceived(line)
    if (cookie === null) return
    assert.notEqual(cookie.name, '')
    const jar = new Map<string, string>()
    keepCookies(jar, [cookie])
    assert.ok(jar.size <= 1)
  })
  const started = parseReceived(`a=${' '.repeat(60_000)}b${'; '.repeat(30_000)}`)
  assert.equal(started?.name, 'a')
})

test('a description of any shape is understood or refused with one plain sentence, without what it holds', async (t) => {
  const members = fc.constantFrom(
    'consent',
    'account',
    'cookie',
    'token',
    'who',
    'act',
    'effect',
    'csrf',
    'socket',
    '__proto__',
    'other',
  )
  const routes = fc.oneof(
    fc.string(),
    fc.constantFrom('GET /me', '//evil', '/ok', 'POST /x {"a":"{name}"}', 'POST /x {', '/\\evil'),
  )
  const value = fc.oneof(
    routes,
    fc.jsonValue({ maxDepth: 4 }),
    fc.record({ path: routes, sign_in: routes, name: routes }, { requiredKeys: [] }),
  )
  const inputs = fc.oneof(fc.dictionary(members, value), fc.jsonValue())
  await fuzz(t, { inputs, runs: 2_000 }, (given) => {
    try {
      const { who } = parseDescription(given)
      if (who !== null) assert.match(who.path, /^\/(?![/\\])/)
    } catch (error) {
      assert.ok(error instanceof Error && error.constructor === Error, String(error))
      assert.match(error.message, /^[ -~]{10,300}$/)
    }
  })
  let deep: unknown = 'x'
  for (let level = 0; level < 5_000; level += 1) deep = { deep }
  assert.throws(
    () => parseDescription({ act: { method: 'POST', path: '/x', json: deep } }),
    /not understood at act/,
  )
  assert.throws(
    () => parseDescription({ account: { name: 'ada', password: 7, secret: 'hunter2' } }),
    /^Error: The description is not understood at account/,
  )
})

test('what is shown holds no secret, however it is spelled, and nothing that a terminal obeys', async (t) => {
  const secrets = fc.string({ minLength: 6, maxLength: 40, unit: 'grapheme' })
  await fuzz(
    t,
    { inputs: fc.tuple(secrets, fc.string({ unit: 'binary' }), fc.string()), runs: 2_000 },
    ([secret, before, after]) => {
      const { hide, clean } = startRedaction('short')
      hide(secret)
      const shown = clean(`${before}${secret} ${encodeURIComponent(secret)}${after} short`)
      if (!'[redacted]'.includes(secret)) assert.equal(shown.includes(secret), false)
      assert.doesNotMatch(shown, /short|[\u0000-\u001f\u007f-\u009f\u202e]/)
    },
  )
})
