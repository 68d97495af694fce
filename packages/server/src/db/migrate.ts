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

/** Brings the tables to the present schema and returns the names of the migrations that it applied, in order. */
export async function migrate(db: Db): Promise<string[]> {
  try {
    if (await isUpToDate(db)) return []
    const { error, results = [] } = await (await openMigrator(db)).migrateToLatest()
    if (error) throw error
    return results.map((result) => result.migrationName)
  } catch (error) {
    throw new Error(`The database could not be migrated; nothing was changed: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}

/** The names of the migrations that `migrate` would apply. Changes nothing. */
export async function pendingMigrations(db: Db): Promise<string[]> {
  if (await isUpToDate(db)) return []
  const known = await (await openMigrator(db)).getMigrations()
  return known.filter((migration) => !migration.executedAt).map((migration) => migration.name)
}

/** What nearly every start finds, by one read: exactly ours were applied, in their order. */
async function isUpToDate(db: Db): Promise<boolean> {
  const applied = sql<{ name: string }>`select name from "kysely_migration" order by "timestamp", name`
  try {
    const { rows } = await applied.execute(db)
    return rows.map(({ name }) => name).join() === Object.keys(migrations).sort().join()
  } catch (error) {
    if (isTableMissing(error)) return false
    throw error
  }
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
