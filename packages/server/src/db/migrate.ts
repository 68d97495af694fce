import { type Kysely, sql } from 'kysely'
import type { Migration, Migrator } from 'kysely/migration'
import * as first from './migrations/2026-11-23-first.ts'
import * as verifiers from './migrations/2026-11-26-verifiers.ts'
import * as clients from './migrations/2026-11-26t15-clients.ts'
import * as keySuccession from './migrations/2026-11-26t15-key-succession.ts'
import * as sessionKeys from './migrations/2026-11-26t15-session-keys.ts'
import * as statusLists from './migrations/2026-11-26t16-status-lists.ts'
import * as grants from './migrations/2026-11-26t17-grants.ts'
import * as oldCredentials from './migrations/2026-11-26t17-old-credentials.ts'
import type { Db } from './schema.ts'

/** Imported by name: what runs is what was reviewed, not what happens to lie in a folder. Names are permanent. */
export const migrations: Readonly<Record<string, Migration>> = {
  '2026-11-23-first': first,
  '2026-11-26-verifiers': verifiers,
  '2026-11-26t15-clients': clients,
  '2026-11-26t15-key-succession': keySuccession,
  '2026-11-26t15-session-keys': sessionKeys,
  '2026-11-26t16-status-lists': statusLists,
  '2026-11-26t17-grants': grants,
  '2026-11-26t17-old-credentials': oldCredentials,
}

/** `later`: of a release newer than this one, which had applied all of ours before. */
export type Migrated = { applied: string[]; later: string[] }

/**
 * Brings the tables to the present schema, and tells which migrations it applied, in order. Where a later release has been
 * here there is nothing to do: migrations only add, so that this release goes on working beside the newer one. Throws where
 * the tables hold migrations that are not ours and do not follow all of ours.
 */
export async function migrate(db: Db): Promise<Migrated> {
  try {
    const later = await laterMigrations(db)
    if (later !== null) return { applied: [], later }
    const { error, results = [] } = await (await openMigrator(db)).migrateToLatest()
    if (error) throw error
    return { applied: results.map((result) => result.migrationName), later: [] }
  } catch (error) {
    throw new Error(`The database could not be migrated; nothing was changed: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}

/** The names of the migrations that `migrate` would apply. Changes nothing. */
export async function pendingMigrations(db: Db): Promise<string[]> {
  if ((await laterMigrations(db)) !== null) return []
  const known = await (await openMigrator(db)).getMigrations()
  return known.filter((migration) => !migration.executedAt).map((migration) => migration.name)
}

/**
 * What nearly every start finds, by one read: exactly ours were applied, in their order, and after them none or those of a
 * later release, which are answered. `null` where it is anything else.
 */
export async function laterMigrations(db: Db): Promise<string[] | null> {
  const read = sql<Applied>`select name, "timestamp" as at from "kysely_migration"`
  try {
    const names = (await read.execute(db)).rows.sort(inOrder).map(({ name }) => name)
    const ours = Object.keys(migrations).sort()
    const later = names.slice(ours.length)
    const isOurs = names.slice(0, ours.length).join() === ours.join()
    return isOurs && later.every((name) => name > (ours.at(-1) ?? '')) ? later : null
  } catch (error) {
    if (isTableMissing(error)) return null
    throw error
  }
}

type Applied = { name: string; at: string }

/** Here and not in the statement: engines disagree about the order of text, and many are applied in one millisecond. */
function inOrder(one: Applied, other: Applied): number {
  const [a, b] = [`${one.at} ${one.name}`, `${other.at} ${other.name}`]
  return a < b ? -1 : 1
}

function isTableMissing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === '42P01') || error.message.startsWith('no such table')
}

/** Loaded where there is something to migrate, or a reason to say why not. */
async function openMigrator(db: Kysely<unknown> | Db): Promise<Migrator> {
  const { Migrator } = await import('kysely/migration')
  return new Migrator({ db, provider: { getMigrations: async () => migrations } })
}

/** What drivers say where nobody answers is an error without a message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || ('code' in error ? String(error.code) : error.name)
}
