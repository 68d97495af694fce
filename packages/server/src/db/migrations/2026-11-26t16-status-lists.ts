import type { Kysely } from 'kysely'

/** Places in status lists, for those who have no stream. Only adds: the release before gives none and reads none. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('status_list')
    .addColumn('id', 'bigint', (column) => column.primaryKey().notNull())
    .addColumn('list', 'bigint', (column) => column.notNull())
    .addColumn('given', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('status_place')
    .addColumn('place', 'bigint', (column) => column.primaryKey().notNull())
    .addColumn('session_id', 'text', (column) => column.notNull())
    .addColumn('cutoff', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('status_place_by_session')
    .on('status_place')
    .columns(['session_id', 'cutoff'])
    .unique()
    .execute()
  await db.schema.createIndex('status_place_by_expiry').on('status_place').column('expires_at').execute()
}
