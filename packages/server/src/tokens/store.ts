import type { ExpressionBuilder } from 'kysely'
import type { Db, Schema } from '../db/schema.ts'

/** What the session stands on has not ended either: asked in the very statement that hands something out. */
function isOpen(row: ExpressionBuilder<Schema, 'session'>) {
  return row.and([
    row('session.ended_at', 'is', null),
    row.exists(
      row
        .selectFrom('account')
        .innerJoin('client', (join) => join.onRef('client.id', '=', 'session.client_id'))
        .innerJoin('feed_head', (join) => join.on('feed_head.id', '=', 1))
        .select('account.id')
        .whereRef('account.id', '=', 'session.account_id')
        .where('account.state', '=', 'active')
        .whereRef('account.end_position', '<=', 'session.began')
        .whereRef('client.end_position', '<=', 'session.began')
        .whereRef('feed_head.everyone_end', '<=', 'session.began'),
    ),
  ])
}

export type NewRefresh = {
  sessionId: string
  generation: number
  hash: string
  /** The thumbprint of the key that it is bound to. */
  key: string | null
  /** The cookie that the session has, which is dead from here on. */
  cookie: string | null
  at: number
}

/**
 * A first secret, or a new one after a new proof: the one before is dead, without a successor of its own.
 */
export async function replaceRefresh(tx: Db, given: NewRefresh): Promise<boolean> {
  const { hash, key } = given
  const row = await tx
    .updateTable('session')
    .set({
      refresh_generation: given.generation,
      refresh_current: key === null ? hash : null,
      refresh_previous: null,
      refresh_salt: null,
      refresh_rotated_at: given.at,
      refresh_repeats: 0,
      refresh_repeated_generation: 0,
      carrier: 'token',
      cookie_hash: null,
      bound_key: key,
      bound_hash: key === null ? null : hash,
    })
    .where('id', '=', given.sessionId)
    .where('refresh_generation', '=', given.generation - 1)
    .where('cookie_hash', given.cookie === null ? 'is' : '=', given.cookie)
    .where(isOpen)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * One compare-and-swap: of many who show the same token one wins, and nobody wins once the session, or what
 * it stands on, has ended. `false` means: read again and judge anew.
 */
export async function rotate(
  db: Db,
  given: {
    sessionId: string
    generation: number
    current: string
    next: string
    salt: string
    repeats: number
    at: number
  },
): Promise<boolean> {
  const row = await db
    .updateTable('session')
    .set({
      refresh_generation: given.generation + 1,
      refresh_previous: given.current,
      refresh_current: given.next,
      refresh_salt: given.salt,
      refresh_rotated_at: given.at,
      refresh_repeats: given.repeats,
      last_seen_at: given.at,
    })
    .where('id', '=', given.sessionId)
    .where('refresh_generation', '=', given.generation)
    .where('refresh_current', '=', given.current)
    .where(isOpen)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

export async function countRepeat(
  db: Db,
  given: { sessionId: string; generation: number; repeats: number },
): Promise<boolean> {
  const row = await db
    .updateTable('session')
    .set({ refresh_repeats: given.repeats, refresh_repeated_generation: given.generation })
    .where('id', '=', given.sessionId)
    .where('refresh_generation', '=', given.generation)
    .where('refresh_repeats', '=', given.repeats - 1)
    // A new proof keeps the generation and takes the secret away.
    .where('refresh_current', 'is not', null)
    .where(isOpen)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
