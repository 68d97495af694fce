import { Kysely, type KyselyConfig } from 'kysely'
import type { PostgresOptions } from './postgres.ts'
import type { Primary } from './primary.ts'
import type { Db, Schema } from './schema.ts'
import { sqliteDialect, sqlitePrimary } from './sqlite.ts'

export type Engine = 'sqlite' | 'postgres'

export type OpenDatabase = {
  db: Db
  engine: Engine
  primary: Primary
  close(): Promise<void>
}

export type OpenOptions = PostgresOptions & {
  /** Told of every statement that the driver executed, failed ones too: for counting in tests and metrics. */
  onStatement?: (sql: string) => void
}

/**
 * Opens `sqlite:PATH`, `sqlite::memory:` or `postgres://…`. Creates a missing SQLite file (mode 0600) and its
 * folder; never creates or changes a table: see `migrate`. PostgreSQL is connected to by the first statement.
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<OpenDatabase> {
  const { onStatement, ...postgres } = options
  const { engine, dialect, primary, close } = await dialectOf(url, postgres)
  const told: Partial<KyselyConfig> = onStatement ? { log: (event) => onStatement(event.query.sql) } : {}
  const db = new Kysely<Schema>({ dialect, ...told })
  return {
    db,
    engine,
    primary,
    async close() {
      await db.destroy()
      await close()
    },
  }
}

async function dialectOf(url: string, options: PostgresOptions) {
  if (url.startsWith('sqlite:')) {
    const opened = sqliteDialect(url.slice('sqlite:'.length))
    return { engine: 'sqlite' as const, primary: sqlitePrimary, ...opened }
  }
  if (url.startsWith('postgres://') || url.startsWith('postgresql://')) {
    // Loaded where it is used: a start should not wait for the driver of another engine.
    const { postgresDialect } = await import('./postgres.ts')
    return { engine: 'postgres' as const, ...postgresDialect(url, options) }
  }
  // The URL may hold a password, so it is not repeated here.
  throw new Error('The database must be given as sqlite:PATH, sqlite::memory: or postgres://user@host/name.')
}
