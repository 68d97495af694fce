import type { Kysely } from 'kysely'

/** Who came after which signing keys, so that of several nodes that miss a key one makes it. Only adds. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('key_succession')
    // The keys that there were, or nothing; for a reserve, with that word in front.
    .addColumn('follows', 'text', (column) => column.primaryKey().notNull())
    .addColumn('kid', 'text', (column) => column.notNull())
    .execute()
}
