import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FeedKind, feedKey } from './feed.ts'
import { type Connection, type HandHub, handHub, issuer } from './testing/hub.ts'
import { startVerifier, type Verifier } from './verifier.ts'

const client = { id: 'api', secret: 'secret' }
const options = { issuer, audience: issuer, origin: issuer, client }

function last(hub: HandHub): Connection {
  const connection = hub.connections.at(-1)
  assert.ok(connection)
  return connection
}

/** A verifier that has heard one heartbeat. */
async function connected(
  hub: HandHub = handHub(),
): Promise<{ hub: HandHub; verifier: Verifier; first: Connection }> {
  const starting = startVerifier(options, hub.machine)
  await hub.machine.pass(0)
  const first = last(hub)
  hub.hello(first)
  hub.heartbeat(first)
  await hub.machine.pass(0)
  return { hub, first, verifier: await starting }
}

async function beats(hub: HandHub, connection: () => Connection, seconds: number): Promise<void> {
  for (let count = 0; count < seconds; count++) {
    await hub.machine.pass(1000)
    hub.heartbeat(connection())
  }
  await hub.machine.pass(0)
}

test('a verifier says who it is, takes a snapshot and tells how far it has come', async () => {
  const { hub, verifier, first } = await connected()
  assert.equal(first.maxStale, 20)
  assert.equal(first.lastEventId, null)
  assert.match(first.verifier, /^[\w-]{22}$/)
  assert.notEqual(first.verifier, first.nonce)
  assert.deepEqual(verifier.status(), { epoch: 1, applied: 5, age: 0, connected: true, entries: 0 })
  assert.equal(hub.count('snapshot'), 1)
  const ack = hub.machine.requests.find(({ address }) => address === `${issuer}/ack`)
  assert.deepEqual(JSON.parse(String(ack?.init.body)), { verifier: first.verifier, position: 5 })
})

test('our credential goes to the feed, form-encoded, and not to what everybody may read; no redirect is followed', async () => {
  const hub = handHub()
  void startVerifier({ ...options, client: { id: 'a:b', secret: 's é+' } }, hub.machine)
  await hub.machine.pass(0)
  for (const { address, init } of hub.machine.requests) {
    const isPublic = /keys|well-known/.test(address)
    const sent = new Headers(init.headers).get('authorization')
    assert.equal(sent, isPublic ? null : `Basic ${btoa('a%3Ab:s+%C3%A9%2B')}`, address)
    assert.equal(init.redirect, 'manual')
  }
  assert.ok(hub.machine.requests.length >= 4)
})

test('a stream that falls silent for 3 s is replaced, and the last id whose position is applied is shown', async () => {
  const { hub, verifier, first } = await connected()
  await beats(hub, () => first, 3)
  // Position 7 is told, 6 is not: an id for 7 would claim both.
  const entries = [{ position: 7, kind: 'session', key: feedKey('session', 'x'), age: 0 }] as const
  first.send({ kind: 'revoked', epoch: 1, entries, wantsAck: false }, '1.7')
  await hub.machine.pass(2000)
  assert.equal(hub.connections.length, 1)
  await hub.machine.pass(2500)
  assert.equal(first.isOpen(), false)
  assert.ok(hub.connections.length >= 2)
  assert.equal(last(hub).lastEventId, '1.5')
  assert.notEqual(last(hub).nonce, first.nonce)
  assert.equal(last(hub).verifier, first.verifier)
  assert.equal(verifier.status().connected, false)
  // Known at once, all the same.
  assert.equal(hub.machine.lines.filter(({ level }) => level === 'warn').length, 1)
})

test('an id is shown once what was missing before it came from the log', async () => {
  const { hub, first } = await connected()
  const entry = (position: number) => [position, 'session', feedKey('session', `${position}`), 0]
  hub.answers.log = { epoch: 1, entries: [entry(6)] }
  const entries = [{ position: 7, kind: 'session', key: feedKey('session', '7'), age: 0 }] as const
  first.send({ kind: 'revoked', epoch: 1, entries, wantsAck: true }, '1.7')
  await hub.machine.pass(0)
  const asked = hub.machine.requests.find(({ address }) => address.startsWith(`${issuer}/log`))
  assert.equal(asked?.address, `${issuer}/log?from=6&to=6`)
  assert.equal(hub.count('ack'), 2)
  first.end()
  await hub.machine.pass(200)
  assert.equal(last(hub).lastEventId, '1.7')
})

test('a key that ends, and the word that keys are others, fetch the keys at once; no other end does, and none twice', async () => {
  const quiet = handHub()
  const known = [[5, 'key', feedKey('key', 'old'), 900]]
  quiet.answers.snapshot = { epoch: 1, position: 5, window: 3900, entries: known }
  const { hub, first } = await connected(quiet)
  await beats(hub, () => first, 2)
  const before = hub.count('keys')
  // What the first snapshot told of keys was older than the first fetch.
  assert.equal(before, 1)
  let position = 5
  const tell = async (kind: FeedKind, id: string) => {
    const entries = [{ position: ++position, kind, key: feedKey(kind, id), age: 0 }]
    for (const _ of [1, 2]) first.send({ kind: 'revoked', epoch: 1, entries, wantsAck: false })
    await hub.machine.pass(0)
  }
  for (const kind of ['session', 'account', 'everyone', 'changed'] as const) await tell(kind, 'acc_1')
  assert.equal(hub.count('keys'), before)
  await tell('key', 'kid')
  assert.equal(hub.count('keys'), before + 1)
  await hub.machine.pass(2000)
  hub.heartbeat(first, position)
  assert.equal(hub.count('keys'), before + 2)
  await tell('changed', '')
  assert.equal(hub.count('keys'), before + 3)
})

test('a log that is forgotten is replaced by a snapshot', async () => {
  const { hub, verifier, first } = await connected()
  hub.answers.log = 410
  hub.answers.snapshot = { epoch: 1, position: 9, window: 3900, entries: [] }
  hub.heartbeat(first, 9)
  await hub.machine.pass(0)
  assert.equal(hub.count('snapshot'), 2)
  assert.equal(verifier.status().applied, 9)
})

test('after ten minutes another connection takes over, and the old one is held until its heartbeat counted', async () => {
  const { hub, verifier, first } = await connected()
  await beats(hub, () => first, 530)
  assert.equal(hub.connections.length, 1)
  await beats(hub, () => first, 40)
  assert.equal(hub.connections.length, 2)
  const second = last(hub)
  hub.hello(second)
  await hub.machine.pass(0)
  assert.ok(first.isOpen() && second.isOpen())
  hub.heartbeat(second)
  await hub.machine.pass(0)
  assert.ok(!first.isOpen() && second.isOpen())
  assert.equal(verifier.status().connected, true)
  await beats(hub, () => second, 60)
  assert.equal(hub.connections.length, 2)
})

test('a second connection that comes to nothing leaves the first one alone', async () => {
  const { hub, verifier, first } = await connected()
  await beats(hub, () => first, 535)
  hub.answers.stream = 503
  await beats(hub, () => first, 100)
  assert.ok(first.isOpen())
  assert.ok(hub.count('stream') >= 3 && hub.count('stream') <= 10, `${hub.count('stream')} attempts`)
  assert.equal(verifier.status().connected, true)
  // What it measures from lies ten minutes back, and a clock may have been slow all the while.
  assert.ok((verifier.status().age ?? 1000) < 200)
})

test('attempts grow rarer, and none is more than 1.5 s after the one before', async () => {
  const { hub, first } = await connected()
  hub.answers.stream = () => null
  first.end()
  await hub.machine.pass(60_000)
  const attempts = hub.count('stream') - 1
  // Each one is tried twice, since a connection may just have been closed.
  assert.ok(attempts >= 40 && attempts <= 100, `${attempts} attempts in a minute`)
  hub.answers.stream = 200
  await hub.machine.pass(1500)
  assert.equal(last(hub).isOpen(), true)
})

test('a hub that answers with the word of another request is not believed', async () => {
  const { hub, verifier, first } = await connected()
  first.end()
  await hub.machine.pass(200)
  const second = last(hub)
  second.send({ kind: 'hello', hub: 'hub', at: 1, nonce: first.nonce, epoch: 1, head: 5 })
  hub.heartbeat(second)
  await hub.machine.pass(0)
  assert.equal(second.isOpen(), false)
  assert.equal(verifier.status().connected, false)
})

for (const [what, epoch, head] of [
  ['an older position', 1, 4],
  ['an older life of the database', 0, 5],
] as const) {
  test(`a hub that serves ${what} than we know is left, and it is said aloud`, async () => {
    const { hub, verifier, first } = await connected()
    hub.heartbeat(first, head, epoch)
    await hub.machine.pass(0)
    assert.equal(first.isOpen(), false)
    assert.match(
      hub.machine.lines.map(({ message }) => message).join(),
      /cannot be believed \((head|epoch)_lower\)/,
    )
    hub.answers.snapshot = { epoch, position: head, window: 3900, entries: [] }
    await hub.machine.pass(200)
    hub.hello(last(hub), head, epoch)
    await hub.machine.pass(5000)
    const { connected: isConnected, applied, epoch: life } = verifier.status()
    assert.deepEqual([isConnected, applied, life], [false, 5, 1])
  })
}

for (const [what, text] of [
  ['no JSON', 'event: heartbeat\ndata: hello\n\n'],
  ['a page', '<html>\n\ndata: <p>\n\n'],
] as const) {
  test(`a stream that says ${what} is ended and tried again`, async () => {
    const { hub, first } = await connected()
    first.sendText(text)
    await hub.machine.pass(300)
    assert.equal(first.isOpen(), false)
    assert.equal(hub.connections.length, 2)
  })
}

test('what a newer hub says by a name that is not known is passed over', async () => {
  const { hub, first } = await connected()
  first.sendText('event: other\ndata: {"epoch":1}\n\n')
  await beats(hub, () => first, 2)
  assert.equal(first.isOpen(), true)
  assert.equal(hub.connections.length, 1)
})

test('where heartbeats come and the age stays high all the same, another connection measures anew', async () => {
  const { hub, verifier, first } = await connected()
  await beats(hub, () => first, 2)
  // A step of the clock on the wall that no hub knows of: for all that can be told, the machine has slept.
  hub.machine.setWall(10_000)
  const behind = () => {
    const { mono, wall } = hub.machine.now()
    first.send({ kind: 'heartbeat', hub: 'hub', epoch: 1, head: 5, a: mono, wall: wall - 10_000 })
  }
  for (let count = 0; count < 2; count++) {
    await hub.machine.pass(1000)
    behind()
  }
  await hub.machine.pass(300)
  assert.ok((verifier.status().age ?? 0) > 9_000)
  assert.equal(hub.connections.length, 2)
  const second = last(hub)
  hub.hello(second)
  hub.heartbeat(second)
  await hub.machine.pass(0)
  // It answered two seconds after it was asked, and that is all that it can vouch for.
  assert.ok((verifier.status().age ?? 10_000) < 3_000)
  assert.equal(first.isOpen(), false)
})

test('a clock that ran ahead and was set right makes it forget and begin anew', async () => {
  const { hub, verifier, first } = await connected()
  await beats(hub, () => first, 2)
  hub.machine.setWall(3_600_000)
  await beats(hub, () => first, 3)
  hub.machine.setWall(-3_600_000)
  hub.answers.snapshot = { epoch: 1, position: 6, window: 3900, entries: [] }
  hub.heartbeat(first, 5)
  await hub.machine.pass(0)
  assert.equal(first.isOpen(), false)
  const second = last(hub)
  assert.equal(second.lastEventId, null)
  hub.hello(second, 6)
  hub.heartbeat(second, 6)
  await hub.machine.pass(0)
  hub.heartbeat(second, 6)
  await hub.machine.pass(0)
  assert.deepEqual(verifier.status(), { epoch: 1, applied: 6, age: 0, connected: true, entries: 0 })
})

test('clocks that are too far apart are complained about once, and nothing is fresh meanwhile', async () => {
  const { hub, verifier, first } = await connected()
  const say = (ahead: number) => {
    const { mono, wall } = hub.machine.now()
    first.send({ kind: 'heartbeat', hub: 'hub', epoch: 1, head: 5, a: mono, wall: wall + ahead })
  }
  for (let count = 0; count < 3; count++) {
    say(31_000)
    await hub.machine.pass(1000)
  }
  assert.equal(verifier.status().age, null)
  say(29_000)
  await hub.machine.pass(0)
  assert.ok((verifier.status().age ?? 1000) < 2)
  const lines = hub.machine.lines.filter(({ message }) => /clocks/.test(message))
  assert.deepEqual(
    lines.map(({ level }) => level),
    ['error', 'info'],
  )
})

test('metadata of another issuer are refused aloud, once, and asked for again', async () => {
  const hub = handHub()
  const good = hub.answers['oauth-authorization-server'] ?? {}
  hub.answers['oauth-authorization-server'] = { ...Object(good), issuer: 'https://evil.example' }
  const starting = startVerifier(options, hub.machine)
  await hub.machine.pass(10_000)
  const verifier = await starting
  assert.equal(hub.count('stream'), 0)
  const errors = hub.machine.lines.filter(({ level }) => level === 'error')
  assert.equal(errors.length, 1)
  assert.match(errors[0]?.message ?? '', /another issuer/)
  hub.answers['oauth-authorization-server'] = good
  await hub.machine.pass(1500)
  hub.hello(last(hub))
  hub.heartbeat(last(hub))
  await hub.machine.pass(0)
  assert.equal(verifier.status().connected, true)
})

test('a verifier that was closed ends its connection, and tries nothing more', async () => {
  const { hub, verifier, first } = await connected()
  void verifier.close()
  await hub.machine.pass(100_000)
  assert.equal(first.isOpen(), false)
  assert.equal(hub.connections.length, 1)
  assert.equal(verifier.status().connected, false)
})
