import { existsSync } from 'node:fs'
import { type House, wire } from '../auth.ts'
import { pendingMigrations } from '../db/migrate.ts'
import { type OpenDatabase, openDatabase } from '../db/open.ts'
import { systemEntropy } from '../node/entropy.ts'
import { createMachine } from '../node/machine.ts'
import { readPolicy, readSecret, reserveSecret, type Settings, sqliteFile } from './settings.ts'

export type Workbench = {
  house: House
  database: OpenDatabase
  /** Waits until the servers that run on this database know of what was ended, for a few seconds at the most. */
  heard(): Promise<void>
  close(): Promise<void>
}

const roundMilliseconds = 50
const patienceRounds = 80

/**
 * The rooms over the database, for a command that works beside a running server. Most commands touch nothing
 * that a key protects, so they need the database alone; `needsSecret` is for those that do.
 */
export async function openWorkbench(
  settings: Settings,
  { needsSecret }: { needsSecret: boolean },
): Promise<Workbench> {
  const rootSecret = needsSecret ? readSecret(settings) : systemEntropy.bytes(32)
  const policy = readPolicy(settings)
  refuseMissing(settings)
  const database = await openDatabase(settings.database)
  const { db, primary, close } = database
  try {
    const pending = await pendingMigrations(db)
    if (pending.length > 0)
      throw new Error('The database is not up to date. Run `counterfoil migrate` first.')
    const machine = createMachine({
      rootSecret,
      reserveSecret: reserveSecret(settings),
      hashingQueue: 1,
    })
    const issuer = settings.issuer ?? 'http://localhost'
    const house = wire({ db, primary, machine, policy, issuer, transport: null, metricsToken: null })
    const heard = async () => {
      const position = await house.feed.position(db)
      for (let round = 0; round < patienceRounds && !(await house.feed.isHeard(position)); round++)
        await new Promise((resolve) => setTimeout(resolve, roundMilliseconds))
    }
    return { house, database, heard, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Opening a SQLite file makes it; a mistyped path must not leave an empty database behind. */
export function refuseMissing(settings: Settings): void {
  const path = sqliteFile(settings)
  if (path !== null && !existsSync(path)) {
    throw new Error(
      `There is no database at ${path}. Name it with --database or --data, or make it with \`counterfoil migrate\`.`,
    )
  }
}
