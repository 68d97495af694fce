import {
  type Dialect,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely'
import pg from 'pg'
import { openLanes } from './lanes.ts'
import type { OnStatement } from './open.ts'
import { postgresDriver } from './postgres-driver.ts'
import { postgresHints } from './postgres-hints.ts'
import type { Primary } from './primary.ts'

export type PostgresOptions = {
  /** Of the pool; lanes and listening come on top. */
  connections?: number
  /** How long anybody waits for a connection of the pool. */
  waitMilliseconds?: number
  /** How long a server that does not answer at all is waited for. */
  deafMilliseconds?: number
  /** Whether the statement that is about to be sent may take its time: nobody waits for it. */
  isPatient?: () => boolean
}

/** A request that finds the database stuck waits for a connection, then for an answer, and is refused. */
export const defaults = { connections: 10, waitMilliseconds: 3000, deafMilliseconds: 4000 }

const bigint = 20
const keepAliveMilliseconds = 10_000
const bounds = { lock: '2s', statement: '15s' }

/**
 * Read committed, so that a conditional update re-reads the row it waited for. A transaction whose process froze must not
 * hold the feed's head row for ever, nobody queues for a lock for long, and what is answered as done is durable: a
 * stronger setting of the operator's is left as it is.
 */
const sessionSettings = `
  set default_transaction_isolation = 'read committed';
  set lock_timeout = '${bounds.lock}';
  set idle_in_transaction_session_timeout = '2s';
  set statement_timeout = '${bounds.statement}';
  select set_config('synchronous_commit', 'on', false)
    where current_setting('synchronous_commit') in ('off', 'local', 'remote_write')`
/** Lanes read, and send hints, which nobody needs to be durable. */
const laneSettings = "set statement_timeout = '4s'; set lock_timeout = '2s'; set synchronous_commit = off"

export function postgresDialect(
  url: string,
  options: PostgresOptions & { onStatement: OnStatement },
): { dialect: Dialect; primary: Primary; close(): Promise<void> } {
  const { connections, waitMilliseconds, deafMilliseconds, onStatement } = { ...defaults, ...options }
  const isPatient = options.isPatient ?? (() => false)
  const config = {
    connectionString: url,
    connectionTimeoutMillis: waitMilliseconds,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMilliseconds,
    application_name: 'counterfoil',
    types: { getTypeParser },
  }
  const pool = new pg.Pool({
    ...config,
    max: connections,
    // A statement and not a start-up option: poolers refuse connections that bring options of their own.
    onConnect: async (client) => {
      await client.query(sessionSettings)
    },
  })
  // Without a listener, a server that restarts takes this process down with it. The next statement reports it.
  pool.on('error', ignore)
  pool.on('connect', (client) => client.on('error', ignore))
  const lanes = openLanes({ config, settings: laneSettings, deafMilliseconds, onStatement })
  const hints = postgresHints({ config, tell: lanes.hint })
  return {
    dialect: {
      createAdapter,
      createDriver: () => postgresDriver(pool, lanes, { deafMilliseconds, isPatient, onStatement }),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    primary: {
      identity,
      briefly,
      undurably,
      nestsWrites: true,
      mayBeFenced: true,
      holdFreeSessions,
      holdFree,
      wall: () => wall,
      hints,
    },
    async close() {
      await hints.close()
      await lanes.close()
    },
  }
}

/** The cluster and its timeline: another one after a failover or a restore to an earlier point. */
const identity = sql<string>`(
  select system_identifier::text || '.' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
  from pg_control_system())`

const wall = sql<number>`floor(extract(epoch from clock_timestamp()) * 1000)::bigint`

const undurably = sql`set_config('synchronous_commit', 'off', true)`

const holdFree = sql`for update skip locked`
const holdFreeSessions = sql`for update of session skip locked`

/** Counted from where the row is held, so that the time spent waiting for it is not taken from it. From PostgreSQL 17 on. */
const briefly = sql`case when current_setting('transaction_timeout', true) is not null
  then set_config('transaction_timeout', '2s', true) end`

/** A migration may take its time, and so may waiting for another node's. Its connection serves others afterwards. */
function createAdapter(): PostgresAdapter {
  const adapter = new PostgresAdapter()
  const acquire = adapter.acquireMigrationLock.bind(adapter)
  const release = adapter.releaseMigrationLock.bind(adapter)
  adapter.acquireMigrationLock = async (db, options) => {
    await setBounds(db, { lock: '0', statement: '0' })
    await acquire(db, options)
  }
  adapter.releaseMigrationLock = async (db, options) => {
    await release(db, options)
    await setBounds(db, bounds)
  }
  return adapter
}

async function setBounds(db: Kysely<unknown>, { lock, statement }: typeof bounds): Promise<void> {
  await sql`select pg_catalog.set_config('lock_timeout', ${lock}, false),
    pg_catalog.set_config('statement_timeout', ${statement}, false)`.execute(db)
}

function ignore(): void {}

/** bigint arrives as text, since it may not fit a number. Ours are seconds and positions, which do. */
function getTypeParser(oid: number, format?: 'text' | 'binary') {
  return oid === bigint ? wholeNumber : pg.types.getTypeParser(oid, format)
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  const message = 'A number in the database is too large to be read exactly.'
  throw Object.assign(new Error(message), { code: '22003' })
}
