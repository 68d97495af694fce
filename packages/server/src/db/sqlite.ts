import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  type Dialect,
  type SqliteStatement as KyselyStatement,
  SqliteAdapter,
  SqliteDialect,
  SqliteDriver,
  sql,
} from 'kysely'
import type { OnStatement } from './open.ts'
import type { Primary } from './primary.ts'

const preparedStatements = 500
const busyMilliseconds = 5000

/** A file cannot tell that it was put back. Processes that share it share a clock, and look for each other's writes. */
export const sqlitePrimary: Primary = {
  identity: sql<string>`''`,
  briefly: sql`null`,
  undurably: sql`null`,
  nestsWrites: false,
  // Whoever writes holds the whole file.
  holdFreeSessions: sql``,
  holdFree: sql``,
  mayBeFenced: false,
  wall: () => sql<number>`cast(unixepoch('subsec') * 1000 as integer)`,
  hints: null,
}

export function sqliteDialect(
  path: string,
  onStatement: OnStatement,
): { dialect: Dialect; close(): Promise<void> } {
  const raw = openFile(path)
  const known = preparing(raw)
  // Asked once for each execution, and for one that fails.
  const prepare = (text: string) => {
    onStatement(text, 'asked')
    return known(text)
  }
  const database = { prepare, close: () => raw.close() }
  const base = new SqliteDialect({ database })
  // SQLite does roll schema changes back. Saying so makes the migrator use one transaction, so that of two
  // processes that start at once, one migrates and the other waits and finds nothing to do.
  const adapter = Object.defineProperty(new SqliteAdapter(), 'supportsTransactionalDdl', { value: true })
  return {
    dialect: {
      createAdapter: () => adapter,
      createDriver: () => new SqliteDriver({ database }),
      createIntrospector: (db) => base.createIntrospector(db),
      createQueryCompiler: () => base.createQueryCompiler(),
    },
    async close() {
      if (raw.isOpen) raw.close()
    },
  }
}

function openFile(path: string): DatabaseSync {
  if (path === '')
    throw new Error('The database path is empty. Give it as sqlite:PATH, such as sqlite:data/auth.db.')
  if (path !== ':memory:') {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // Created here because SQLite would let the umask decide who may read it; its -wal and -shm files copy the mode.
    closeSync(openSync(path, 'a', 0o600))
  }
  const raw = new DatabaseSync(path, { timeout: busyMilliseconds })
  raw.exec('pragma journal_mode=wal; pragma synchronous=full; pragma foreign_keys=on')
  return raw
}

function preparing(raw: DatabaseSync): (sql: string) => KyselyStatement {
  const prepared = new Map<string, KyselyStatement>()
  return (sql) => {
    const known = prepared.get(sql)
    if (known) {
      // Put last again: what is used often is never the oldest.
      prepared.delete(sql)
      prepared.set(sql, known)
      return known
    }
    // The command line writes the same file: a transaction that reads before its first write would otherwise
    // die with SQLITE_BUSY_SNAPSHOT, which no waiting cures.
    const statement = adapted(raw.prepare(sql === 'begin' ? 'begin immediate' : sql))
    const oldest = prepared.size >= preparedStatements ? prepared.keys().next() : null
    if (oldest && !oldest.done) prepared.delete(oldest.value)
    prepared.set(sql, statement)
    return statement
  }
}

function adapted(statement: StatementSync): KyselyStatement {
  return {
    reader: statement.columns().length > 0,
    // Rows of node:sqlite have no prototype, which surprises deepEqual and everything that calls their methods.
    all: (parameters) => statement.all(...parameters.map(bindable)).map((row) => ({ ...row })),
    run: (parameters) => statement.run(...parameters.map(bindable)),
    iterate: (parameters) => statement.iterate(...parameters.map(bindable)),
  }
}

function bindable(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new Error(`A ${typeof value} cannot be bound: columns hold text and whole numbers only.`)
}
