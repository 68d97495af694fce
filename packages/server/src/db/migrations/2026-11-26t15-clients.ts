import { type Kysely, sql } from 'kysely'

/** How clients prove themselves, and what they may ask for. Only adds: the release before goes on working. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const add = (name: string, type: 'text' | 'bigint', ifLeftOut: string | number | null) =>
    db.schema
      .alterTable('client')
      .addColumn(name, type, (column) =>
        ifLeftOut === null ? column : column.notNull().defaultTo(ifLeftOut),
      )
      .execute()
  // Whoever the release before adds has a secret and shows it so.
  await add('auth_method', 'text', 'client_secret_basic')
  await add('scope', 'text', '')
  await add('jwks', 'text', null)
  await add('tokens_end', 'bigint', 0)
  await sql`update client set auth_method = 'none' where secret_hash is null`.execute(db)
  await db.schema
    .createTable('client_assertion')
    // Of client and jti: whoever reads the table cannot show an assertion.
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('client_assertion_by_client')
    .on('client_assertion')
    .columns(['client_id', 'expires_at'])
    .execute()
  await db.schema
    .createIndex('client_assertion_by_expiry')
    .on('client_assertion')
    .column('expires_at')
    .execute()
}
