import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '@counterfoil/verifier'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'
import { touchQuantum } from './session.ts'

const day = 24 * 3600
type Given = { policy?: object; accounts?: number }

/** A house with accounts that nobody signed up for: these tests are about sessions alone. */
async function setUp(open: OpenTestDatabase, { policy, accounts = 1 }: Given = {}) {
  const at = await openHouse(open, policy === undefined ? {} : { policy })
  const made = await at.db.transaction().execute(async (tx) => {
    const ids: string[] = []
    for (let index = 0; index < accounts; index++) {
      const account = await at.house.accounts.create(tx, { email: `a${index}@example.org`, isVerified: true })
      ids.push(account?.id ?? '')
    }
    return ids
  })
  return { ...at, sessions: at.house.sessions, accountIds: made, ada: made[0] ?? '' }
}

async function begin(at: TestHouse, accountId: string, carrier: 'cookie' | 'token' = 'cookie', began = 0) {
  const given = { accountId, carrier, device: 'a test', began, amr: 'pwd', network: null, replaces: null }
  const { id } = await at.db.transaction().execute((tx) => at.house.sessions.begin(tx, given))
  return { id, handed: await at.house.carriers.handOut({ sessionId: id, carrier }) }
}

const cookieOf = (handed: { cookie: string | null }) => handed.cookie?.split(';')[0] ?? ''
const positions = async ({ db }: TestHouse) =>
  (await db.selectFrom('feed_log').select('seq').orderBy('seq').execute()).map(({ seq }) => seq)
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const lastSeen = async ({ db }: TestHouse, id: string) =>
  (await db.selectFrom('session').select('last_seen_at').where('id', '=', id).executeTakeFirstOrThrow())
    .last_seen_at

onEachEngine('sessions', (open) => {
  for (const carrier of ['cookie', 'token'] as const) {
    test(`a session by ${carrier} ends when it idles, and use keeps it`, async () => {
      const at = await setUp(open, { policy: { sessionIdleSeconds: 3600, sessionAbsoluteSeconds: day } })
      const { id, handed } = await begin(at, at.ada, carrier)
      let refresh = handed.tokens?.refresh_token ?? ''
      const use = async (): Promise<number> => {
        if (carrier === 'cookie')
          return (await at.program().get('/auth/session', { cookie: cookieOf(handed) })).status
        const form = { grant_type: 'refresh_token', refresh_token: refresh }
        const answer = await at.program().send('POST', '/oauth/token', { form })
        if (answer.status === 200) refresh = (await answer.json()).refresh_token
        return answer.status
      }
      for (let hour = 0; hour < 5; hour++) {
        at.machine.clock.advance(3599)
        assert.equal(await use(), 200, `hour ${hour}`)
        await at.house.chores.touches()
      }
      at.machine.clock.advance(3600)
      assert.notEqual(await use(), 200)
      assert.equal(await at.sessions.findLive(id), null)
    })

    test(`a session by ${carrier} ends at its absolute end, however much it is used, and no token outlives it`, async () => {
      const at = await setUp(open, { policy: { sessionIdleSeconds: 3600, sessionAbsoluteSeconds: 7200 } })
      const { id, handed } = await begin(at, at.ada, carrier)
      let refresh = handed.tokens?.refresh_token ?? ''
      for (const wait of [3000, 3000, 1100]) {
        at.machine.clock.advance(wait)
        if (carrier === 'cookie') {
          assert.equal((await at.program().get('/auth/session', { cookie: cookieOf(handed) })).status, 200)
          await at.house.chores.touches()
          continue
        }
        const form = { grant_type: 'refresh_token', refresh_token: refresh }
        const answer = await (await at.program().send('POST', '/oauth/token', { form })).json()
        refresh = answer.refresh_token
        assert.equal(answer.expires_in, Math.min(300, 7200 - (at.machine.clock.now() - 1_800_000_000)))
      }
      assert.ok((await at.sessions.findLive(id)) !== null)
      at.machine.clock.advance(100)
      assert.equal(await at.sessions.findLive(id), null)
      const form = { grant_type: 'refresh_token', refresh_token: refresh }
      const after =
        carrier === 'cookie'
          ? await at.program().get('/auth/session', { cookie: cookieOf(handed) })
          : await at.program().send('POST', '/oauth/token', { form })
      assert.equal(after.status, carrier === 'cookie' ? 401 : 400)
    })
  }

  test('reading never writes: a hundred requests are one touch, and none before the quantum has passed', async () => {
    const at = await setUp(open)
    const quantum = touchQuantum(at.house.policy.sessionIdleSeconds)
    const { id, handed } = await begin(at, at.ada)
    const born = await lastSeen(at, id)
    const use = () => at.program().get('/auth/session', { cookie: cookieOf(handed) })
    const writes = async () => {
      at.statements.length = 0
      await at.house.chores.touches()
      return at.statements.filter((statement) => statement.startsWith('update "session"')).length
    }
    at.machine.clock.advance(quantum - 1)
    await use()
    assert.equal(await writes(), 0)
    at.machine.clock.advance(1)
    at.statements.length = 0
    for (let count = 0; count < 100; count++) assert.equal((await use()).status, 200)
    assert.ok(at.statements.length <= 1, at.statements.join('\n'))
    assert.ok(at.statements.every((statement) => statement.startsWith('select')))
    assert.equal(await writes(), 1)
    assert.equal(await lastSeen(at, id), born + quantum)
    await use()
    assert.equal(await writes(), 0)
  })

  test('a poll is not a sign of life', async () => {
    const at = await setUp(open, { policy: { sessionIdleSeconds: 3600 } })
    const { id, handed } = await begin(at, at.ada)
    const born = await lastSeen(at, id)
    at.machine.clock.advance(3000)
    await at.program().get('/auth/session', { cookie: cookieOf(handed), 'counterfoil-passive': '?1' })
    await at.house.chores.touches()
    assert.equal(await lastSeen(at, id), born)
  })

  test('touches of a thousand sessions are two statements, and a late one takes no time away', async () => {
    const at = await setUp(open, { policy: { sessionsPerAccount: 1000 } })
    const ids: string[] = []
    const given = {
      accountId: at.ada,
      carrier: 'cookie',
      device: 'a test',
      began: 0,
      amr: 'pwd',
      network: null,
      replaces: null,
    } as const
    await at.db.transaction().execute(async (tx) => {
      for (let count = 0; count < 1000; count++) ids.push((await at.sessions.begin(tx, given)).id)
    })
    const born = await lastSeen(at, ids[0] ?? '')
    at.machine.clock.advance(7200)
    for (const id of ids) at.sessions.touch({ id, last_seen_at: born })
    await at.db
      .updateTable('session')
      .set({ last_seen_at: born + 9000 })
      .where('id', '=', ids[7] ?? '')
      .execute()
    at.statements.length = 0
    await at.sessions.flushTouches()
    assert.equal(at.statements.length, 2)
    const seen = await at.db.selectFrom('session').select(['id', 'last_seen_at']).execute()
    assert.deepEqual(
      seen.filter(({ last_seen_at }) => last_seen_at !== born + 7200),
      [{ id: ids[7], last_seen_at: born + 9000 }],
    )
  })

  test('the list shows one’s own sessions that live and were handed out, and nothing else', async () => {
    const at = await setUp(open, { accounts: 2 })
    const ben = at.accountIds[1] ?? ''
    const mine = [await begin(at, at.ada), await begin(at, at.ada, 'token')]
    await begin(at, ben)
    const ended = await begin(at, at.ada)
    await at.sessions.endAny(ended.id, 'ended_from_list')
    const never = {
      accountId: at.ada,
      carrier: 'cookie',
      device: 'never handed out',
      began: 0,
      amr: 'pwd',
      network: null,
      replaces: null,
    } as const
    await at.db.transaction().execute((tx) => at.sessions.begin(tx, never))
    const listed = await at.sessions.list(at.ada)
    assert.deepEqual(listed.map(({ id }) => id).sort(), mine.map(({ id }) => id).sort())
    at.machine.clock.advance(15 * day)
    assert.deepEqual(await at.sessions.list(at.ada), [])
  })

  test('nobody ends somebody else’s session, and an unknown one reads the same', async () => {
    const at = await setUp(open, { accounts: 2 })
    const theirs = await begin(at, at.accountIds[1] ?? '')
    for (const id of [theirs.id, 'AAAAAAAAAAAAAAAAAAAAAA', '', `${theirs.id}'--`]) {
      await assert.rejects(at.sessions.end({ id, accountId: at.ada, reason: 'ended_from_list' }), (error) => {
        return error instanceof Refusal && error.code === 'session_unknown' && error.status === 404
      })
    }
    assert.ok((await at.sessions.findLive(theirs.id)) !== null)
    assert.deepEqual(await positions(at), [])
  })

  test('ending one, or the others, ends those, each with one row in the feed, and twice is once', async () => {
    const at = await setUp(open, { accounts: 2 })
    const all = [
      await begin(at, at.ada),
      await begin(at, at.ada, 'token'),
      await begin(at, at.ada),
      await begin(at, at.ada),
    ]
    const theirs = await begin(at, at.accountIds[1] ?? '')
    const [first, second, third, keep] = all.map(({ id }) => id)
    const end = { id: first ?? '', accountId: at.ada, reason: 'ended_from_list' }
    await at.sessions.end(end)
    await at.sessions.end(end)
    assert.deepEqual(await positions(at), [1])
    assert.equal(await at.sessions.endOthers({ accountId: at.ada, keep: keep ?? '' }), 2)
    assert.equal(await at.sessions.endOthers({ accountId: at.ada, keep: keep ?? '' }), 0)
    assert.deepEqual(await positions(at), [1, 2, 3])
    const live = async (id = '') => (await at.sessions.findLive(id)) !== null
    assert.deepEqual(await Promise.all([first, second, third, keep, theirs.id].map(live)), [
      false,
      false,
      false,
      true,
      true,
    ])
  })

  test('20 revocations at once take 20 positions without a gap, in the order of their commits', async () => {
    const at = await setUp(open)
    const ids: string[] = []
    for (let count = 0; count < 20; count++) ids.push((await begin(at, at.ada)).id)
    const done = await Promise.all(
      ids.flatMap((id) => [at.sessions.endAny(id, 'test'), at.sessions.endAny(id, 'test')]),
    )
    assert.equal(done.filter(Boolean).length, 20)
    assert.deepEqual(await positions(at), upTo(20))
    assert.equal(
      new Set((await at.db.selectFrom('feed_log').select('key').execute()).map(({ key }) => key)).size,
      20,
    )
  })

  test('a revocation that fails leaves no row in the feed, and the next one takes its position', async () => {
    const at = await setUp(open)
    const { id } = await begin(at, at.ada)
    const failed = at.db.transaction().execute(async (tx) => {
      await at.sessions.endWithin(tx, { id, accountId: null, reason: 'test' })
      throw new Error('the transaction fails')
    })
    await assert.rejects(failed, /the transaction fails/)
    assert.deepEqual(await positions(at), [])
    assert.ok((await at.sessions.findLive(id)) !== null)
    await at.sessions.endAny(id, 'test')
    assert.deepEqual(await positions(at), [1])
  })

  test('rows are pruned a week past their absolute end, and salts once they can be repeated no more', async () => {
    const at = await setUp(open)
    const { id, handed } = await begin(at, at.ada, 'token')
    const form = { grant_type: 'refresh_token', refresh_token: handed.tokens?.refresh_token ?? '' }
    assert.equal((await at.program().send('POST', '/oauth/token', { form })).status, 200)
    const salt = async () =>
      (await at.db.selectFrom('session').select('refresh_salt').where('id', '=', id).executeTakeFirst())
        ?.refresh_salt
    at.machine.clock.advance(30)
    await at.sessions.prune()
    assert.match((await salt()) ?? '', /^[\w-]{22}$/)
    at.machine.clock.advance(1)
    await at.sessions.prune()
    assert.equal(await salt(), null)
    await at.sessions.endAny(id, 'test')
    at.machine.clock.advance(37 * day - 31)
    await at.sessions.prune()
    assert.equal(await salt(), null)
    at.machine.clock.advance(1)
    await at.sessions.prune()
    assert.equal(await salt(), undefined)
  })
})
