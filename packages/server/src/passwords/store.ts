import type { Db, SignUpTable } from '../db/schema.ts'
import { type Slots, template } from '../db/template.ts'

/** What a sign-in is judged by, and the feed position of that very read: whatever ends later ends it too. */
export type StoredCredential = {
  accountId: string
  email: string
  state: 'active' | 'disabled'
  verifiedAt: number | null
  accountEnd: number
  hash: string
  position: number
}

function selectCredential(db: Db) {
  return db
    .selectFrom('account')
    .innerJoin('password', 'password.account_id', 'account.id')
    .innerJoin('feed_head', (join) => join.on('feed_head.id', '=', 1))
    .select([
      'account.id as accountId',
      'account.email',
      'account.state',
      'account.verified_at as verifiedAt',
      'account.end_position as accountEnd',
      'password.hash',
      'feed_head.seq as position',
    ])
}

const selectByEmail = template((db, { email }: Slots<{ email: string }>) =>
  selectCredential(db).where('account.email', '=', email),
)

export async function findByEmail(db: Db, email: string): Promise<StoredCredential | undefined> {
  return (await selectByEmail(db, { email }))[0]
}

export function findByAccount(db: Db, accountId: string): Promise<StoredCredential | undefined> {
  return selectCredential(db).where('account.id', '=', accountId).executeTakeFirst()
}

export async function setPassword(
  tx: Db,
  given: { accountId: string; hash: string; at: number },
): Promise<void> {
  await tx
    .insertInto('password')
    .values({ account_id: given.accountId, hash: given.hash, changed_at: given.at })
    .onConflict((conflict) =>
      conflict.column('account_id').doUpdateSet({ hash: given.hash, changed_at: given.at }),
    )
    .execute()
}

export async function insertMany(
  tx: Db,
  passwords: readonly { accountId: string; hash: string }[],
  at: number,
): Promise<void> {
  const rows = passwords.map(({ accountId, hash }) => ({ account_id: accountId, hash, changed_at: at }))
  await tx.insertInto('password').values(rows).execute()
}

/** The same password at today's cost; `false` where somebody changed it in between. */
export async function exchangeHash(
  tx: Db,
  given: { accountId: string; from: string; to: string },
): Promise<boolean> {
  const row = await tx
    .updateTable('password')
    .set({ hash: given.to })
    .where('account_id', '=', given.accountId)
    .where('hash', '=', given.from)
    .returning('account_id')
    .executeTakeFirst()
  return row !== undefined
}

export async function insertSignUp(tx: Db, signUp: SignUpTable): Promise<void> {
  await tx.insertInto('sign_up').values(signUp).execute()
}

export function findSignUp(db: Db, given: { id: string; now: number }): Promise<SignUpTable | undefined> {
  return db
    .selectFrom('sign_up')
    .selectAll()
    .where('id', '=', given.id)
    .where('expires_at', '>', given.now)
    .executeTakeFirst()
}

/** Whoever shows the link without the password or the browser proved only the mailbox. */
export async function dropUnprovenPassword(db: Db, id: string): Promise<void> {
  await db.updateTable('sign_up').set({ password_hash: null }).where('id', '=', id).execute()
}

/**
 * The winner takes it, and with it every other sign-up for the address is void. One statement, so that two links of
 * one address, opened at the same time, lock the rows in the same order.
 */
export async function consumeSignUp(
  tx: Db,
  given: { id: string; email: string; now: number },
): Promise<SignUpTable | undefined> {
  const dropped = await tx
    .deleteFrom('sign_up')
    .where('email', '=', given.email)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('sign_up as taken')
          .select('taken.id')
          .where('taken.id', '=', given.id)
          .where('taken.expires_at', '>', given.now),
      ),
    )
    .returningAll()
    .execute()
  return dropped.find((row) => row.id === given.id)
}

/** The mailbox may still be proven, but by nothing that was known before the password changed. */
export async function forgetSignUpProofs(tx: Db, email: string): Promise<void> {
  const nothing = { password_hash: null, browser_hash: null }
  await tx.updateTable('sign_up').set(nothing).where('email', '=', email).execute()
}

export async function dropSignUps(tx: Db, email: string): Promise<void> {
  await tx.deleteFrom('sign_up').where('email', '=', email).execute()
}

/** A newer link makes older ones void. `accountId` is null where there is no account: the work is the same. */
export async function replaceReset(
  tx: Db,
  given: { id: string; accountId: string | null; at: number; expiresAt: number },
): Promise<void> {
  await dropResets(tx, given.accountId)
  await tx
    .insertInto('password_reset')
    .values({ id: given.id, account_id: given.accountId, created_at: given.at, expires_at: given.expiresAt })
    .execute()
}

export async function dropResets(tx: Db, accountId: string | null): Promise<void> {
  await tx.deleteFrom('password_reset').where('account_id', '=', accountId).execute()
}

export function findReset(
  db: Db,
  given: { id: string; now: number },
): Promise<{ accountId: string | null } | undefined> {
  return db
    .selectFrom('password_reset')
    .select('account_id as accountId')
    .where('id', '=', given.id)
    .where('expires_at', '>', given.now)
    .executeTakeFirst()
}

export async function consumeReset(tx: Db, given: { id: string; now: number }): Promise<boolean> {
  const row = await tx
    .deleteFrom('password_reset')
    .where('id', '=', given.id)
    .where('expires_at', '>', given.now)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

export async function prune(db: Db, now: number): Promise<void> {
  await db.deleteFrom('sign_up').where('expires_at', '<=', now).execute()
  await db.deleteFrom('password_reset').where('expires_at', '<=', now).execute()
}
