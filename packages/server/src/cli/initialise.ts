import { existsSync } from 'node:fs'
import { writeRootSecret } from '../node/secret-file.ts'
import { makeDataFolder, type Settings, sqliteFile } from './settings.ts'

/**
 * Makes the data folder and both secrets where they are missing. What is there is never replaced, and beside a
 * database that is there nothing is made: a new secret would not open what the old one locked.
 */
export function initialise(settings: Settings): { made: string[] } {
  makeDataFolder(settings)
  if (existsSync(settings.secretPath)) return { made: [] }
  const database = sqliteFile(settings)
  if (database !== null && existsSync(database)) {
    throw new Error(
      `There is a database at ${database}, but no root secret at ${settings.secretPath}. Bring back the secret that belongs to it, or name it in COUNTERFOIL_SECRET_FILE.`,
    )
  }
  const made = [settings.secretPath, settings.reservePath].filter((path) => !existsSync(path))
  for (const path of made) writeRootSecret(path)
  return { made }
}
