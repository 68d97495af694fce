import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachEngine } from '../testing/engines.ts'
import type { Db } from './schema.ts'
import { transact } from './transact.ts'

const broken = (code?: unknown) =>
  Object.assign(new Error('the transaction is over'), code === undefined ? {} : { code })

/** Writes a row of its own and then fails with what is next on the list, until nothing is left on it. */
function failing(errors: readonly unknown[]) {
  const left = [...errors]
  const runs = { count: 0 }
  const work = async (tx: Db): Promise<string> => {
    runs.count += 1
    await tx
      .insertInto('limit_state')
      .values({ key: `round ${runs.count}`, arrival_at: 1 })
      .execute()
    if (left.length > 0) throw left.shift()
    return 'done'
  }
  return { work, runs }
}

const rowsOf = async (db: Db) =>
  (await db.selectFrom('limit_state').select('key').execute()).map(({ key }) => key)

onEachEngine('a transaction', (open) => {
  for (const code of ['40P01', '40001']) {
    test(`that is given up with ${code} runs again, and only its last round is kept`, async () => {
      const { db } = await open()
      const { work, runs } = failing([broken(code), broken(code), broken(code)])
      assert.equal(await transact(db, work), 'done')
      assert.equal(runs.count, 4)
      assert.deepEqual(await rowsOf(db), ['round 4'])
    })

    test(`that is given up with ${code} again and again fails after four rounds`, async () => {
      const { db } = await open()
      const errors = Array.from({ length: 10 }, () => broken(code))
      const { work, runs } = failing(errors)
      await assert.rejects(transact(db, work), (error) => error === errors[3])
      assert.equal(runs.count, 4)
      assert.deepEqual(await rowsOf(db), [])
    })
  }

  const others: [what: string, error: unknown][] = [
    ['a key that is there already', broken('23505')],
    ['an error without a code', broken()],
    ['a code that is a number', broken(40001)],
    ['a code in something that is no error', { code: '40001' }],
  ]
  for (const [what, error] of others) {
    test(`that fails for any other reason fails at once: ${what}`, async () => {
      const { db } = await open()
      const { work, runs } = failing([error])
      await assert.rejects(transact(db, work), (thrown) => thrown === error)
      assert.equal(runs.count, 1)
      assert.deepEqual(await rowsOf(db), [])
    })
  }
})
