import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { onEachEngine } from '../testing/engines.ts'
import type { LimitStateTable } from './schema.ts'
import { type Slots, template } from './template.ts'
import { transact } from './transact.ts'

/** And how often it was built. */
function counted() {
  const built = { times: 0 }
  const insert = template((db, row: Slots<LimitStateTable>) => {
    built.times += 1
    return db.insertInto('limit_state').values(row).returning(['key', 'arrival_at'])
  })
  return { built, insert }
}

onEachEngine('a statement whose text never changes', (open) => {
  test('is built once for a database, and filled in each time, within transactions and without', async () => {
    const { db } = await open()
    const { built, insert } = counted()
    assert.deepEqual(await insert(db, { key: 'a', arrival_at: 1 }), [{ key: 'a', arrival_at: 1 }])
    await transact(db, async (tx) => {
      await insert(tx, { key: 'b', arrival_at: 2 })
      await insert(tx, { key: 'c', arrival_at: 3 })
    })
    assert.equal(built.times, 1)
    const rows = await db.selectFrom('limit_state').selectAll().orderBy('key').execute()
    assert.deepEqual(rows, [
      { key: 'a', arrival_at: 1 },
      { key: 'b', arrival_at: 2 },
      { key: 'c', arrival_at: 3 },
    ])
  })

  test('is filled in for itself by each of many at once', async () => {
    const { db } = await open()
    const { insert } = counted()
    const keys = Array.from({ length: 50 }, (_, at) => `k${at}`)
    const rows = await Promise.all(keys.map((key, at) => insert(db, { key, arrival_at: at })))
    assert.deepEqual(
      rows,
      keys.map((key, at) => [{ key, arrival_at: at }]),
    )
  })

  test('takes its fields by their names, in whatever order they come, and as often as it names them', async () => {
    const { db } = await open()
    const { insert } = counted()
    const between = template((on, { key, least }: Slots<{ key: string; least: number }>) =>
      on
        .selectFrom('limit_state')
        .select('key')
        .where('arrival_at', '>=', least)
        .where((row) => row.or([row('key', '=', key), row('arrival_at', '>', least)]))
        .orderBy('key'),
    )
    for (const at of [1, 2, 3]) await insert(db, { arrival_at: at, key: `k${at}` })
    assert.deepEqual(await between(db, { key: 'k1', least: 2 }), [{ key: 'k3' }])
    assert.deepEqual(await between(db, { least: 1, key: 'k1' }), [
      { key: 'k1' },
      { key: 'k2' },
      { key: 'k3' },
    ])
  })

  test('is not sent where a field of it is missing', async () => {
    const { db } = await open()
    const drop = template(
      (_, { key }: Slots<Record<string, string>>) => sql`delete from limit_state where key = ${key}`,
    )
    await drop(db, { key: 'a' })
    await assert.rejects(drop(db, {}), /lacks/)
  })

  test('is built for each database, since engines write it differently', async () => {
    const [one, other] = [await open(), await open()]
    const { built, insert } = counted()
    for (const { db } of [one, other, one]) await insert(db, { key: `k${built.times}`, arrival_at: 0 })
    assert.equal(built.times, 2)
  })
})
