import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'

/** Another system's database, opened for reading alone. */
export type Foreign = {
  /** The columns of each table, by its name. */
  tables(): Promise<ReadonlyMap<string, readonly string[]>>
  /** What a query gives, a batch at a time, all of one moment. Every column has to be text. */
  read(query: string): AsyncGenerator<ForeignRow[]>
  close(): Promise<void>
}

export type ForeignRow = Readonly<Record<string, string | null>>

const rowsAtOnce = 500

/** `sqlite:PATH` of a file that is there, or `postgres://…`. */
export async function openForeign(url: string): Promise<Foreign> {
  if (url.startsWith('sqlite:')) return openSqlite(url.slice('sqlite:'.length))
  if (url.startsWith('postgres://') || url.startsWith('postgresql://')) return openPostgres(url)
  // The URL may hold a password, so it is not repeated here.
  throw new Error('The source must be given as sqlite:PATH or postgres://user@host/name.')
}

function openSqlite(path: string): Foreign {
  if (!existsSync(path)) throw new Error(`There is no database at ${path}.`)
  const raw = new DatabaseSync(path, { readOnly: true })
  return {
    async tables() {
      const rows = raw
        .prepare(
          `select m.name as "table", c.name as "column" from sqlite_schema m join pragma_table_info(m.name) c
           where m.type in ('table', 'view')`,
        )
        .all()
      return grouped(rows)
    },
    async *read(query) {
      let batch: ForeignRow[] = []
      for (const row of raw.prepare(query).iterate()) {
        if (batch.push(textsOf(row)) < rowsAtOnce) continue
        yield batch
        batch = []
      }
      if (batch.length > 0) yield batch
    },
    close: async () => raw.close(),
  }
}

async function openPostgres(url: string): Promise<Foreign> {
  const client = new pg.Client({ connectionString: url, application_name: 'counterfoil import' })
  // Without a listener, a server that stops takes this process down; the next statement reports it.
  client.on('error', () => {})
  await client.connect()
  await client.query('begin transaction isolation level repeatable read read only')
  return {
    async tables() {
      const { rows } = await client.query(
        `select table_name as "table", column_name as "column" from information_schema.columns
         where table_schema = any (current_schemas(false)) order by ordinal_position`,
      )
      return grouped(rows)
    },
    async *read(query) {
      await client.query(`declare accounts no scroll cursor for ${query}`)
      for (;;) {
        const { rows } = await client.query<Record<string, unknown>>(`fetch ${rowsAtOnce} from accounts`)
        if (rows.length === 0) break
        yield rows.map(textsOf)
      }
      await client.query('close accounts')
    },
    close: () => client.end(),
  }
}

function grouped(rows: readonly Record<string, unknown>[]): Map<string, string[]> {
  const tables = new Map<string, string[]>()
  for (const { table, column } of rows) {
    const columns = tables.get(String(table)) ?? []
    tables.set(String(table), columns)
    columns.push(String(column))
  }
  return tables
}

function textsOf(row: Record<string, unknown>): ForeignRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'string' ? value : null]),
  )
}
