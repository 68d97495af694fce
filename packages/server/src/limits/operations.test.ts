import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusal } from '@counterfoil/verifier'
import fc from 'fast-check'
import { openDatabase } from '../db/open.ts'
import { createSecrets } from '../node/secrets.ts'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { decide, type Limit } from './gcra.ts'
import { createLimits } from './operations.ts'

const limit: Limit = { name: 'sign_in', burst: 10, intervalSeconds: 60 }
const secrets = createSecrets(new Uint8Array(32))

async function setUp(open: OpenTestDatabase) {
  const { db, url, primary } = await open()
  const clock = { at: 1000, now: () => clock.at }
  return { db, url, clock, limits: createLimits({ db, primary, clock, secrets }) }
}

const refusedAfter = (seconds: number) => (error: unknown) => {
  assert.ok(error instanceof Refusal)
  assert.deepEqual([error.code, error.status, error.retryAfterSeconds], ['too_many_attempts', 429, seconds])
  return true
}

onEachEngine('limits', (open) => {
  test('of 50 attempts at once on two nodes exactly the burst is allowed', async () => {
    const { url, limits, clock } = await setUp(open)
    const other = await openDatabase(url)
    try {
      const nodes = [limits, createLimits({ db: other.db, primary: other.primary, clock, secrets })]
      const takes = Array.from({ length: 50 }, (_, at) => nodes[at % 2]?.take(limit, 'ann'))
      const results = await Promise.allSettled(takes)
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 10)
      const left = results.flatMap((result) =>
        result.status === 'fulfilled' ? [result.value?.remaining ?? -1] : [],
      )
      assert.deepEqual(left.sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    } finally {
      await other.close()
    }
  })

  test('of several counts each is taken once or none is, however many come at once, whatever is pruned meanwhile', async () => {
    const { url, db, limits, clock } = await setUp(open)
    const other = await openDatabase(url)
    try {
      const nodes = [limits, createLimits({ db: other.db, primary: other.primary, clock, secrets })]
      const account: Limit = { name: 'account', burst: 10, intervalSeconds: 60 }
      const network: Limit = { name: 'network', burst: 25, intervalSeconds: 60 }
      const work = Array.from({ length: 60 }, async (_, at) => {
        const counts = [
          { limit: network, subject: `n${at % 2}` },
          { limit: account, subject: `a${at % 3}` },
        ]
        await nodes[at % 2]?.takeAll(counts)
        await nodes[at % 2]?.prune()
        if (at % 5 === 0) await nodes[at % 2]?.giveBack(counts)
        return at % 5 === 0
      })
      const results = await Promise.allSettled(work)
      for (const result of results)
        if (result.status === 'rejected') assert.ok(result.reason instanceof Refusal, String(result.reason))
      const counted = results.filter((result) => result.status === 'fulfilled' && !result.value).length
      const rows = await db.selectFrom('limit_state').selectAll().execute()
      const sum = (name: string) =>
        rows
          .filter(({ key }) => key.startsWith(name))
          .reduce((all, row) => all + (row.arrival_at - clock.at) / 60, 0)
      assert.deepEqual([sum('network:'), sum('account:')], [counted, counted])
    } finally {
      await other.close()
    }
  })

  test('where one of several is held back those before it lose nothing, and those behind it are not touched', async () => {
    const { limits } = await setUp(open)
    const once: Limit = { name: 'once', burst: 1, intervalSeconds: 60 }
    const counts = ['first', 'second', 'third'].map((subject) => ({ limit: once, subject }))
    await limits.take(once, 'second')
    await assert.rejects(limits.takeAll(counts), refusedAfter(60))
    assert.deepEqual(await limits.take(once, 'first'), { remaining: 0 })
    assert.deepEqual(await limits.take(once, 'third'), { remaining: 0 })
  })

  test('whoever waits as told is allowed once more, and refused attempts make nobody wait longer', async () => {
    const { clock, limits } = await setUp(open)
    for (let count = 0; count < 10; count++) await limits.take(limit, 'ann')
    await assert.rejects(limits.take(limit, 'ann'), refusedAfter(60))
    clock.at += 20
    await assert.rejects(limits.take(limit, 'ann'), refusedAfter(40))
    clock.at += 40
    assert.deepEqual(await limits.take(limit, 'ann'), { remaining: 0 })
    await assert.rejects(limits.take(limit, 'ann'), refusedAfter(60))
  })

  test('subjects and limits do not share their attempts', async () => {
    const { limits } = await setUp(open)
    const once: Limit = { name: 'once', burst: 1, intervalSeconds: 60 }
    const table: [Limit, string][] = [
      [once, 'ann'],
      [once, 'ben'],
      [{ ...once, name: 'twice' }, 'ann'],
    ]
    for (const [given, subject] of table)
      assert.deepEqual(await limits.take(given, subject), { remaining: 0 })
    for (const [given, subject] of table) await assert.rejects(limits.take(given, subject), refusedAfter(60))
  })

  test('what is given back can be taken again, and no more than that', async () => {
    const { limits } = await setUp(open)
    for (let count = 0; count < 10; count++) await limits.take(limit, 'ann')
    await limits.giveBack([{ limit, subject: 'ann' }])
    await limits.giveBack([{ limit, subject: 'nobody' }])
    assert.deepEqual(await limits.take(limit, 'ann'), { remaining: 0 })
    await assert.rejects(limits.take(limit, 'ann'), refusedAfter(60))
    const { limits: fresh } = await setUp(open)
    await fresh.take(limit, 'ann')
    for (let count = 0; count < 5; count++) await fresh.giveBack([{ limit, subject: 'ann' }])
    assert.deepEqual(await fresh.take(limit, 'ann'), { remaining: 9 })
  })

  test('the statement decides as the pure rule does', async () => {
    const { db, clock, limits } = await setUp(open)
    const step = fc.record({ pause: fc.integer({ min: 0, max: 90 }), subject: fc.constantFrom('a', 'b') })
    const steps = fc.sample(step, { numRuns: 300, seed: 7 })
    const arrivals = new Map<string, number>()
    const small: Limit = { name: 'small', burst: 3, intervalSeconds: 60 }
    for (const { pause, subject } of steps) {
      clock.at += pause
      const expected = decide({ limit: small, arrivalAt: arrivals.get(subject) ?? null, now: clock.at })
      arrivals.set(subject, expected.arrivalAt)
      if (expected.allowed)
        assert.deepEqual(await limits.take(small, subject), { remaining: expected.remaining })
      else await assert.rejects(limits.take(small, subject), refusedAfter(expected.retryAfterSeconds))
    }
    const rows = await db.selectFrom('limit_state').select('arrival_at').orderBy('arrival_at').execute()
    assert.deepEqual(
      rows.map((row) => row.arrival_at),
      [...arrivals.values()].sort((a, b) => a - b),
    )
  })

  test('the table names no subject, and pruning keeps only what still counts', async () => {
    const { db, clock, limits } = await setUp(open)
    await limits.take(limit, '198.51.100.7')
    clock.at += 30
    await limits.take(limit, 'ann@example.com')
    const keys = (await db.selectFrom('limit_state').select('key').execute()).map((row) => row.key)
    assert.equal(keys.length, 2)
    for (const key of keys) assert.match(key, /^sign_in:[\w-]{43}$/)
    clock.at += 30
    await limits.prune()
    const left = await db.selectFrom('limit_state').select('arrival_at').execute()
    assert.deepEqual(left, [{ arrival_at: 1090 }])
  })
})
