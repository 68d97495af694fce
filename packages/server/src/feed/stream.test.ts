import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedKey } from '@counterfoil/verifier'
import { onEachEngine } from '../testing/engines.ts'
import { feedClient, type Heard } from '../testing/feed-client.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'

async function setUp(open: Parameters<Parameters<typeof onEachEngine>[1]>[0]) {
  const at = await openHouse(open)
  await at.member()
  const client = await feedClient(at)
  const end = async () => {
    const { session } = await at.tokens('ada@example.org')
    await at.house.sessions.endAny(session.id, 'test')
    return feedKey('session', session.id)
  }
  /** A second passes, and the hub writes and tells what that proves. */
  const beat = async () => {
    at.machine.clock.advance(1)
    await at.house.chores.tick()
  }
  return { at, client, end, beat }
}

const kindsOf = (heard: readonly Heard[]) => heard.map(({ message }) => message.kind)
const keysOf = (heard: readonly Heard[]) =>
  heard.flatMap(({ message }) => (message.kind === 'revoked' ? message.entries : [])).map(({ key }) => key)
const verifiers = ({ db }: TestHouse) =>
  db.selectFrom('feed_verifier').selectAll().where('max_stale', '>', 0).orderBy('id').execute()

onEachEngine('the stream of the feed', (open) => {
  test('who listens is written down first, and greeted first, with its own nonce', async () => {
    const { at, client } = await setUp(open)
    const now = at.machine.clock.now()
    const listener = await client.listen({ maxStale: 7 })
    const [row, ...others] = await verifiers(at)
    assert.deepEqual(others, [])
    const { lapses_at = 0, ...written } = row ?? {}
    assert.deepEqual(written, { id: listener.verifier, name: client.id, max_stale: 7, applied: 0 })
    assert.ok(lapses_at > now + 7)
    const [hello, ...rest] = await listener.heard()
    assert.deepEqual(rest, [])
    const { epoch, position: head } = at.house.feed.hub.reached()
    assert.ok(hello?.message.kind === 'hello')
    const { hub, ...said } = hello.message
    assert.match(hub, /^[\w-]{22}$/)
    assert.deepEqual(said, { kind: 'hello', nonce: listener.nonce, at: now * 1000, epoch, head })
    assert.equal(hello?.id, null)
  })

  test('each write brings a heartbeat, and each end comes at once, under an id that tells nothing', async () => {
    const { at, client, end, beat } = await setUp(open)
    const listener = await client.listen()
    await listener.heard()
    await beat()
    const key = await end()
    const [heartbeat, revoked] = await listener.heard()
    const { epoch } = at.house.feed.hub.reached()
    const wall = at.machine.clock.now() * 1000
    assert.ok(heartbeat?.message.kind === 'heartbeat')
    const { hub, ...beaten } = heartbeat.message
    assert.deepEqual(beaten, { kind: 'heartbeat', epoch, head: 0, a: wall, wall })
    assert.match(hub, /^[\w-]{22}$/)
    assert.deepEqual(revoked?.message, {
      ...{ kind: 'revoked', epoch, wantsAck: false },
      entries: [{ position: 1, kind: 'session', key, age: 0 }],
    })
    assert.notEqual(heartbeat?.id, revoked?.id)
    assert.ok(!atob((revoked?.id ?? '').replaceAll('-', '+').replaceAll('_', '/')).includes(key))
  })

  test('who comes back with the last id gets exactly what was missed, wherever it stopped', async () => {
    const { client, end, beat } = await setUp(open)
    const listener = await client.listen()
    const keys: string[] = []
    const ids: string[] = []
    await beat()
    for (let count = 0; count < 4; count++) {
      ids.push((await listener.heard()).at(-1)?.id ?? '')
      keys.push(await end())
    }
    await listener.leave()
    for (const [missed, lastEventId] of ids.entries()) {
      const again = await client.listen({ lastEventId })
      const heard = await again.heard()
      assert.deepEqual(kindsOf(heard), ['hello', 'revoked'])
      assert.deepEqual(keysOf(heard), keys.slice(missed))
      // Somebody may be waiting for one of these.
      assert.ok(heard[1]?.message.kind === 'revoked' && heard[1].message.wantsAck)
    }
  })

  test('nobody who knows all is told anything again, and who brings no id takes a snapshot', async () => {
    const { client, end } = await setUp(open)
    const first = await client.listen()
    await end()
    const lastEventId = (await first.heard()).at(-1)?.id ?? ''
    for (const given of [{ lastEventId }, {}]) {
      const again = await client.listen(given)
      assert.deepEqual(kindsOf(await again.heard()), ['hello'])
    }
  })

  test('an id that we never told is passed over: nobody can have everyone signed out by making one up', async () => {
    const { at, client, end, beat } = await setUp(open)
    const told = await client.listen()
    await end()
    const real = (await told.heard()).at(-1)?.id ?? ''
    const before = at.house.feed.hub.reached()
    const far = Buffer.alloc(16)
    far.writeBigUInt64BE(2n ** 40n, 0)
    far.writeBigUInt64BE(2n ** 40n, 8)
    const forged = [
      `${before.epoch}.999999`,
      '999999',
      '',
      far.toString('base64url'),
      at.machine.secrets.seal('cookie', far),
      at.machine.secrets.seal('feed_position', far.subarray(0, 15)),
      `${far.toString('base64url')}${real.slice(22)}`,
      `${real.slice(0, -1)}${real.endsWith('A') ? 'B' : 'A'}`,
      `${real}A`,
      real.slice(1),
    ]
    for (const lastEventId of forged) {
      const listener = await client.listen({ lastEventId })
      assert.deepEqual(kindsOf(await listener.heard()), ['hello'], lastEventId)
      await listener.leave()
      await beat()
      await beat()
      assert.deepEqual(at.house.feed.hub.reached(), before, lastEventId)
    }
  })

  test('what somebody who listens asks for has a form, and no id of somebody else is taken', async () => {
    const { at, client } = await setUp(open)
    const other = await feedClient(at, 'other')
    const { verifier } = await client.listen({ maxStale: 20 })
    const [server] = await at.db.selectFrom('feed_verifier').select('id').where('max_stale', '=', 0).execute()
    const good = { verifier: 'v'.repeat(22), nonce: 'n'.repeat(22), max_stale: '20' }
    const bad: [name: string, query: Record<string, string>][] = [
      ['no verifier', { ...good, verifier: '' }],
      ['a short verifier', { ...good, verifier: 'short' }],
      ['a nonce that breaks lines', { ...good, nonce: `${'n'.repeat(22)}\n` }],
      ['no bound', { ...good, max_stale: '' }],
      ['a bound of 0', { ...good, max_stale: '0' }],
      ['a bound of an hour and a second', { ...good, max_stale: '3601' }],
      ['the verifier of another client', { ...good, verifier, max_stale: '1' }],
      ['the server itself', { ...good, verifier: server?.id ?? '' }],
    ]
    const before = await at.db.selectFrom('feed_verifier').selectAll().orderBy('id').execute()
    for (const [name, query] of bad) {
      const answer = await other.get(`/feed/stream?${new URLSearchParams(query)}`)
      assert.equal(answer.status, 400, name)
      assert.equal((await answer.json()).code, 'input_invalid', name)
    }
    assert.deepEqual(await at.db.selectFrom('feed_verifier').selectAll().orderBy('id').execute(), before)
  })

  test('a listener that reads nothing is let go once it is a megabyte behind; the others hear on', async () => {
    const { at, client, beat } = await setUp(open)
    const query = new URLSearchParams({ verifier: 'v'.repeat(22), nonce: 'n'.repeat(22), max_stale: '20' })
    const stuck = await client.get(`/feed/stream?${query}`)
    const listener = await client.listen()
    const lapse = async () => (await verifiers(at)).find(({ id }) => id === 'v'.repeat(22))?.lapses_at
    await beat()
    const before = await lapse()
    const endings = Array.from(
      { length: 25_000 },
      (_, index) => ({ kind: 'session', id: `${index}` }) as const,
    )
    await at.db.transaction().execute((tx) => at.house.feed.append(tx, endings))
    await at.house.chores.poll()
    await beat()
    // Its row is not moved on any more, so nobody waits for it longer than it may trust itself.
    assert.equal(await lapse(), before)
    assert.equal(keysOf(await listener.heard()).length, 25_000)
    assert.equal(listener.isOver(), false)
    const read = (await stuck.text()).split('\n\n').length
    assert.ok(read < 10, 'the stream has an end, after what was still on its way')
  })

  test('who leaves is not waited for longer than it may trust itself, and who only asks for the head never listens', async () => {
    const { at, client, beat } = await setUp(open)
    const query = new URLSearchParams({ verifier: 'h'.repeat(22), nonce: 'n'.repeat(22), max_stale: '5' })
    const request = new Request(`${at.issuer}/feed/stream?${query}`, {
      method: 'HEAD',
      headers: { authorization: client.authorization },
    })
    const head = await at.house.fetch(request)
    assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'text/event-stream'])
    const listener = await client.listen({ maxStale: 5 })
    await listener.leave()
    const staying = await client.listen({ maxStale: 5 })
    for (let second = 0; second < 10; second++) await beat()
    const now = at.machine.clock.now()
    const alive = (await verifiers(at)).filter(({ lapses_at }) => lapses_at > now)
    assert.deepEqual(
      alive.map(({ id }) => id),
      [staying.verifier],
    )
  })

  test('a heartbeat never lets anybody trust itself for longer than its row says, however slow the writes are', async () => {
    let perWrite = 0
    let pass = (_: number) => {}
    const slow: typeof open = (options) =>
      open({
        onStatement(statement, sort) {
          options?.onStatement?.(statement, sort)
          if (statement.includes('"feed_verifier"')) pass(perWrite)
        },
      })
    const { at, client, beat } = await setUp(slow)
    pass = at.machine.clock.advance
    const listener = await client.listen({ maxStale: 4 })
    for (perWrite = 0; perWrite < 5; perWrite++) {
      await beat()
      const [row] = await verifiers(at)
      const beats = (await listener.heard()).flatMap(({ message }) =>
        message.kind === 'heartbeat' ? [message.a / 1000] : [],
      )
      assert.equal(beats.length, 1)
      for (const a of beats) assert.ok(a + 4 < (row?.lapses_at ?? 0), `${perWrite} s a write`)
    }
  })

  test('a server that stops lets everybody go, takes nobody new, and believes nothing that it holds', async () => {
    const { at, client } = await setUp(open)
    const { browser } = await at.member('bob@example.org')
    const listener = await client.listen()
    await browser.get('/auth/session')
    at.house.feed.hub.stop()
    await listener.heard()
    assert.ok(listener.isOver())
    const late = await client.listen()
    assert.deepEqual(await late.heard(), [])
    assert.ok(late.isOver())
    const { session } = await (await browser.get('/auth/session')).json()
    await at.house.sessions.endAny(session.id, 'test')
    assert.equal((await browser.get('/auth/session')).status, 401)
  })
})
