import type { Kysely } from 'kysely'

/** What people let jobs do for them, and who acted in the log. Only adds: the release before gives no grant and takes none. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('account_grant')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('account_id', 'text', (column) => column.notNull())
    .addColumn('session_id', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('audience', 'text', (column) => column.notNull())
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('purpose', 'text', (column) => column.notNull())
    .addColumn('began', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('on_sign_out', 'text', (column) => column.notNull())
    .addColumn('on_password_reset', 'text', (column) => column.notNull())
    .addColumn('last_used_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('ended_reason', 'text')
    .execute()
  await db.schema
    .createIndex('account_grant_by_account')
    .on('account_grant')
    .columns(['account_id', 'ended_at'])
    .execute()
  await db.schema.createIndex('account_grant_by_expiry').on('account_grant').column('expires_at').execute()
  await db.schema.alterTable('event').addColumn('client_id', 'text').execute()
  await db.schema.alterTable('event').addColumn('grant_id', 'text').execute()
}
