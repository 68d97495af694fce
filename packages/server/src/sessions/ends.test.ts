import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedKey } from '@counterfoil/verifier'
import { sql } from 'kysely'
import type { Engine, OpenDatabase } from '../db/open.ts'
import { isUnavailable } from '../db/unavailable.ts'
import { onEachEngine, onPostgres } from '../testing/engines.ts'
import { type OpenTestDatabase, openHouse, type TestHouse } from '../testing/index.ts'
import * as store from './store.ts'

type Person = { accountId: string; ids: string[] }

/** Accounts that nobody signed up for, with sessions that were never handed out: these tests are about their ends. */
async function people(at: TestHouse, accounts: number, each: number): Promise<Person[]> {
  const found: Person[] = []
  for (let index = 0; index < accounts; index++) {
    const email = `p${index}@example.org`
    const accountId = await at.db.transaction().execute(async (tx) => {
      const account = await at.house.accounts.create(tx, { email, isVerified: true })
      return account?.id ?? ''
    })
    found.push({ accountId, ids: await begin(at, accountId, each) })
  }
  return found
}

async function begin(at: TestHouse, accountId: string, count: number): Promise<string[]> {
  const given = { accountId, carrier: 'cookie', device: 'a test', began: 0, amr: 'pwd' } as const
  const ids: string[] = []
  await at.db.transaction().execute(async (tx) => {
    for (let done = 0; done < count; done++)
      ids.push((await at.house.sessions.begin(tx, { ...given, network: null, replaces: null })).id)
  })
  return ids
}

async function setUp(open: OpenTestDatabase, { accounts = 1, each = 1 } = {}) {
  const opened: OpenDatabase[] = []
  const at = await openHouse(
    async (given) => {
      const database = await open(given)
      opened.push(database)
      return database
    },
    { policy: { sessionsPerAccount: 1000 } },
  )
  const [database] = opened
  if (database === undefined) throw new Error('nothing was opened')
  const { engine, primary } = database
  const made = await people(at, accounts, each)
  const [{ accountId, ids } = { accountId: '', ids: [] }] = made
  const end = (id: string, more: { reason?: string; wantsAck?: boolean } = {}) =>
    at.house.sessions.end({ id, accountId, reason: 'sign_out', ...more })
  return { ...at, at, engine, primary, made, accountId, ids, end }
}

const log = ({ db }: TestHouse) => db.selectFrom('feed_log').select(['seq', 'key']).orderBy('seq').execute()
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const count = ({ statements }: TestHouse, form: RegExp) =>
  statements.filter((statement) => form.test(statement)).length
const isLive = async ({ house }: TestHouse, id: string) => (await house.sessions.findLive(id)) !== null
const statusOf = (results: readonly PromiseSettledResult<unknown>[]) => results.map(({ status }) => status)
const next = () => new Promise<void>((resolve) => setImmediate(resolve))
const until = async (isSo: () => boolean | Promise<boolean>) => {
  while (!(await isSo())) await next()
}

async function endedEvents({ db }: TestHouse): Promise<string[]> {
  const rows = await db.selectFrom('event').select('session_id').where('kind', '=', 'session_ended').execute()
  return rows.map(({ session_id }) => session_id ?? '').sort()
}

/** Until it is released nobody gets past this row, on SQLite nobody gets at anything. */
async function hold({ db }: TestHouse, query: ReturnType<typeof sql>): Promise<() => Promise<void>> {
  const holding = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const transaction = db.transaction().execute(async (tx) => {
    await query.execute(tx)
    holding.resolve()
    await released.promise
  })
  await holding.promise
  return () => {
    released.resolve()
    return transaction
  }
}
const head = sql`update feed_head set seq = seq where id = 1`

onEachEngine('sessions that end at the same time', (open) => {
  test('fifty are two commits, each told at a position of its own and written down once', async () => {
    const { at, engine, ids, end, db } = await setUp(open, { each: 50 })
    const release = await hold(at, head)
    at.statements.length = 0
    const ending = Promise.all(ids.map((id) => end(id)))
    // On PostgreSQL all have asked by then; on SQLite all wait in line, reads before writes.
    if (engine === 'postgres')
      await until(() => count(at, /^select.*"session"/) === 50 && count(at, /^insert into "event"/) === 1)
    await release()
    const positions = await ending
    assert.deepEqual(
      [...positions].sort((a, b) => a - b),
      upTo(50),
    )
    for (const form of [/^begin/, /^update "session"/, /^insert into "event"/, /feed_head"? set/, /^commit/])
      assert.ok(count(at, form) <= 3, `${form}: ${count(at, form)}`)
    const rows = await log(at)
    assert.deepEqual(
      ids.map((id) => rows.find(({ key }) => key === feedKey('session', id))?.seq),
      positions,
    )
    assert.deepEqual(await endedEvents(at), [...ids].sort())
    const reasons = await db.selectFrom('session').select('ended_reason').distinct().execute()
    assert.deepEqual(reasons, [{ ended_reason: 'sign_out' }])
  })

  test('one that is ended twenty times at once, in several words, has one position and one event, and all are answered', async () => {
    const { at, ids, end } = await setUp(open, { each: 3 })
    const [id = '', ...others] = ids
    const words = ['sign_out', 'ended_from_list']
    const twenty = Array.from({ length: 20 }, (_, index) => end(id, { reason: words[index % 2] ?? '' }))
    const positions = await Promise.all([...others.map((other) => end(other)), ...twenty])
    const rows = await log(at)
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      upTo(3),
    )
    const told = rows.find(({ key }) => key === feedKey('session', id))?.seq ?? 0
    assert.ok(
      positions.slice(2).every((position) => position >= told),
      `${told}: ${positions}`,
    )
    assert.deepEqual(await endedEvents(at), [...ids].sort())
    assert.equal(await isLive(at, id), false)
  })

  test('A-28: somebody who ends one session thousands of times at once takes one place, and nobody else is turned away', async () => {
    const { at, made } = await setUp(open, { accounts: 2, each: 2 })
    const [ada, ben] = made as [Person, Person]
    const reason = 'ended_from_list'
    const flood = Array.from({ length: 2100 }, () =>
      at.house.sessions.end({ id: ada.ids[0] ?? '', accountId: ada.accountId, reason }),
    )
    const other = at.house.sessions.end({
      id: ben.ids[0] ?? '',
      accountId: ben.accountId,
      reason: 'sign_out',
    })
    const results = await Promise.allSettled([other, ...flood])
    assert.deepEqual([...new Set(statusOf(results))], ['fulfilled'])
    assert.equal((await log(at)).length, 2)
  })

  test('who waits for the receipt beside somebody who does not gets a row that asks for it', async () => {
    const { at, ids, end, db } = await setUp(open)
    const [id = ''] = ids
    const positions = await Promise.all([end(id), end(id, { wantsAck: true }), end(id)])
    const asking = await db.selectFrom('feed_log').select('seq').where('wants_ack', '=', 1).execute()
    assert.ok(asking.some(({ seq }) => seq === positions[1]))
    assert.ok((await log(at)).length <= 2)
  })

  test('one that has ended already is answered by one read', async () => {
    const { at, ids, end } = await setUp(open)
    const [id = ''] = ids
    const position = await end(id)
    at.statements.length = 0
    assert.equal(await end(id), position)
    assert.equal(at.statements.length, 1)
  })

  test('a sign-out reads no session first: one transaction of four statements or five, and one read of the feed', async () => {
    const { at, ids, accountId, engine } = await setUp(open)
    at.statements.length = 0
    await at.house.sessions.signOut({ id: ids[0] ?? '', accountId })
    const words = at.statements.map((statement) => statement.split(' ', 2).join(' '))
    const head = engine === 'postgres' ? ['with head'] : ['update "feed_head"', 'insert into']
    assert.deepEqual(words, ['begin', 'update "session"', 'insert into', ...head, 'commit', 'select "seq",'])
    assert.equal(await isLive(at, ids[0] ?? ''), false)
  })

  test('nobody signs a session out that is not theirs, and one that is unknown changes nothing', async () => {
    const { at, made } = await setUp(open, { accounts: 2 })
    const [ada, ben] = made as [Person, Person]
    const theirs = ben.ids[0] ?? ''
    for (const id of [theirs, 'AAAAAAAAAAAAAAAAAAAAAA'])
      await at.house.sessions.signOut({ id, accountId: ada.accountId })
    assert.equal(await isLive(at, theirs), true)
    assert.deepEqual([await log(at), await endedEvents(at)], [[], []])
  })

  test('the statement that ends takes only what lives and is the asker’s own', async () => {
    const { at, made, primary } = await setUp(open, { accounts: 2, each: 3 })
    const [ada, ben] = made as [Person, Person]
    const [ended = '', own = '', kept = ''] = ada.ids
    await at.house.sessions.end({ id: ended, accountId: ada.accountId, reason: 'sign_out' })
    const asked = [
      { id: own, accountId: ada.accountId, reason: 'mine' },
      { id: ended, accountId: ada.accountId, reason: 'ended before' },
      { id: ben.ids[0] ?? '', accountId: ada.accountId, reason: 'somebody else’s' },
      { id: ben.ids[1] ?? '', accountId: ben.accountId, reason: 'theirs' },
      { id: 'AAAAAAAAAAAAAAAAAAAAAA', accountId: ada.accountId, reason: 'nobody’s' },
      { id: `${kept}' or '1'='1`, accountId: ada.accountId, reason: 'everybody’s' },
    ]
    const found = await at.db.transaction().execute((tx) => store.endFree(tx, { asked, at: 7, primary }))
    assert.deepEqual(found.sort(), [own, ben.ids[1] ?? ''].sort())
    const rows = await at.db
      .selectFrom('session')
      .select(['id', 'ended_reason'])
      .where('ended_at', '=', 7)
      .execute()
    assert.deepEqual(
      new Map(rows.map(({ id, ended_reason }) => [id, ended_reason])),
      new Map([
        [own, 'mine'],
        [ben.ids[1], 'theirs'],
      ]),
    )
  })

  test('one that cannot be ended takes no other one with it, and leaves no gap', async () => {
    const { at, engine, ids, end, db } = await setUp(open, { each: 12 })
    const poisoned = ids[5] ?? ''
    await poison(at, engine, poisoned)
    const release = await hold(at, head)
    const ending = Promise.allSettled(ids.map((id) => end(id)))
    await release()
    const results = await ending
    assert.deepEqual(
      statusOf(results),
      ids.map((id) => (id === poisoned ? 'rejected' : 'fulfilled')),
    )
    assert.deepEqual(
      (await log(at)).map(({ seq }) => seq),
      upTo(11),
    )
    const live = await db.selectFrom('session').select('id').where('ended_at', 'is', null).execute()
    assert.deepEqual(live, [{ id: poisoned }])
    assert.deepEqual(await endedEvents(at), ids.filter((id) => id !== poisoned).sort())
  })

  test('misuse of a refresh token is written down beside the end, and again where the session had ended', async () => {
    const { at, ids, accountId, db } = await setUp(open, { each: 2 })
    const misused = (id: string, network: string) =>
      at.house.sessions.endMisused({ id, accountId, misuse: { kind: 'refresh_reused', network } })
    const [id = '', other = ''] = ids
    await Promise.all([
      at.house.sessions.end({ id: other, accountId, reason: 'sign_out' }),
      ...['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((network) => misused(id, network)),
    ])
    const events = await db
      .selectFrom('event')
      .select(['kind', 'network'])
      .where('session_id', '=', id)
      .where('kind', '!=', 'session_began')
      .execute()
    const networks = events.filter(({ kind }) => kind === 'refresh_reused').map(({ network }) => network)
    assert.deepEqual(networks.sort(), ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
    assert.equal(events.filter(({ kind }) => kind === 'session_ended').length, 1)
    assert.equal((await log(at)).length, 2)
    const [row] = await db.selectFrom('session').select('ended_reason').where('id', '=', id).execute()
    assert.equal(row?.ended_reason, 'refresh_reused')
  })
})

/** This session cannot be ended, whatever is asked together with it. */
async function poison({ db }: TestHouse, engine: Engine, id: string): Promise<void> {
  const when = sql.raw(`(new.id = '${id}' and new.ended_at is not null)`)
  if (engine === 'postgres') {
    await sql`create function poison() returns trigger language plpgsql as
      $$ begin raise exception 'poison' using errcode = 'P0001'; end $$`.execute(db)
    await sql`create trigger poison before update on session for each row when ${when}
      execute function poison()`.execute(db)
  } else {
    await sql`create trigger poison before update on session when ${when}
      begin select raise(abort, 'poison'); end`.execute(db)
  }
}

onPostgres('sessions that end at the same time', (open) => {
  test('one that somebody holds is waited for by itself: the others of its group are answered while it is held', async () => {
    const { at, ids, end } = await setUp(open, { each: 12 })
    const [first = '', held = '', ...free] = ids
    const release = await hold(at, sql`update session set last_seen_at = last_seen_at where id = ${held}`)
    const letGo = await hold(at, head)
    at.statements.length = 0
    // One group is under way, so the held one and the free ones are in the next.
    const before = end(first)
    await until(() => count(at, /^insert into "event"/) === 1)
    let isAnswered = false
    const waiting = end(held).then((position) => {
      isAnswered = true
      return position
    })
    const others = Promise.all(free.map((id) => end(id)))
    await until(() => count(at, /^select.*"session"/) === 12)
    await letGo()
    await before
    assert.deepEqual(
      [...(await others)].sort((a, b) => a - b),
      upTo(11).slice(1),
    )
    assert.equal(isAnswered, false)
    await release()
    assert.equal(await waiting, 12)
    assert.equal(await isLive(at, held), false)
  })

  test('a connection that is lost before the commit ends nobody: all are refused, and can be ended afterwards', async () => {
    const { at, ids, end } = await setUp(open, { each: 8 })
    const release = await hold(at, head)
    const ending = Promise.allSettled(ids.map((id) => end(id)))
    const groups = () =>
      sql<{ pid: number }>`select pid from pg_stat_activity where datname = current_database()
        and wait_event_type = 'Lock' and query like 'with head%'`.execute(at.db)
    // One after the other, until the last group has met its end.
    let isOver = false
    void ending.then(() => {
      isOver = true
    })
    while (!isOver) {
      for (const { pid } of (await groups()).rows)
        await sql`select pg_terminate_backend(${pid})`.execute(at.db)
      await next()
    }
    const results = await ending
    assert.deepEqual(new Set(statusOf(results)), new Set(['rejected']))
    for (const one of results) assert.ok(one.status === 'rejected' && isUnavailable(one.reason))
    await release()
    assert.deepEqual(
      await Promise.all(ids.map((id) => isLive(at, id))),
      ids.map(() => true),
    )
    assert.deepEqual([await log(at), await endedEvents(at)], [[], []])
    await Promise.all(ids.map((id) => end(id)))
    assert.deepEqual(
      (await log(at)).map(({ seq }) => seq),
      upTo(8),
    )
  })

  test('two nodes that end the same sessions, and one that ends all others, tell each exactly once', async () => {
    const { at, made } = await setUp(open, { accounts: 4, each: 20 })
    const other = await at.neighbour()
    const nodes = [at, other]
    const works = made.flatMap(({ accountId, ids }) => [
      ...ids.flatMap((id) =>
        nodes.map((node) => node.house.sessions.end({ id, accountId, reason: 'sign_out' })),
      ),
      ...nodes.map((node) => node.house.sessions.endOthers({ accountId, keep: ids[0] ?? '' })),
    ])
    await Promise.all(works)
    const all = made.flatMap(({ ids }) => ids)
    const rows = await log(at)
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      upTo(80),
    )
    assert.deepEqual(rows.map(({ key }) => key).sort(), all.map((id) => feedKey('session', id)).sort())
  })
})
