import { type Dialect, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import type { Db } from './schema.ts'

const poolSize = 10
const connectMilliseconds = 5000
const bigint = 20

/**
 * Read committed, so that a conditional update re-reads the row it waited for. A transaction whose process froze
 * must not hold the feed's head row for ever, and no single statement may.
 */
const sessionSettings =
  "set default_transaction_isolation = 'read committed'; set idle_in_transaction_session_timeout = '10s'; set statement_timeout = '15s'; set synchronous_commit = on"

export function postgresDialect(url: string): { dialect: Dialect; close(): Promise<void> } {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: connectMilliseconds,
    keepAlive: true,
    application_name: 'counterfoil',
    types: { getTypeParser },
    // A statement and not a start-up option: poolers refuse connections that bring options of their own.
    onConnect: async (client) => {
      await client.query(sessionSettings)
    },
  })
  // Without a listener, a server that restarts takes this process down with it. The next statement reports it.
  pool.on('error', ignore)
  pool.on('connect', (client) => client.on('error', ignore))
  return { dialect: new PostgresDialect({ pool }), async close() {} }
}

/** The cluster and its timeline: another one after a failover or a restore to an earlier point. */
export async function postgresIdentity(db: Db): Promise<string> {
  const { rows } = await sql<{ identity: string }>`
    select system_identifier::text || '.' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as identity
    from pg_control_system()`.execute(db)
  return rows[0]?.identity ?? ''
}

function ignore(): void {}

/** bigint arrives as text, since it may not fit a number. Ours are seconds and positions, which do. */
function getTypeParser(oid: number, format?: 'text' | 'binary') {
  return oid === bigint ? wholeNumber : pg.types.getTypeParser(oid, format)
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value))
    throw new Error('A number in the database is too large to be read exactly.')
  return value
}
