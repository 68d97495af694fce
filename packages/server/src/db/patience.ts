import { sql } from 'kysely'
import type { Db } from './schema.ts'

/**
 * Bounds of time are there for the short transactions of a server; lifted until this one is over. Some PostgreSQL versions
 * do not know all of them.
 */
export async function liftTimeouts(db: Db): Promise<void> {
  await sql`
    select set_config(name, '0', true) from pg_settings
    where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
  `.execute(db)
}
