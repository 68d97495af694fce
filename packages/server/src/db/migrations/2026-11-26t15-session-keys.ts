import type { Kysely } from 'kysely'

/**
 * Tokens that are bound to a key (RFC 9449). The refresh token of such a session has a column of its own: code of the
 * release before, which knows nothing of proofs, finds none and refuses, where it would otherwise hand out plain ones.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('session').addColumn('bound_key', 'text').execute()
  await db.schema.alterTable('session').addColumn('bound_hash', 'text').execute()
}
