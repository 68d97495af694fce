import type { Db, SigningKeyTable } from '../db/schema.ts'

export function listKeys(db: Db): Promise<SigningKeyTable[]> {
  return db.selectFrom('signing_key').selectAll().orderBy('published_at').orderBy('kid').execute()
}

/** A new key takes over at its `active_at`; those before it retire at that very moment. */
export async function succeed(tx: Db, key: SigningKeyTable): Promise<void> {
  if (key.active_at !== null) await retire(tx, key.active_at)
  await tx.insertInto('signing_key').values(key).execute()
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
