import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachEngine } from '../testing/engines.ts'
import { type FeedClient, type FeedListener, feedClient } from '../testing/feed-client.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'

const email = 'ada@example.org'

async function setUp(open: Parameters<Parameters<typeof onEachEngine>[1]>[0]) {
  const at = await openHouse(open)
  const { browser } = await at.member(email)
  const client = await feedClient(at)
  const beat = async (seconds = 1) => {
    for (let second = 0; second < seconds; second++) {
      at.machine.clock.advance(1)
      await at.house.chores.tick()
      await at.house.chores.poll()
    }
  }
  /** Ends a session and asks for the receipt; nothing is waited for yet. */
  const end = async (id?: string) => {
    const session = id ?? (await at.tokens(email)).session.id
    let isAnswered = false
    const answer = browser.send('DELETE', `/auth/sessions/${session}?wait=applied`).then(async (response) => {
      isAnswered = true
      assert.equal(response.status, 200)
      return response.json()
    })
    return { session, answer, isAnswered: () => isAnswered }
  }
  return { at, browser, client, beat, end }
}

/** What the listener hears, up to the first end that somebody waits for; it is on its way. */
async function awaited(listener: FeedListener): Promise<number> {
  for (const began = performance.now(); performance.now() - began < 60_000; ) {
    for (const { message } of await listener.heard())
      if (message.kind === 'revoked' && message.wantsAck) return message.entries.at(-1)?.position ?? 0
  }
  return assert.fail('nothing came that somebody waits for')
}

const ack = (client: FeedClient, verifier: string, position: number) =>
  client.post('/feed/ack', { verifier, position })

const appliedBy = async ({ db }: TestHouse, id: string) =>
  (await db.selectFrom('feed_verifier').select('applied').where('id', '=', id).executeTakeFirstOrThrow())
    .applied

onEachEngine('receipts', (open) => {
  test('where nobody listens the receipt comes at once: none of none, and no worst case', async () => {
    const { end, at } = await setUp(open)
    const { answer } = await end()
    const position = at.house.feed.hub.reached().position
    assert.deepEqual(await answer, {
      position: position + 1,
      verifiers: 0,
      confirmed: 0,
      worst_case_at: null,
    })
  })

  test('without waiting the answer is 204, whatever else is asked for', async () => {
    const { at, browser, client } = await setUp(open)
    await client.listen()
    for (const query of ['', '?wait=', '?wait=durable', '?wait=Applied']) {
      const { session } = await at.tokens(email)
      assert.equal((await browser.send('DELETE', `/auth/sessions/${session.id}${query}`)).status, 204, query)
    }
  })

  test('the receipt waits until each verifier has confirmed, and counts them', async () => {
    const { client, end, beat } = await setUp(open)
    const listeners = [await client.listen(), await client.listen()]
    const ending = await end()
    for (const [index, listener] of listeners.entries()) {
      const position = await awaited(listener)
      await beat(3)
      assert.equal(ending.isAnswered(), false, String(index))
      assert.equal((await ack(client, listener.verifier, position)).status, 204)
    }
    const { position, ...counted } = await ending.answer
    assert.deepEqual(counted, { verifiers: 2, confirmed: 2, worst_case_at: null })
    assert.equal(position, 1)
  })

  test('one that is gone is waited for as long as it may trust itself, and the receipt says how long that was', async () => {
    const { at, client, end, beat } = await setUp(open)
    const [staying, leaving] = [await client.listen(), await client.listen({ maxStale: 10 })]
    await beat(5)
    const beats = (await leaving.heard()).flatMap(({ message }) =>
      message.kind === 'heartbeat' ? [message.a] : [],
    )
    await leaving.leave()
    const ending = await end()
    await ack(client, staying.verifier, await awaited(staying))
    const trusted = Math.max(...beats) / 1000 + 10
    while (at.machine.clock.now() <= trusted) {
      assert.equal(ending.isAnswered(), false)
      await beat()
    }
    await beat(5)
    const { worst_case_at: worst, ...counted } = await ending.answer
    assert.deepEqual(counted, { position: 1, verifiers: 2, confirmed: 1 })
    assert.ok(worst >= trusted && worst <= trusted + 3, `${worst} ${trusted}`)
  })

  test('one that signs off is waited for no longer, and nobody but its own client can sign it off', async () => {
    const { at, client, end } = await setUp(open)
    const other = await feedClient(at, 'other')
    const [leaving, staying] = [await client.listen(), await client.listen()]
    const ending = await end()
    const position = await awaited(leaving)
    assert.equal(await awaited(staying), position)
    const signOff = (by: FeedClient, verifier: string) =>
      by.post('/feed/ack', { verifier, position: 0, leaving: true })
    for (const { verifier } of [leaving, staying]) assert.equal((await signOff(other, verifier)).status, 204)
    assert.equal((await signOff(client, at.house.feed.hub.instance)).status, 204, 'a server is nobody’s')
    assert.equal(ending.isAnswered(), false)
    await ack(client, staying.verifier, position)
    assert.equal(ending.isAnswered(), false)
    assert.equal((await signOff(client, leaving.verifier)).status, 204)
    const { worst_case_at, verifiers, confirmed } = await ending.answer
    assert.deepEqual([worst_case_at, confirmed], [null, verifiers])
    // Its row is still there.
    await appliedBy(at, at.house.feed.hub.instance)
    const later = await end()
    await ack(client, staying.verifier, await awaited(staying))
    assert.equal((await later.answer).verifiers, 1)
  })

  test('one that signs off is told nothing more', async () => {
    const { client, beat } = await setUp(open)
    const listener = await client.listen()
    await client.post('/feed/ack', { verifier: listener.verifier, position: 0, leaving: true })
    await beat()
    assert.equal(listener.isOver(), true)
  })

  test('one that lapsed before the end is not waited for at all', async () => {
    const { client, end, beat } = await setUp(open)
    const listener = await client.listen({ maxStale: 5 })
    await listener.leave()
    await beat(10)
    assert.equal((await (await end()).answer).verifiers, 0)
  })

  test('one that was away and comes back is told again that somebody waits, and confirms then', async () => {
    const { client, end, beat } = await setUp(open)
    const listener = await client.listen({ maxStale: 60 })
    await beat()
    const lastEventId = (await listener.heard()).at(-1)?.id ?? ''
    await listener.leave()
    const ending = await end()
    await beat(30)
    assert.equal(ending.isAnswered(), false)
    const { verifier } = listener
    const position = await awaited(await client.listen({ verifier, maxStale: 60, lastEventId }))
    await ack(client, verifier, position)
    assert.deepEqual(await ending.answer, { position: 1, verifiers: 1, confirmed: 1, worst_case_at: null })
  })

  test('nobody confirms for another client, ahead of the log, or backwards', async () => {
    const { at, client, end } = await setUp(open)
    const other = await feedClient(at, 'other')
    const listener = await client.listen()
    const ending = await end()
    const position = await awaited(listener)
    const applied = () => appliedBy(at, listener.verifier)
    await ack(other, listener.verifier, position)
    assert.equal(await applied(), 0)
    for (const wrong of [position + 1, Number.MAX_SAFE_INTEGER, -1, 0.5])
      assert.equal((await ack(client, listener.verifier, wrong)).status, 400, String(wrong))
    assert.equal(await applied(), 0)
    assert.equal(ending.isAnswered(), false)
    await ack(client, listener.verifier, position)
    await ack(client, listener.verifier, 0)
    assert.equal(await applied(), position)
    await ending.answer
    assert.equal((await ack(client, 'x'.repeat(22), position)).status, 204)
    const rows = await at.db
      .selectFrom('feed_verifier')
      .select('id')
      .where('id', '=', 'x'.repeat(22))
      .execute()
    assert.deepEqual(rows, [])
  })

  test('who ends what has ended already is answered too, once everybody knows', async () => {
    const { at, client, end } = await setUp(open)
    const { session } = await at.tokens(email)
    const listener = await client.listen()
    await at.house.sessions.endAny(session.id, 'test')
    const ending = await end(session.id)
    await ack(client, listener.verifier, await awaited(listener))
    const { confirmed, verifiers } = await ending.answer
    assert.deepEqual([confirmed, verifiers], [1, 1])
    const { position } = at.house.feed.hub.reached()
    for (let count = 0; count < 5; count++) await (await end(session.id)).answer
    assert.equal(at.house.feed.hub.reached().position, position, 'asking in a loop fills no log')
  })
})
