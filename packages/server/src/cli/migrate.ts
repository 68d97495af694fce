import { existsSync } from 'node:fs'
import { type Migrated, migrate as runMigrations } from '../db/migrate.ts'
import { openDatabase } from '../db/open.ts'
import { type PlannedMigration, planMigrations } from '../db/plan.ts'
import { printDone } from './output.ts'
import { type Flags, makeDataFolder, readSettings, type Settings, sqliteFile } from './settings.ts'

export type MigrateFlags = Flags & { dryRun?: boolean }

export async function migrate(flags: MigrateFlags): Promise<void> {
  const settings = readSettings(flags)
  if (flags.dryRun) return showPlan(settings, flags)
  makeDataFolder(settings)
  const { db, close } = await openDatabase(settings.database)
  try {
    const done = await runMigrations(db)
    const text = done.applied.length === 0 ? upToDate(done) : `Applied: ${done.applied.join(', ')}`
    printDone(done, { json: flags.json ?? false, text })
  } finally {
    await close()
  }
}

/** Nothing is wrong with it: in the middle of an upgrade, servers of the release before start again. */
function upToDate({ later }: Migrated): string {
  if (later.length === 0) return 'The database is up to date.'
  return `The database is up to date. A later release has migrated it: ${later.join(', ')}`
}

async function showPlan(settings: Settings, flags: Flags): Promise<void> {
  const path = sqliteFile(settings)
  // Opening a SQLite file makes it; where there is none, everything is still to be done.
  const isMissing = path !== null && !existsSync(path)
  const { db, engine, close } = await openDatabase(isMissing ? 'sqlite::memory:' : settings.database)
  try {
    const pending = await planMigrations(db, engine)
    printDone({ pending }, { json: flags.json ?? false, text: textOf(pending) })
  } finally {
    await close()
  }
}

function textOf(pending: readonly PlannedMigration[]): string {
  if (pending.length === 0) return 'The database is up to date.'
  const parts = pending.map(({ name, statements }) => [`-- ${name}`, ...statements.map((one) => `${one};`)])
  return [...parts.flat(), '-- Nothing was changed.'].join('\n')
}
