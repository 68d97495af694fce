import { sql } from 'kysely'
import type { ClientTable, Db } from '../db/schema.ts'

/** A client and the feed's position, in one snapshot: what ends later ends what is made from it. */
export type ClientRecord = ClientTable & { as_of: number; everyone_end: number }

export function find(db: Db, id: string): Promise<ClientRecord | undefined> {
  return db
    .selectFrom('client')
    .innerJoin('feed_head', (join) => join.on('feed_head.id', '=', 1))
    .selectAll('client')
    .select(['feed_head.seq as as_of', 'feed_head.everyone_end'])
    .where('client.id', '=', id)
    .executeTakeFirst()
}

/** Those of them that are registered and have not ended, nor had their tokens ended, since that position. */
export async function listStanding(
  db: Db,
  { ids, asOf }: { ids: readonly string[]; asOf: number },
): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('client')
    .select('id')
    .where('id', 'in', ids)
    .where('end_position', '<=', asOf)
    .where('tokens_end', '<=', asOf)
    .execute()
  return rows.map(({ id }) => id)
}

export function list(db: Db): Promise<ClientTable[]> {
  return db.selectFrom('client').selectAll().orderBy('created_at').orderBy('id').execute()
}

export async function insert(tx: Db, client: ClientTable): Promise<void> {
  await tx.insertInto('client').values(client).execute()
}

/** `false` where there is none, or it is the built-in one. */
export async function remove(tx: Db, given: { id: string; builtIn: string }): Promise<boolean> {
  const row = await tx
    .deleteFrom('client')
    .where('id', '=', given.id)
    .where('id', '!=', given.builtIn)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** Another secret, or other keys, in place of those before. `false` where no client proves itself in that way. */
export async function replaceProof(
  tx: Db,
  { id, ...proof }: { id: string } & ({ secret_hash: string } | { jwks: string }),
): Promise<boolean> {
  const row = await tx
    .updateTable('client')
    .set(proof)
    .where('id', '=', id)
    .where('secret_hash' in proof ? 'secret_hash' : 'jwks', 'is not', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** Holds the row; `false` where its tokens of that reading are over already, so that nothing is told twice. */
export async function lockTokens(tx: Db, given: { id: string; asOf: number }): Promise<boolean> {
  const row = await tx
    .updateTable('client')
    .set((columns) => ({ tokens_end: columns.ref('tokens_end') }))
    .where('id', '=', given.id)
    .where('tokens_end', '<=', given.asOf)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

export async function setTokensEnd(tx: Db, given: { id: string; position: number }): Promise<void> {
  await tx.updateTable('client').set({ tokens_end: given.position }).where('id', '=', given.id).execute()
}

/**
 * Uses an assertion up, in one write: of many who show it one wins. `false` too where the client has used up as many as are
 * remembered of one client.
 */
export async function useAssertion(
  db: Db,
  given: { id: string; clientId: string; expiresAt: number; now: number; most: number },
): Promise<boolean> {
  const { id, clientId, expiresAt, now, most } = given
  const { rows } = await sql<{ id: string }>`
    insert into client_assertion (id, client_id, expires_at)
    select cast(${id} as text), cast(${clientId} as text), cast(${expiresAt} as bigint)
    where (select count(*) from client_assertion where client_id = ${clientId} and expires_at > ${now}) < ${most}
    on conflict (id) do nothing
    returning id`.execute(db)
  return rows.length === 1
}

export async function isUsed(db: Db, id: string): Promise<boolean> {
  return (
    (await db.selectFrom('client_assertion').select('id').where('id', '=', id).executeTakeFirst()) !==
    undefined
  )
}

export async function forgetAssertions(db: Db, before: number): Promise<void> {
  await db.deleteFrom('client_assertion').where('expires_at', '<', before).execute()
}
