import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { onEachEngine } from '../testing/engines.ts'
import { migrations } from './migrate.ts'
import type { OpenDatabase } from './open.ts'
import type { Db } from './schema.ts'

/**
 * That code of every release before, which is to say of every migration before, goes on working on today's tables, as far as
 * tables can tell: what it reads is there and of the same kind, what it writes is still taken, what it leaves out is filled in
 * as before, and what may stand beside each other still may. Not shown here is whether the meaning of a column has changed,
 * nor whether that code bears values that only newer code writes: no older code runs here.
 */
type Column = { type: string; isNullable: boolean; default: string | null }
type Shape = { columns: Map<string, Column>; rules: string[] }
type Tables = Map<string, Shape>
type Rule = { name: string; rule: string }

async function tablesOf({ db, engine }: OpenDatabase): Promise<Tables> {
  const [defaults, rules] =
    engine === 'sqlite'
      ? [await sqliteDefaults(db), await sqliteRules(db)]
      : [await postgresDefaults(db), await postgresRules(db)]
  const told = new Map(defaults.map(({ name, rule }) => [name, rule]))
  const tables = await db.introspection.getTables()
  return new Map(
    tables.map(({ name, columns }) => [
      name,
      {
        columns: new Map(
          columns.map(({ name: column, dataType: type, isNullable }) => [
            column,
            { type, isNullable, default: told.get(`${name}.${column}`) ?? null },
          ]),
        ),
        rules: rules.flatMap((one) => (one.name === name ? [one.rule] : [])).sort(),
      },
    ]),
  )
}

async function sqliteDefaults(db: Db): Promise<Rule[]> {
  const { rows } = await sql<Rule>`
    select one.name || '.' || held.name as name, held.dflt_value as rule
    from sqlite_master as one, pragma_table_info(one.name) as held where one.type = 'table'`.execute(db)
  return rows
}

async function postgresDefaults(db: Db): Promise<Rule[]> {
  const { rows } = await sql<Rule>`
    select table_name || '.' || column_name as name, column_default as rule
    from information_schema.columns where table_schema = 'public'`.execute(db)
  return rows
}

/** What is checked when a row is written, as the engine itself spells it. */
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

/** What code that was written for `then` cannot do with `now`. */
function brokenBy(then: Tables, now: Tables): string[] {
  return [...then].flatMap(([name, old]) => {
    const today = now.get(name)
    if (today === undefined) return [`${name} is gone`]
    const known = [...old.columns].flatMap(([column, was]) => {
      const is = today.columns.get(column)
      if (is === undefined) return [`${name}.${column} is gone`]
      if (is.type !== was.type) return [`${name}.${column} is ${is.type}`]
      // Stricter would refuse what that code writes, laxer would hand it a null that it does not expect.
      if (is.isNullable !== was.isNullable)
        return [`${name}.${column} takes null or not, as it did not before`]
      return is.default === was.default ? [] : [`${name}.${column} has another default`]
    })
    const added = [...today.columns].flatMap(([column, is]) => {
      const mayBeLeftOut = old.columns.has(column) || is.isNullable || is.default !== null
      return mayBeLeftOut ? [] : [`${name}.${column} cannot be left out`]
    })
    const isSame = old.rules.join('\n') === today.rules.join('\n')
    return [...known, ...added, ...(isSame ? [] : [`${name} has other keys, checks or triggers`])]
  })
}

const changes: [what: string, statements: string[], says: RegExp][] = [
  ['a table is gone', ['drop table key_succession'], /^key_succession is gone$/],
  ['a column is gone', ['alter table client drop column scope'], /^client\.scope is gone$/],
  [
    'a column takes null',
    ['alter table client drop column scope', 'alter table client add column scope text'],
    /^client\.scope takes null/,
  ],
  [
    'a column is of another type',
    ['alter table session drop column bound_key', 'alter table session add column bound_key bigint'],
    /^session\.bound_key is /,
  ],
  [
    'another default is filled in',
    [
      'alter table client drop column scope',
      "alter table client add column scope text not null default 'everything'",
    ],
    /^client\.scope has another default$/,
  ],
  [
    'a new column has to be given',
    [
      'drop table key_succession',
      'create table key_succession (follows text primary key not null, kid text not null, more text not null)',
    ],
    /^key_succession\.more cannot be left out$/,
  ],
  [
    'two rows may not be alike any more',
    ['create unique index one_name on client (auth_method)'],
    /^client has other keys/,
  ],
]

onEachEngine('on the newest schema', (open) => {
  /** The tables after each migration, by its name. */
  async function releases() {
    const database = await open({ migrate: false })
    const after = new Map<string, Tables>()
    for (const [name, { up }] of Object.entries(migrations)) {
      await up(database.db)
      after.set(name, await tablesOf(database))
    }
    return { database, after, now: await tablesOf(database) }
  }

  test('code of every release before finds what it reads, and may write what it writes', async () => {
    const { after, now } = await releases()
    assert.ok((after.get('2026-11-23-first')?.size ?? 0) >= 12)
    assert.ok([...now.values()].filter(({ rules }) => rules.length > 0).length >= 12)
    for (const [name, then] of after) assert.deepEqual(brokenBy(then, now), [], name)
  })

  for (const [what, statements, says] of changes) {
    test(`a migration after which ${what} is found, though the first release knew nothing of it`, async () => {
      const { database, after, now } = await releases()
      for (const statement of statements) await sql.raw(statement).execute(database.db)
      const changed = await tablesOf(database)
      const found = brokenBy(now, changed)
      assert.ok(
        found.some((one) => says.test(one)),
        found.join(),
      )
      const first = after.get('2026-11-23-first') ?? new Map()
      if (!what.startsWith('two rows')) assert.deepEqual(brokenBy(first, changed), [])
    })
  }
})
