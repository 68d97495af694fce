import { Kysely, type KyselyConfig } from 'kysely'
import { postgresDialect, postgresIdentity } from './postgres.ts'
import type { Db, Schema } from './schema.ts'
import { sqliteDialect } from './sqlite.ts'

export type Engine = 'sqlite' | 'postgres'

export type OpenDatabase = {
  db: Db
  engine: Engine
  /** Which copy of which database this is; empty where the engine cannot tell. */
  identity(on: Db): Promise<string>
  close(): Promise<void>
}

export type OpenOptions = {
  /** Told of every statement that the driver executed, failed ones too: for counting in tests and metrics. */
  onStatement?: (sql: string) => void
}

/**
 * Opens `sqlite:PATH`, `sqlite::memory:` or `postgres://…`. Creates a missing SQLite file (mode 0600) and its
 * folder; never creates or changes a table: see `migrate`. PostgreSQL is connected to by the first statement.
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<OpenDatabase> {
  const { engine, dialect, identity, close } = dialectOf(url)
  const { onStatement } = options
  const told: Partial<KyselyConfig> = onStatement ? { log: (event) => onStatement(event.query.sql) } : {}
  const db = new Kysely<Schema>({ dialect, ...told })
  return {
    db,
    engine,
    identity,
    async close() {
      await db.destroy()
      await close()
    },
  }
}

function dialectOf(url: string) {
  if (url.startsWith('sqlite:')) {
    const identity = async () => ''
    return { engine: 'sqlite' as const, identity, ...sqliteDialect(url.slice('sqlite:'.length)) }
  }
  if (url.startsWith('postgres://') || url.startsWith('postgresql://')) {
    return { engine: 'postgres' as const, identity: postgresIdentity, ...postgresDialect(url) }
  }
  // The URL may hold a password, so it is not repeated here.
  throw new Error('The database must be given as sqlite:PATH, sqlite::memory: or postgres://user@host/name.')
}
