import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import type { Primary } from '../db/primary.ts'
import { transact } from '../db/transact.ts'
import { createSecrets } from '../node/secrets.ts'
import { openFeed } from '../testing/feed.ts'
import {
  type Agent,
  type HandClock,
  handClock,
  onEachEngine,
  onPostgres,
  openHouse,
  type TestHouse,
} from '../testing/index.ts'
import { handPrimary } from '../testing/primary.ts'
import type { Feed } from './operations.ts'

const next = () => new Promise<void>((resolve) => setImmediate(resolve))
const until = async (isDone: () => boolean | Promise<boolean>) => {
  while (!(await isDone())) await next()
}
const position = async ({ house, db }: TestHouse) => house.feed.position(db)
const isHeard = async (node: TestHouse) => node.house.feed.hub.hasApplied(await position(node))
const statusOf = async (agent: Agent) => (await agent.get('/auth/session')).status

/** The same person with the same cookie, at another node. */
function moved(browser: Agent, node: TestHouse): Agent {
  const there = node.browser()
  for (const [name, value] of browser.cookies) there.cookies.set(name, value)
  return there
}

async function twoNodes(open: Parameters<typeof openHouse>[0], options = {}) {
  const a = await openHouse(open, options)
  const b = await a.neighbour()
  const { browser, accountId } = await a.member()
  const there = moved(browser, b)
  assert.equal(await statusOf(there), 200)
  const end = async () => {
    const [session] = await a.house.sessions.list(accountId)
    return a.house.sessions.end({ id: session?.id ?? '', accountId, reason: 'test', wantsAck: true })
  }
  return { a, b, browser, there, end, accountId }
}

onPostgres('two nodes', (open) => {
  test('what one ends the other refuses as soon as the hint is there: it neither polls nor ticks', async () => {
    const { b, browser, there, end } = await twoNodes(open, { hints: true })
    await end()
    assert.equal(await statusOf(browser), 401)
    await until(() => isHeard(b))
    b.statements.length = 0
    assert.equal(await statusOf(there), 401)
  })

  test('who waits for everybody is answered when the other node has applied it, without a tick or a poll', async () => {
    const { a, b, end } = await twoNodes(open, { hints: true })
    const reached = await end()
    const receipt = await a.house.feed.applied(reached)
    assert.deepEqual(receipt, { position: reached, verifiers: 1, confirmed: 1, worst_case_at: null })
    assert.ok(b.house.feed.hub.hasApplied(reached))
  })

  test('a listening connection that the server ended is replaced, and hints are heard again', async () => {
    const { a, b, there, end } = await twoNodes(open, { hints: true })
    const listening = sql`pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and query like 'listen%'`
    await until(async () => (await sql`select pid from ${listening}`.execute(a.db)).rows.length === 2)
    const killed = await sql`select pid, pg_terminate_backend(pid) from ${listening}`.execute(a.db)
    assert.equal(killed.rows.length, 2)
    await end()
    await until(() => isHeard(b))
    assert.equal(await statusOf(there), 401)
  })
})

onEachEngine('nodes beside each other', (open) => {
  test('a node that hears nothing asks for each request once its knowledge is too old, and so refuses in time', async () => {
    const { a, b, there, end } = await twoNodes(open)
    await end()
    b.statements.length = 0
    assert.equal(await statusOf(there), 200)
    assert.deepEqual(b.statements, [], 'it answered from what it knew')
    a.machine.clock.advance(21)
    assert.equal(await statusOf(there), 401)
    assert.ok(b.statements.length > 0)
  })

  test('who waits for a node that says nothing waits until that node trusts itself no more, and is told so', async () => {
    const { a, end } = await twoNodes(open)
    const reached = await end()
    let receipt: unknown = null
    const waiting = a.house.feed.applied(reached).then((given) => {
      receipt = given
    })
    const started = a.machine.clock.now()
    for (const seconds of [1, 19]) {
      a.machine.clock.advance(seconds)
      await a.house.feed.poll()
      assert.equal(receipt, null)
    }
    a.machine.clock.advance(2)
    await a.house.feed.poll()
    await waiting
    assert.deepEqual(receipt, { position: reached, verifiers: 1, confirmed: 0, worst_case_at: started + 22 })
  })

  test('nobody waits for a node that has left, nor for itself', async () => {
    const { a, b, end } = await twoNodes(open)
    await b.house.feed.hub.leave()
    const reached = await end()
    const receipt = await a.house.feed.applied(reached)
    assert.deepEqual(receipt, { position: reached, verifiers: 0, confirmed: 0, worst_case_at: null })
  })

  test('the command line is heard once every node has read it, by its own tick', async () => {
    const { a, b, end } = await twoNodes(open)
    const reached = await end()
    assert.equal(await a.house.feed.isHeard(reached), false)
    await a.house.chores.tick()
    assert.equal(await a.house.feed.isHeard(reached), false)
    await b.house.chores.tick()
    await b.house.chores.tick()
    assert.equal(await a.house.feed.isHeard(reached), true)
  })
})

const secrets = createSecrets(new Uint8Array(32).fill(3))

const firstCopy = (clock: HandClock): Primary => ({
  ...handPrimary(clock),
  identity: sql<string>`cast('first' as text)`,
})

/** Two feeds of one database whose copy, as the engine names it, is another one when the test says so. */
async function twoFeeds(open: Parameters<typeof openHouse>[0]) {
  const clock = handClock()
  const copy = { now: 'first' }
  const database = await open()
  const { db } = database
  const primary: Primary = {
    ...handPrimary(clock),
    get identity() {
      return sql<string>`cast(${copy.now} as text)`
    },
  }
  const feeds = [0, 1].map(() => openFeed({ db, clock, secrets, primary }))
  for (const feed of feeds) await feed.start()
  for (const feed of feeds) await feed.hub.tick()
  const end = (feed: Feed, id: string) => transact(db, (tx) => feed.append(tx, [{ kind: 'session', id }]))
  const epochs = () => db.selectFrom('feed_epoch').selectAll().orderBy('epoch').execute()
  const log = () => db.selectFrom('feed_log').select(['seq', 'epoch', 'kind']).orderBy('seq').execute()
  const [a, b] = feeds
  assert.ok(a && b)
  return { db, clock, copy, a, b, end, epochs, log, database }
}

onEachEngine('another primary', (open) => {
  test('that took over while all nodes ran begins another life with the first end; nobody is ended', async () => {
    const { copy, clock, a, b, end, epochs, log } = await twoFeeds(open)
    await end(a, 'one')
    await b.poll()
    const before = a.hub.reached().epoch
    copy.now = 'second'
    clock.advance(5)
    const second = await end(b, 'two')
    assert.ok(second > 1_000_000)
    assert.equal(await end(a, 'three'), second + 1)
    const lives = await epochs()
    assert.deepEqual(
      lives.slice(-2).map(({ start, identity }) => ({ start, identity })),
      [
        { start: 0, identity: 'first' },
        { start: 1, identity: 'second' },
      ],
    )
    for (const feed of [a, b]) {
      await feed.poll()
      await feed.hub.tick()
      assert.deepEqual(feed.hub.reached(), { epoch: lives.at(-1)?.epoch, position: second + 1 })
      assert.ok(feed.hub.reached().epoch > before)
    }
    assert.deepEqual(
      (await log()).map(({ kind }) => kind),
      ['session', 'session', 'session'],
    )
    assert.deepEqual(
      (await log()).map(({ epoch }) => epoch === before),
      [true, false, false],
    )
  })

  test('that lacks what a node had read is found out, and everybody has to sign in again', async () => {
    const { db, copy, clock, a, b, end, log } = await twoFeeds(open)
    for (const id of ['one', 'two', 'three']) await end(a, id)
    await b.poll()
    // The last two never reached the one that took over.
    await db.deleteFrom('feed_log').where('seq', '>', 1).execute()
    await db.updateTable('feed_head').set({ seq: 1 }).execute()
    copy.now = 'second'
    clock.advance(5)
    await end(b, 'four')
    for (const feed of [a, b, a, b]) {
      clock.advance(1)
      await feed.hub.tick()
      await feed.poll()
    }
    const rows = await log()
    assert.ok(rows.some(({ kind, seq }) => kind === 'everyone' && seq > 1_000_000))
    assert.deepEqual(a.hub.reached(), b.hub.reached())
  })

  test('that lacks a part begins where no position of that part was, also where everyone is ended by the end that finds it out', async () => {
    const { db, copy, clock, a, end } = await twoFeeds(open)
    const lost = await Promise.all(['one', 'two', 'three'].map((id) => end(a, id)))
    await db.deleteFrom('feed_log').execute()
    await db.updateTable('feed_head').set({ seq: 0 }).execute()
    copy.now = 'second'
    clock.advance(5)
    const [position, head] = await transact(db, async (tx) => [
      await a.append(tx, [{ kind: 'everyone', id: '' }]),
      await tx.selectFrom('feed_head').selectAll().executeTakeFirstOrThrow(),
    ])
    assert.ok(position > Math.max(...lost))
    assert.deepEqual([head.seq, head.everyone_end], [position, position])
  })

  test('an end by somebody whose hub never began, the command line, has a place that no lost part can have had', async () => {
    const { db, clock, a, end } = await twoFeeds(open)
    const last = await end(a, 'one')
    const commandLine = openFeed({ db, clock, secrets, primary: firstCopy(clock) })
    clock.advance(5)
    const first = await end(commandLine, 'two')
    assert.ok(first > last + 1_000_000)
    assert.equal(await end(commandLine, 'three'), first + 1)
    assert.equal(await end(a, 'four'), first + 2)
  })

  test('a copy from before two lives is declared once, whichever of them somebody comes back from', async () => {
    const { db, copy, clock, a, end, log } = await twoFeeds(open)
    for (const id of ['one', 'two', 'three']) await end(a, id)
    const [before] = await db.selectFrom('feed_head').selectAll().execute()
    assert.ok(before)
    const told = [a.hub.reached()]
    copy.now = 'second'
    clock.advance(5)
    await end(a, 'four')
    await a.poll()
    told.push(a.hub.reached())
    // A volume is put back with the very copy that it held, so that no start begins a life on it.
    await db.deleteFrom('feed_log').where('seq', '>', 1).execute()
    await db.deleteFrom('feed_epoch').where('epoch', '>', before.epoch).execute()
    await db
      .updateTable('feed_head')
      .set({ ...before, seq: 1 })
      .execute()
    copy.now = 'first'
    const again = openFeed({ db, clock, secrets, primary: firstCopy(clock) })
    await again.start()
    for (const after of told) {
      again.hub.connect({ nonce: 'n', after, sink: { verifier: 'v', send() {}, close() {} } })
      for (let second = 0; second < 3; second++) {
        clock.advance(1)
        await again.hub.tick()
        await again.poll()
      }
    }
    assert.equal((await log()).filter(({ kind }) => kind === 'everyone').length, 1)
  })

  test('an older copy that was put back is declared by one node, however many see it at the same moment', async () => {
    const { db, clock, a, b, end, log } = await twoFeeds(open)
    for (const id of ['one', 'two', 'three']) await end(a, id)
    await b.poll()
    await db.deleteFrom('feed_log').where('seq', '>', 1).execute()
    await db.updateTable('feed_head').set({ seq: 1 }).execute()
    clock.advance(5)
    // Both writes are answered before either of them declares anything.
    await Promise.all([a.hub.tick(), b.hub.tick()])
    assert.equal((await log()).filter(({ kind }) => kind === 'everyone').length, 1)
    for (const feed of [a, b, a, b]) {
      clock.advance(1)
      await feed.hub.tick()
      await feed.poll()
    }
    assert.equal((await log()).filter(({ kind }) => kind === 'everyone').length, 1)
    assert.deepEqual(a.hub.reached(), b.hub.reached())
  })

  test('many ends at once on both sides of a change begin one other life', async () => {
    const { copy, clock, a, b, end, epochs, log } = await twoFeeds(open)
    const before = (await epochs()).length
    await end(a, 'one')
    copy.now = 'second'
    clock.advance(5)
    await Promise.all(Array.from({ length: 20 }, (_, at) => end(at % 2 ? a : b, `s${at}`)))
    assert.equal((await epochs()).length, before + 1)
    const [one, second, ...rest] = (await log()).map(({ seq }) => seq)
    assert.ok(one === 1 && second !== undefined && second > 1_000_000)
    assert.deepEqual(
      rest,
      rest.map((_, at) => second + at + 1),
    )
    assert.equal(rest.length, 19)
  })
})

onEachEngine('a clock that is wrong', (open) => {
  for (const seconds of [-3600, -31, 31, 3600])
    test(`by ${seconds} seconds: nothing is issued and nobody is told to be fresh, until it is set right`, async () => {
      const on = await openHouse(open)
      const { browser, email, password } = await on.member()
      // The database's clock stays where it was.
      on.skewClock(seconds)
      await on.house.chores.tick()
      const signIn = () => on.program().post('/auth/sign-in', { email, password, carrier: 'token' })
      const refused = await signIn()
      assert.deepEqual([refused.status, (await refused.json()).code], [503, 'feed_stale'])
      assert.equal(refused.headers.get('retry-after'), '1')
      assert.equal(on.machine.errorLines.length, 1)
      on.skewClock(0)
      await on.house.chores.tick()
      assert.equal((await signIn()).status, 200)
      assert.equal(await statusOf(browser), 200)
    })

  test('by less than clocks may be apart is right enough', async () => {
    const on = await openHouse(open)
    const { browser } = await on.member()
    for (const seconds of [-30, 30]) {
      on.skewClock(seconds)
      await on.house.chores.tick()
      assert.equal(await statusOf(browser), 200)
    }
  })
})
