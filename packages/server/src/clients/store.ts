import type { ClientTable, Db } from '../db/schema.ts'

export function find(db: Db, id: string): Promise<ClientTable | undefined> {
  return db.selectFrom('client').selectAll().where('id', '=', id).executeTakeFirst()
}

export function list(db: Db): Promise<ClientTable[]> {
  return db.selectFrom('client').selectAll().orderBy('created_at').orderBy('id').execute()
}

export async function insert(tx: Db, client: ClientTable): Promise<void> {
  await tx.insertInto('client').values(client).execute()
}

/** `false` where there is none, or it is a built-in one. */
export async function remove(tx: Db, id: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('client')
    .where('id', '=', id)
    .where('secret_hash', 'is not', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
