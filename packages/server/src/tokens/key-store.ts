import type { Db, SigningKeyTable } from '../db/schema.ts'

export function listKeys(db: Db): Promise<SigningKeyTable[]> {
  return db.selectFrom('signing_key').selectAll().orderBy('published_at').orderBy('kid').execute()
}

/**
 * A new key takes over at its `active_at`; those before it retire at that very moment. `known`: the keys that its maker saw.
 * `false`: somebody else saw the same and was faster, and nothing was done.
 */
export async function succeed(
  tx: Db,
  { key, known }: { key: SigningKeyTable; known: readonly SigningKeyTable[] },
): Promise<boolean> {
  const { kid, active_at } = key
  const follows = known.flatMap((one) => (one.is_reserve === 0 ? [one.kid] : [])).sort()
  if (active_at === null) follows.unshift('reserve')
  const row = await tx
    .insertInto('key_succession')
    .values({ follows: follows.join(' '), kid })
    .onConflict((conflict) => conflict.column('follows').doNothing())
    .returning('kid')
    .executeTakeFirst()
  if (row === undefined) return false
  if (active_at !== null) await retire(tx, active_at)
  await tx.insertInto('signing_key').values(key).execute()
  return true
}

export async function activate(
  tx: Db,
  given: { kid: string; wrapped_private: string; at: number },
): Promise<boolean> {
  await retire(tx, given.at)
  const row = await tx
    .updateTable('signing_key')
    .set({ wrapped_private: given.wrapped_private, is_reserve: 0, active_at: given.at })
    .where('kid', '=', given.kid)
    .where('is_reserve', '=', 1)
    .returning('kid')
    .executeTakeFirst()
  return row !== undefined
}

export async function remove(tx: Db, kids: readonly string[]): Promise<void> {
  if (kids.length > 0) await tx.deleteFrom('signing_key').where('kid', 'in', kids).execute()
}

async function retire(tx: Db, at: number): Promise<void> {
  await tx
    .updateTable('signing_key')
    .set({ retired_at: at })
    .where('is_reserve', '=', 0)
    .where((row) => row.or([row('retired_at', 'is', null), row('retired_at', '>', at)]))
    .execute()
}
