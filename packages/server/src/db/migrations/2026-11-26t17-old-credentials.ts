import type { Kysely } from 'kysely'

/** Which credentials of another system were taken, and whose are not taken any more. Only adds: the release before takes none. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('old_credential')
    .addColumn('digest', 'text', (column) => column.primaryKey().notNull())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('adopted_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema.createIndex('old_credential_by_expiry').on('old_credential').column('expires_at').execute()
  await db.schema
    .createTable('adoption_end')
    .addColumn('account_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('ended_at', 'bigint', (column) => column.notNull())
    .execute()
}
