import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachEngine } from '../testing/engines.ts'
import { migrate, migrations, pendingMigrations } from './migrate.ts'
import { planMigrations } from './plan.ts'

const bookkeeping =
  /"kysely_migration|^(?:begin|commit|start transaction)|pg_|sqlite_master|pragma_table_info/

onEachEngine('the plan of a migration', (open) => {
  test('is exactly what the migration sends, changes nothing, and is empty afterwards', async () => {
    const sent: string[] = []
    const { db, engine } = await open({ onStatement: (statement) => sent.push(statement), migrate: false })
    const plan = await planMigrations(db, engine)
    assert.deepEqual(
      plan.map(({ name }) => name),
      Object.keys(migrations),
    )
    assert.deepEqual(await db.introspection.getTables({ withInternalKyselyTables: true }), [])
    assert.equal((await pendingMigrations(db)).length, plan.length)
    sent.length = 0
    await migrate(db)
    assert.deepEqual(
      plan.flatMap(({ statements }) => statements),
      sent.filter((statement) => !bookkeeping.test(statement)),
    )
    assert.deepEqual(await planMigrations(db, engine), [])
  })
})
