import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe } from 'node:test'
import pg from 'pg'
import { migrate } from '../db/migrate.ts'
import { type OpenDatabase, type OpenOptions, openDatabase } from '../db/open.ts'
import { systemEntropy } from '../node/entropy.ts'
import { readTestPostgres } from '../node/environment.ts'

/** A migrated database of its own, empty but for the first rows. `url` opens it a second time, as another node would. */
export type TestDatabase = OpenDatabase & { url: string }
/** `migrate: false`: without a single table. */
export type TestDatabaseOptions = OpenOptions & { migrate?: boolean }
export type OpenTestDatabase = (options?: TestDatabaseOptions) => Promise<TestDatabase>

/**
 * Runs the same tests on SQLite and, where COUNTERFOIL_TEST_POSTGRES names a server and a superuser, on PostgreSQL.
 * What is left open is closed, and every database is dropped, when the tests have run.
 */
export function onEachEngine(name: string, body: (open: OpenTestDatabase) => void): void {
  describe(`${name} (SQLite)`, () => body(sqliteDatabases()))
  const server = readTestPostgres()
  if (server) describe(`${name} (PostgreSQL)`, () => body(postgresDatabases(server)))
}

/** What is about a file: that one can be put back while nobody runs. */
export function onSqlite(name: string, body: (open: OpenTestDatabase) => void): void {
  describe(`${name} (SQLite)`, () => body(sqliteDatabases()))
}

/** What only several connections at once can show; nothing where there is no PostgreSQL. */
export function onPostgres(name: string, body: (open: OpenTestDatabase) => void): void {
  const server = readTestPostgres()
  if (server) describe(`${name} (PostgreSQL)`, () => body(postgresDatabases(server)))
}

/** The same tests for every way from one database to another: on one engine, and between the two where there are two. */
export function onEachPair(
  name: string,
  body: (open: { from: OpenTestDatabase; to: OpenTestDatabase }) => void,
): void {
  const server = readTestPostgres()
  const engines = [
    { engine: 'SQLite', databases: sqliteDatabases },
    ...(server ? [{ engine: 'PostgreSQL', databases: () => postgresDatabases(server) }] : []),
  ]
  for (const from of engines)
    for (const to of engines)
      describe(`${name} (${from.engine} to ${to.engine})`, () =>
        body({ from: from.databases(), to: to.databases() }))
}

function sqliteDatabases(): OpenTestDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-'))
  const opened = closingAfter(() => rmSync(folder, { recursive: true, force: true }))
  return (options) => opened(`sqlite:${join(folder, `${freshName()}.db`)}`, options)
}

function postgresDatabases(server: string): OpenTestDatabase {
  const names: string[] = []
  const opened = closingAfter(() =>
    asSuperuser(server, async (run) => {
      for (const name of names) await run(`drop database if exists ${name} with (force)`)
    }),
  )
  return async (options) => {
    const name = freshName()
    names.push(name)
    // template0: nobody is ever connected to it, so files that run at once do not refuse each other.
    await asSuperuser(server, (run) => run(`create database ${name} template template0`))
    const url = new URL(server)
    url.pathname = `/${name}`
    return opened(url.href, options)
  }
}

function closingAfter(cleanUp: () => void | Promise<void>) {
  const closers: (() => Promise<void>)[] = []
  after(async () => {
    for (const close of closers) await close()
    await cleanUp()
  })
  return async (url: string, options: TestDatabaseOptions = {}): Promise<TestDatabase> => {
    if (options.migrate ?? true) {
      const setUp = await openDatabase(url)
      await migrate(setUp.db)
      await setUp.close()
    }
    const database = await openDatabase(url, options)
    closers.push(database.close)
    return { ...database, url }
  }
}

async function asSuperuser(
  server: string,
  work: (run: (statement: string) => Promise<unknown>) => Promise<unknown>,
) {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    await work((statement) => client.query(statement))
  } finally {
    await client.end()
  }
}

function freshName(): string {
  return `counterfoil_${Buffer.from(systemEntropy.bytes(12)).toString('hex')}`
}
