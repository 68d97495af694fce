import { sql } from 'kysely'
import { laterMigrations, migrate } from './migrate.ts'
import type { OpenDatabase } from './open.ts'
import { liftTimeouts } from './patience.ts'
import type { Db } from './schema.ts'

/** What others refer to comes first. The second name is the column that tells rows apart. */
export const copiedTables: readonly (readonly [table: string, key: string])[] = [
  ['account', 'id'],
  ['client', 'id'],
  ['client_assertion', 'id'],
  ['password', 'account_id'],
  ['password_reset', 'id'],
  ['sign_up', 'id'],
  ['session', 'id'],
  ['account_grant', 'id'],
  ['old_credential', 'digest'],
  ['adoption_end', 'account_id'],
  ['status_list', 'id'],
  ['status_place', 'place'],
  ['signing_key', 'kid'],
  ['key_succession', 'follows'],
  ['feed_head', 'id'],
  ['feed_epoch', 'epoch'],
  ['feed_log', 'seq'],
  ['feed_verifier', 'id'],
  ['limit_state', 'key'],
  ['outbox', 'id'],
  ['event', 'id'],
]

export type SourceCheck = {
  from: OpenDatabase
  /** Also where a server runs on the source; what it writes from here on is lost. */
  isForced: boolean
  /** Long enough for a server that runs to write its row. */
  pause(): Promise<void>
  /** Throws where the root secret does not open what the source holds. */
  checkSecret(source: Db): Promise<void>
}

export type Copy = {
  from: OpenDatabase
  to: OpenDatabase
  onTable(table: string, rows: number): void
}

type Value = string | number | null
type Row = Record<string, Value>

const rowsAtOnce = 500

/** Before a target is made. */
export async function checkSource(check: SourceCheck): Promise<void> {
  const { from, checkSecret, isForced } = check
  const later = await laterMigrations(from.db)
  if (later === null) throw new Error('The source is not up to date. Run `counterfoil migrate` on it first.')
  refuseLater('source', later)
  await refuseUnknownTables(from.db)
  await checkSecret(from.db)
  if (!isForced) await refuseRunning(check)
}

/**
 * Everything, from one moment of the source into an empty target, in one transaction there: all of it arrives or nothing
 * does. Positions of the feed are carried over, so what was believed before goes on being judged by what ended before.
 */
export async function copyDatabase({ from, to, onTable }: Copy): Promise<Record<string, number>> {
  refuseLater('target', (await migrate(to.db)).later)
  return snapshot(from, (source) =>
    to.db.transaction().execute(async (target) => {
      await prepareTarget(to, target)
      return copyTables(source, target, onTable)
    }),
  )
}

/** What it added in the one would be lost, and what it filled in would be missing in the other. */
function refuseLater(which: 'source' | 'target', later: readonly string[]): void {
  if (later.length > 0)
    throw new Error(`A later release has migrated the ${which}. Use the command of that release.`)
}

async function refuseUnknownTables(source: Db): Promise<void> {
  const known = new Set(copiedTables.map(([table]) => table))
  for (const { name } of await source.introspection.getTables())
    if (!known.has(name))
      throw new Error(`The source holds a table "${name}", which is not ours. Move it away first.`)
}

/** Clocks are not compared: whoever runs moves its own row within the pause. */
async function refuseRunning({ from, pause }: SourceCheck): Promise<void> {
  const signs = async () => {
    const rows = from.db.selectFrom('feed_verifier').select(['id', 'lapses_at']).where('max_stale', '=', 0)
    return JSON.stringify(await rows.orderBy('id').execute())
  }
  const before = await signs()
  if (before === '[]') return
  await pause()
  if ((await signs()) !== before)
    throw new Error('A server runs on the source. Stop it first: whatever it wrote meanwhile would be lost.')
}

/** On SQLite the one connection holds the file for writing, so nothing is lost there while the copy goes on. */
function snapshot<Result>(
  { db, engine }: OpenDatabase,
  work: (source: Db) => Promise<Result>,
): Promise<Result> {
  if (engine === 'sqlite') return db.transaction().execute(work)
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (source) => {
      await liftTimeouts(source)
      return work(source)
    })
}

async function prepareTarget({ engine }: OpenDatabase, target: Db): Promise<void> {
  const names = copiedTables.map(([table]) => table)
  if (engine === 'postgres') {
    await liftTimeouts(target)
    // A server that starts there meanwhile waits, and then finds what was copied.
    await sql`lock table ${sql.join(names.map((name) => sql.table(name)))} in access exclusive mode`.execute(
      target,
    )
  }
  const { seq } = await target.selectFrom('feed_head').select('seq').executeTakeFirstOrThrow()
  const first: Record<string, number> = { client: 1, feed_head: 1, feed_epoch: 1 }
  for (const name of names) {
    if ((await countOf(target, name)) !== (first[name] ?? 0) || seq !== 0)
      throw new Error(
        `The target is not empty (table ${name}). Nothing was changed; give a database that no server has used yet.`,
      )
  }
  for (const name of Object.keys(first)) await sql`delete from ${sql.table(name)}`.execute(target)
}

async function copyTables(source: Db, target: Db, onTable: Copy['onTable']): Promise<Record<string, number>> {
  const copied: Record<string, number> = {}
  for (const [table, key] of copiedTables) {
    const count = await copyTable(source, target, { table, key })
    copied[table] = count
    onTable(table, count)
  }
  // Servers announce themselves; those that only listen may still trust what they heard, so they are waited for.
  await target.deleteFrom('feed_verifier').where('max_stale', '=', 0).execute()
  // The first start there begins another life, even where the engine would take both copies for one.
  await target.updateTable('feed_epoch').set({ identity: '' }).execute()
  return copied
}

async function copyTable(
  source: Db,
  target: Db,
  { table, key }: { table: string; key: string },
): Promise<number> {
  let count = 0
  for (let last: Value = null, isDone = false; !isDone; ) {
    const rows = await readAfter(source, { table, key, last })
    if (rows.length > 0) await insert(target, table, rows)
    count += rows.length
    last = rows.at(-1)?.[key] ?? null
    isDone = rows.length < rowsAtOnce
  }
  const [there, here] = [await countOf(source, table), await countOf(target, table)]
  if (count !== there || count !== here)
    throw new Error(`Of ${there} rows of ${table}, ${here} arrived. Nothing was changed.`)
  return count
}

async function readAfter(
  source: Db,
  { table, key, last }: { table: string; key: string; last: Value },
): Promise<Row[]> {
  const after = last === null ? sql`` : sql`where ${sql.ref(key)} > ${last}`
  const { rows } = await sql<Row>`
    select * from ${sql.table(table)} ${after} order by ${sql.ref(key)} limit ${rowsAtOnce}`.execute(source)
  return rows
}

async function insert(target: Db, table: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {})
  const names = sql.join(columns.map((column) => sql.ref(column)))
  const values = rows.map((row) => sql`(${sql.join(columns.map((column) => row[column]))})`)
  await sql`insert into ${sql.table(table)} (${names}) values ${sql.join(values)}`.execute(target)
}

async function countOf(db: Db, table: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(table)}`.execute(db)
  return rows[0]?.count ?? 0
}
