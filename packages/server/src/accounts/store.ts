import type { AccountTable, Db } from '../db/schema.ts'
import { type Slots, template } from '../db/template.ts'

export type Account = AccountTable

export type Taken = { emails: string[]; ids: string[] }

export function findByEmail(db: Db, email: string): Promise<Account | undefined> {
  return db.selectFrom('account').selectAll().where('email', '=', email).executeTakeFirst()
}

export function findById(db: Db, id: string): Promise<Account | undefined> {
  return db.selectFrom('account').selectAll().where('id', '=', id).executeTakeFirst()
}

export function list(db: Db): Promise<Account[]> {
  return db.selectFrom('account').selectAll().orderBy('created_at').orderBy('id').execute()
}

/** `null` where the address is taken: the unique index decides between two who come at once. */
export async function insert(tx: Db, account: Account): Promise<Account | null> {
  const row = await tx
    .insertInto('account')
    .values(account)
    .onConflict((conflict) => conflict.column('email').doNothing())
    .returningAll()
    .executeTakeFirst()
  return row ?? null
}

/** Those among them that are there now; one whose address or id is taken is left out. */
export async function insertMany(tx: Db, accounts: readonly Account[]): Promise<Set<string>> {
  const rows = await tx
    .insertInto('account')
    .values([...accounts])
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .execute()
  return new Set(rows.map(({ id }) => id))
}

export async function findTaken(db: Db, given: Taken): Promise<Taken> {
  const rows = await db
    .selectFrom('account')
    .select(['id', 'email'])
    .where((where) => where.or([where('email', 'in', given.emails), where('id', 'in', given.ids)]))
    .execute()
  return { emails: rows.map(({ email }) => email), ids: rows.map(({ id }) => id) }
}

export async function markVerified(tx: Db, id: string, at: number): Promise<void> {
  await tx
    .updateTable('account')
    .set({ verified_at: at })
    .where('id', '=', id)
    .where('verified_at', 'is', null)
    .execute()
}

/** Changes the state once; `false` where it was so already or there is no such account. Locks the row. */
export async function changeState(tx: Db, id: string, state: Account['state']): Promise<boolean> {
  const row = await tx
    .updateTable('account')
    .set({ state })
    .where('id', '=', id)
    .where('state', '!=', state)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

const lockById = template((tx, { id }: Slots<{ id: string }>) =>
  tx
    .updateTable('account')
    .set((row) => ({ end_position: row.ref('end_position') }))
    .where('id', '=', id)
    .returningAll(),
)

/** Holds the row until the transaction is over, and reads it as it is from then on. */
export async function lock(tx: Db, id: string): Promise<Account | undefined> {
  return (await lockById(tx, { id }))[0]
}

export async function setEnd(tx: Db, id: string, position: number): Promise<void> {
  await tx.updateTable('account').set({ end_position: position }).where('id', '=', id).execute()
}

/** The first time counts, and stays. */
export async function endAdoption(tx: Db, given: { id: string; at: number }): Promise<void> {
  await tx
    .insertInto('adoption_end')
    .values({ account_id: given.id, ended_at: given.at })
    .onConflict((conflict) => conflict.column('account_id').doNothing())
    .execute()
}
