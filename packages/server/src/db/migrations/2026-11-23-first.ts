import { type CreateTableBuilder, type Kysely, sql } from 'kysely'

/**
 * Text and bigint only, so that both engines hold the same values and compare them the same way.
 * The column types are spelled out here and not taken from schema.ts: a migration never changes, the schema does.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createAccounts(db)
  await createSessions(db)
  await createFeed(db)
  await createRest(db)
  await createIndexes(db)
  await insertFirstRows(db)
}

async function createAccounts(db: Kysely<unknown>): Promise<void> {
  await table(db, 'account', {
    text: ['email', 'state'],
    number: ['end_position', 'created_at'],
    numberOrNull: ['verified_at'],
  })
    .addUniqueConstraint('account_email', ['email'])
    .execute()
  await db.schema
    .createTable('password')
    .addColumn('account_id', 'text', (column) => column.primaryKey().notNull().references('account.id'))
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('changed_at', 'bigint', (column) => column.notNull())
    .execute()
  await table(db, 'password_reset', { textOrNull: ['account_id'], number: ['created_at', 'expires_at'] })
    .addForeignKeyConstraint('password_reset_account', ['account_id'], 'account', ['id'])
    .execute()
  await table(db, 'sign_up', {
    text: ['email'],
    textOrNull: ['password_hash', 'browser_hash', 'account_id'],
    number: ['created_at', 'expires_at'],
  })
    .addForeignKeyConstraint('sign_up_account', ['account_id'], 'account', ['id'])
    .execute()
}

async function createSessions(db: Kysely<unknown>): Promise<void> {
  await table(db, 'client', { text: ['name'], number: ['end_position', 'created_at'] }).execute()
  await table(db, 'session', {
    text: ['account_id', 'client_id', 'carrier', 'device', 'amr'],
    textOrNull: ['ended_reason', 'cookie_hash', 'refresh_current', 'refresh_previous', 'refresh_salt'],
    number: [
      'began',
      'created_at',
      'authenticated_at',
      'last_seen_at',
      'expires_at',
      'refresh_generation',
      'refresh_repeats',
      'refresh_repeated_generation',
    ],
    numberOrNull: ['ended_at', 'refresh_rotated_at'],
  })
    .addUniqueConstraint('session_cookie_hash', ['cookie_hash'])
    .addForeignKeyConstraint('session_account', ['account_id'], 'account', ['id'])
    .addForeignKeyConstraint('session_client', ['client_id'], 'client', ['id'])
    .execute()
  await table(db, 'signing_key', {
    key: 'kid',
    text: ['algorithm', 'public_jwk', 'wrapped_private'],
    number: ['is_reserve', 'published_at'],
    numberOrNull: ['active_at', 'retired_at'],
  }).execute()
}

async function createFeed(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('feed_head')
    // A second head would be a second order of revocations.
    .addColumn('id', 'bigint', (column) => column.primaryKey().notNull().check(sql`id = 1`))
    .addColumn('epoch', 'bigint', (column) => column.notNull())
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('everyone_end', 'bigint', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('feed_log')
    .addColumn('seq', 'bigint', (column) => column.primaryKey().notNull())
    .addColumn('epoch', 'bigint', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .execute()
}

async function createRest(db: Kysely<unknown>): Promise<void> {
  await table(db, 'limit_state', { key: 'key', number: ['arrival_at'] }).execute()
  await table(db, 'outbox', {
    text: ['kind', 'recipient'],
    textOrNull: ['link_id'],
    number: ['created_at', 'attempts', 'next_at'],
    numberOrNull: ['sent_at'],
  }).execute()
  await table(db, 'event', {
    text: ['kind', 'outcome'],
    textOrNull: ['account_id', 'session_id', 'network', 'detail'],
    number: ['at'],
  }).execute()
}

async function createIndexes(db: Kysely<unknown>): Promise<void> {
  const indexes: [table: string, column: string][] = [
    ['session', 'account_id'],
    ['session', 'expires_at'],
    ['sign_up', 'expires_at'],
    ['password_reset', 'expires_at'],
    ['limit_state', 'arrival_at'],
    ['event', 'at'],
    ['outbox', 'next_at'],
    ['sign_up', 'email'],
    ['password_reset', 'account_id'],
  ]
  for (const [name, column] of indexes) {
    await db.schema.createIndex(`${name}_by_${column}`).on(name).column(column).execute()
  }
  // Holds only the few sessions that were refreshed within the repeat window.
  await db.schema
    .createIndex('session_by_salt')
    .on('session')
    .column('refresh_rotated_at')
    .where(sql.ref('refresh_salt'), 'is not', null)
    .execute()
}

async function insertFirstRows(db: Kysely<unknown>): Promise<void> {
  await sql`insert into feed_head (id, epoch, seq, everyone_end) values (1, 1, 0, 0)`.execute(db)
  // Built in since the beginning of time: a migration does not read the clock.
  await sql`insert into client (id, name, end_position, created_at) values ('first-party', 'first-party', 0, 0)`.execute(
    db,
  )
}

type Columns = {
  key?: string
  text?: string[]
  textOrNull?: string[]
  number?: string[]
  numberOrNull?: string[]
}

function table(db: Kysely<unknown>, name: string, columns: Columns): CreateTableBuilder<string, string> {
  const { key = 'id', text = [], textOrNull = [], number = [], numberOrNull = [] } = columns
  let made: CreateTableBuilder<string, string> = db.schema
    .createTable(name)
    .addColumn(key, 'text', (column) => column.primaryKey().notNull())
  for (const column of text) made = made.addColumn(column, 'text', (given) => given.notNull())
  for (const column of number) made = made.addColumn(column, 'bigint', (given) => given.notNull())
  for (const column of textOrNull) made = made.addColumn(column, 'text')
  for (const column of numberOrNull) made = made.addColumn(column, 'bigint')
  return made
}
