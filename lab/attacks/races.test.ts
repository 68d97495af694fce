import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  goodPassword,
  type OpenTestDatabase,
  onPostgres,
  openHouse,
  otherPassword,
  type TestHouse,
} from 'counterfoil/house'
import pg from 'pg'
import { liveSessions } from './evidence.ts'

const many = 64
/** The fifth in a row ends the session. */
const repeatBudget = 4

/** A house with a connection for each who come at once, so that they really do. */
function crowded(open: OpenTestDatabase): Promise<TestHouse> {
  return openHouse((options) => open({ ...options, connections: many }), {})
}

const atOnce = <Answer>(count: number, act: (index: number) => Promise<Answer>): Promise<Answer[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => act(index)))

const refresh = (on: TestHouse, refresh_token: string) =>
  on.program().send('POST', '/oauth/token', { form: { grant_type: 'refresh_token', refresh_token } })

const kindsOf = async ({ db }: TestHouse) =>
  (await db.selectFrom('event').select('kind').execute()).map(({ kind }) => kind)

type Person = { accountId: string; keep: string }

/** As many accounts with two sessions each: without passwords, which are not what races here. */
async function crowdOf(on: TestHouse): Promise<Person[]> {
  const began = await on.house.feed.position(on.db)
  return on.db.transaction().execute(async (tx) => {
    const people: Person[] = []
    for (let index = 0; index < many; index++) {
      const accountId = on.machine.entropy.id()
      const told = { state: 'active' as const, verified_at: 0, end_position: 0, created_at: 0 }
      const email = `person${index}@example.org`
      await tx
        .insertInto('account')
        .values({ id: accountId, email, ...told })
        .execute()
      const session = { accountId, carrier: 'token' as const, began, amr: 'pwd', network: null }
      const begin = () => on.house.sessions.begin(tx, { ...session, device: 'a device', replaces: null })
      await begin()
      people.push({ accountId, keep: (await begin()).id })
    }
    return people
  })
}

/** Who was kept from the head row for two seconds, on a busy machine, is refused and comes again. */
async function endOthers(on: TestHouse, person: Person): Promise<number> {
  for (let time = 1; ; time++)
    try {
      return await on.house.sessions.endOthers(person)
    } catch (error) {
      const isLate = error instanceof Error && 'code' in error && error.code === '55P03'
      if (!isLate || time === 5) throw error
    }
}

onPostgres('who come at the same instant', (open) => {
  it('A-102 as many as the budget allows, each on a connection of its own, share one successor that lives', async () => {
    const on = await crowded(open)
    const { email } = await on.member()
    for (let round = 0; round < 5; round++) {
      const first = await on.tokens(email)
      const answers = await atOnce(1 + repeatBudget, () => refresh(on, first.refresh_token))
      const pairs = await Promise.all(answers.map((answer) => answer.json()))
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
      const successors = new Set(pairs.map((pair) => pair.refresh_token))
      assert.equal(successors.size, 1)
      const [successor] = successors
      assert.equal((await refresh(on, successor)).status, 200)
    }
    assert.deepEqual(on.machine.errorLines, [])
  })

  it('A-104 sixty-four that show one refresh token get one successor between them, nobody gets more than the budget, and the session ends', async () => {
    const on = await crowded(open)
    const { email } = await on.member()
    for (let round = 0; round < 5; round++) {
      const first = await on.tokens(email)
      const answers = await atOnce(many, () => refresh(on, first.refresh_token))
      const given = answers.filter(({ status }) => status === 200)
      const successors = new Set(
        (await Promise.all(given.map((answer) => answer.json()))).map((pair) => pair.refresh_token),
      )
      assert.ok(successors.size <= 1, `${successors.size} successors`)
      assert.ok(given.length <= 1 + repeatBudget, `${given.length} pairs`)
      for (const { status } of answers) assert.ok([200, 400, 503].includes(status), `${status}`)
      for (const token of [first.refresh_token, ...successors])
        assert.equal((await refresh(on, token)).status, 400)
      const row = await on.db
        .selectFrom('session')
        .select(['ended_reason', 'refresh_generation'])
        .where('id', '=', first.session.id)
        .executeTakeFirstOrThrow()
      assert.deepEqual(row, { ended_reason: 'refresh_repeats_exhausted', refresh_generation: 2 })
    }
    assert.equal((await kindsOf(on)).filter((kind) => kind === 'refresh_repeats_exhausted').length >= 5, true)
    assert.deepEqual(on.machine.errorLines, [])
  })

  it('A-97 of sixty-four that open one reset link with a password each, one wins, and only its password is right', async () => {
    const on = await crowded(open)
    const { email, accountId } = await on.member()
    await on.program().post('/auth/password/forgot', { email })
    const token = await on.linkFor(email, 'reset')
    const reset = (index: number) =>
      on.program().post('/auth/password/reset', { token, password: `${otherPassword} ${index}` })
    const statuses = (await atOnce(many, reset)).map(({ status }) => status)
    assert.equal(statuses.filter((status) => status === 204).length, 1)
    // So many hashes for one account are not begun at once; who was sent away comes again, too late.
    for (const [index, status] of statuses.entries())
      if (status !== 204) assert.equal(status === 503 ? (await reset(index)).status : status, 410)
    assert.equal(await liveSessions(on, accountId), 0)
    const winner = statuses.indexOf(204)
    const signIn = (password: string) =>
      on.program().post('/auth/sign-in', { email, password, carrier: 'token' })
    assert.equal((await signIn(`${otherPassword} ${winner}`)).status, 200)
    for (const password of [goodPassword, `${otherPassword} ${(winner + 1) % many}`])
      assert.equal((await signIn(password)).status, 401)
    assert.deepEqual(on.machine.errorLines, [])
  })

  it('sixty-four ends at once, while a transaction of somebody else idles, wait for nobody: all are in the feed, without a gap', async () => {
    let url = ''
    const on = await openHouse(async (options) => {
      const database = await open({ ...options, connections: many })
      url = database.url
      return database
    })
    const { email, accountId } = await on.member()
    const sessions: string[] = []
    for (let index = 0; index < many; index++) sessions.push((await on.tokens(email)).session.id)
    const before = await on.house.feed.position(on.db)
    // It has written, so it has a place in the order of transactions; a reader that waits for that order would wait for it.
    const idler = new pg.Client({ connectionString: url })
    await idler.connect()
    try {
      await idler.query('begin')
      await idler.query("insert into limit_state (key, arrival_at) values ('somebody else', 1)")
      const reached = await atOnce(many, (index) =>
        on.house.sessions.end({ id: sessions[index] ?? '', accountId, reason: 'race' }),
      )
      assert.deepEqual(
        reached.sort((a, b) => a - b),
        Array.from({ length: many }, (_, index) => before + 1 + index),
      )
      // This very process refuses them all already, and so would whoever reads the log.
      assert.ok(on.house.feed.hub.hasApplied(before + many))
      const { rows } = await idler.query(
        'select xact_start is not null as idles from pg_stat_activity where pid = pg_backend_pid()',
      )
      assert.deepEqual(rows, [{ idles: true }])
    } finally {
      await idler.end()
    }
    assert.equal(await liveSessions(on, accountId), 1)
    assert.deepEqual(on.machine.errorLines, [])
  })

  it('sixty-four accounts that end their other sessions at once, each in a transaction of its own, wait for nobody who idles', async () => {
    let url = ''
    const on = await openHouse(async (options) => {
      const database = await open({ ...options, connections: many })
      url = database.url
      return database
    })
    const people = await crowdOf(on)
    const before = await on.house.feed.position(on.db)
    const idler = new pg.Client({ connectionString: url })
    await idler.connect()
    try {
      await idler.query('begin')
      await idler.query("insert into limit_state (key, arrival_at) values ('somebody else', 1)")
      on.statements.length = 0
      const ended = await atOnce(many, (index) => endOthers(on, people[index] ?? { accountId: '', keep: '' }))
      assert.deepEqual(new Set(ended), new Set([1]))
      // Nothing is merged here: so many commits, and each waited for the head row on a connection of its own.
      assert.ok(on.statements.filter((statement) => statement === 'commit').length >= many)
      assert.ok(on.house.feed.hub.hasApplied(before + many))
      const log = await on.db.selectFrom('feed_log').select('seq').where('seq', '>', before).execute()
      assert.deepEqual(
        log.map(({ seq }) => seq).sort((a, b) => a - b),
        Array.from({ length: many }, (_, index) => before + 1 + index),
      )
      const { rows } = await idler.query(
        'select xact_start is not null as idles from pg_stat_activity where pid = pg_backend_pid()',
      )
      assert.deepEqual(rows, [{ idles: true }])
    } finally {
      await idler.end()
    }
    const live = await on.db.selectFrom('session').select('id').where('ended_at', 'is', null).execute()
    assert.deepEqual(live.map(({ id }) => id).sort(), people.map(({ keep }) => keep).sort())
    assert.deepEqual(on.machine.errorLines, [])
  })

  it('when every connection is taken a change is refused with 503 and Retry-After, never 500, and goes through afterwards', async () => {
    const on = await openHouse((options) => open({ ...options, connections: 2, waitMilliseconds: 1500 }))
    const { browser, email } = await on.member()
    const { refresh_token } = await on.tokens(email)
    let letGo = () => {}
    const released = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const holding = [1, 2].map(
      () =>
        new Promise<{ done: Promise<unknown> }>((held) => {
          const done = on.db.transaction().execute(async (tx) => {
            await tx.selectFrom('feed_head').select('seq').execute()
            held({ done })
            await released
          })
        }),
    )
    const held = await Promise.all(holding)
    const [out, refreshed] = await Promise.all([browser.post('/auth/sign-out'), refresh(on, refresh_token)])
    assert.deepEqual([out.status, (await out.json()).code], [503, 'store_unavailable'])
    assert.deepEqual([refreshed.status, (await refreshed.json()).error], [503, 'temporarily_unavailable'])
    for (const { headers } of [out, refreshed]) assert.equal(headers.get('retry-after'), '1')
    // Reading goes on, and nobody was signed out by a change that was not made.
    assert.deepEqual(out.headers.getSetCookie(), [])
    assert.equal((await browser.get('/auth/session')).status, 200)
    letGo()
    for (const { done } of held) await done
    assert.equal((await refresh(on, refresh_token)).status, 200)
    assert.equal((await browser.post('/auth/sign-out')).status, 204)
    assert.equal((await browser.get('/auth/session')).status, 401)
  })
})
