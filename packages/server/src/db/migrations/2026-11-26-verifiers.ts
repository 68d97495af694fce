import { type Kysely, sql } from 'kysely'

/** Who listens to the feed, which lives the database had, and secrets of clients. Only adds: the release before goes on working. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('feed_epoch')
    .addColumn('epoch', 'bigint', (column) => column.primaryKey().notNull())
    // The head when it began.
    .addColumn('start', 'bigint', (column) => column.notNull())
    // Which copy of the database it was, as the engine names itself.
    .addColumn('identity', 'text', (column) => column.notNull())
    .execute()
  await sql`insert into feed_epoch (epoch, start, identity) select epoch, 0, '' from feed_head`.execute(db)
  await db.schema
    .createTable('feed_verifier')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('max_stale', 'bigint', (column) => column.notNull())
    .addColumn('applied', 'bigint', (column) => column.notNull())
    // Until when it may trust itself at the most, if it hears nothing more.
    .addColumn('lapses_at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .alterTable('feed_log')
    .addColumn('wants_ack', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute()
  await db.schema.createIndex('feed_log_by_at').on('feed_log').column('at').execute()
  await db.schema.alterTable('client').addColumn('secret_hash', 'text').execute()
}
