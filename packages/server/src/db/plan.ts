import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { migrations, pendingMigrations } from './migrate.ts'
import type { Engine } from './open.ts'
import type { Db } from './schema.ts'

export type PlannedMigration = { name: string; statements: string[] }

/**
 * What `migrate` would send, each migration's own statements in order. They are written down and not executed: trying
 * them in a transaction that is rolled back would hold up whoever works on the same tables. So this shows what would
 * run, and not whether it would succeed on what the tables hold.
 */
export async function planMigrations(db: Db, engine: Engine): Promise<PlannedMigration[]> {
  const planned: PlannedMigration[] = []
  for (const name of await pendingMigrations(db)) {
    const statements: string[] = []
    const recorder = createRecorder(engine, (query) => statements.push(textOf(query)))
    await migrations[name]?.up(recorder)
    await recorder.destroy()
    planned.push({ name, statements })
  }
  return planned
}

function createRecorder(engine: Engine, onQuery: (query: CompiledQuery) => void): Kysely<unknown> {
  const isSqlite = engine === 'sqlite'
  return new Kysely<unknown>({
    dialect: {
      createAdapter: () => (isSqlite ? new SqliteAdapter() : new PostgresAdapter()),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => (isSqlite ? new SqliteIntrospector(db) : new PostgresIntrospector(db)),
      createQueryCompiler: () => (isSqlite ? new SqliteQueryCompiler() : new PostgresQueryCompiler()),
    },
    log: ({ query }) => onQuery(query),
  })
}

function textOf({ sql, parameters }: CompiledQuery): string {
  return parameters.length === 0 ? sql : `${sql} -- ${JSON.stringify(parameters)}`
}
