import { Kysely } from 'kysely'
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
  /** For counting in tests and metrics. */
  onStatement?: OnStatement
}

/**
 * Told of every statement that a driver sent and that was answered or failed, as often as it was sent; not of the settings of a
 * new connection. `hint`: nobody asked for this one, it follows a commit by itself.
 */
export type OnStatement = (sql: string, sort: 'asked' | 'hint') => void

/**
 * Opens `sqlite:PATH`, `sqlite::memory:` or `postgres://…`. Creates a missing SQLite file (mode 0600) and its
 * folder; never creates or changes a table: see `migrate`. PostgreSQL is connected to by the first statement.
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<OpenDatabase> {
  const { engine, dialect, primary, close } = await dialectOf(url, options)
  const db = new Kysely<Schema>({ dialect })
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

async function dialectOf(url: string, { onStatement = ignore, ...options }: OpenOptions) {
  if (url.startsWith('sqlite:')) {
    const opened = sqliteDialect(url.slice('sqlite:'.length), onStatement)
    return { engine: 'sqlite' as const, primary: sqlitePrimary, ...opened }
  }
  if (url.startsWith('postgres://') || url.startsWith('postgresql://')) {
    // Loaded where it is used: a start should not wait for the driver of another engine.
    const { postgresDialect } = await import('./postgres.ts')
    return { engine: 'postgres' as const, ...postgresDialect(url, { ...options, onStatement }) }
  }
  // The URL may hold a password, so it is not repeated here.
  throw new Error('The database must be given as sqlite:PATH, sqlite::memory: or postgres://user@host/name.')
}

function ignore(): void {}
