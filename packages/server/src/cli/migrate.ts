import { migrate as runMigrations } from '../db/migrate.ts'
import { openDatabase } from '../db/open.ts'
import { printDone } from './output.ts'
import { type Flags, makeDataFolder, readSettings } from './settings.ts'

export async function migrate(flags: Flags): Promise<void> {
  const settings = readSettings(flags)
  makeDataFolder(settings)
  const { db, close } = await openDatabase(settings.database)
  try {
    const applied = await runMigrations(db)
    const text = applied.length === 0 ? 'The database is up to date.' : `Applied: ${applied.join(', ')}`
    printDone({ applied }, { json: flags.json ?? false, text })
  } finally {
    await close()
  }
}
