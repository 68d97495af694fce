import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql, type TableMetadata } from 'kysely'
import { onEachEngine } from '../testing/engines.ts'
import { migrate, migrations } from './migrate.ts'
import type { Engine } from './open.ts'
import type { Db } from './schema.ts'

/**
 * That code of the first release goes on working on today's tables, as far as tables can tell: what it reads is there and
 * of the same kind, what it writes is still taken, and what may stand beside each other still may. Not shown here is
 * whether the meaning of a column has changed, nor whether that code bears values that only newer code writes.
 */
const first = '2026-11-23-first'

type Column = { type: string; isNullable: boolean }

const tablesOf = async (db: Db) =>
  new Map((await db.introspection.getTables()).map((table) => [table.name, table]))

const columnsOf = ({ columns }: TableMetadata) =>
  new Map(
    columns.map(({ name, dataType, isNullable }): [string, Column] => [name, { type: dataType, isNullable }]),
  )

type Rule = { name: string; rule: string }

/** What is checked when a row is written, as the engine itself spells it. */
async function rulesOf({ db, engine }: { db: Db; engine: Engine }): Promise<Map<string, string[]>> {
  const rules = new Map<string, string[]>()
  for (const { name, rule } of engine === 'sqlite' ? await sqliteRules(db) : await postgresRules(db))
    rules.set(name, [...(rules.get(name) ?? []), rule].sort())
  return rules
}

async function sqliteRules(db: Db): Promise<Rule[]> {
  const { rows } = await sql<{ type: string; name: string; text: string | null }>`
    select type, tbl_name as name, coalesce(sql, name) as text from sqlite_master`.execute(db)
  return rows.flatMap(({ type, name, text }) => {
    const found =
      type === 'table'
        ? (text ?? '').matchAll(/\b(?:check|unique|references|foreign key|primary key)\b[^,]*?(?=,|\)$)/gi)
        : []
    const isRule = type === 'trigger' || (type === 'index' && /unique|autoindex/i.test(text ?? ''))
    return [...[...found].map(([rule]) => rule), ...(isRule ? [text ?? ''] : [])].map((rule) => ({
      name,
      rule,
    }))
  })
}

async function postgresRules(db: Db): Promise<Rule[]> {
  const { rows } = await sql<Rule>`
    select conrelid::regclass::text as name, pg_get_constraintdef(oid) as rule from pg_constraint
    where connamespace = 'public'::regnamespace and contype <> 'n'
    union all select tablename, indexdef from pg_indexes where schemaname = 'public' and indexdef like '%UNIQUE%'
    union all select tgrelid::regclass::text, tgname from pg_trigger where not tgisinternal`.execute(db)
  return rows
}

onEachEngine('on the newest schema', (open) => {
  async function bothSchemas() {
    const before = await open({ migrate: false })
    await migrations[first]?.up(before.db)
    const now = await open({ migrate: false })
    await migrate(now.db)
    return { before, now }
  }

  test('every table and column of the first release is there, of the same type, and as ready for null', async () => {
    const { before, now } = await bothSchemas()
    const today = await tablesOf(now.db)
    const old = await tablesOf(before.db)
    assert.ok(old.size >= 12, [...old.keys()].join())
    for (const [name, table] of old) {
      const present = today.get(name)
      assert.ok(present, `${name} is gone`)
      const columns = columnsOf(present)
      for (const [column, was] of columnsOf(table)) {
        assert.equal(columns.get(column)?.type, was.type, `${name}.${column}`)
        // Stricter would refuse what that code writes, laxer would hand it a null that it does not expect.
        assert.equal(columns.get(column)?.isNullable, was.isNullable, `${name}.${column}`)
      }
    }
  })

  test('every column that came later into one of its tables may be left out', async () => {
    const { before, now } = await bothSchemas()
    const today = await tablesOf(now.db)
    for (const [name, table] of await tablesOf(before.db)) {
      const known = columnsOf(table)
      for (const column of today.get(name)?.columns ?? []) {
        if (known.has(column.name)) continue
        assert.ok(column.isNullable || column.hasDefaultValue, `${name}.${column.name}`)
      }
    }
  })

  test('no key, check, reference or trigger was added to one of its tables, and none is gone', async () => {
    const { before, now } = await bothSchemas()
    const today = await rulesOf(now)
    const old = await rulesOf(before)
    assert.ok(old.size >= 12)
    for (const [name, rules] of old) assert.deepEqual(today.get(name), rules, name)
    const tables = await tablesOf(before.db)
    for (const [name] of today) assert.ok(!tables.has(name) || old.has(name), `${name} has rules now`)
  })
})
