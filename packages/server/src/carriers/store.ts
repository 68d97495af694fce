import type { Db } from '../db/schema.ts'

/**
 * Puts a new cookie value on a live session in place of `previous`; `false` where either has changed since. From here on
 * nothing else carries the session: a refresh token that it had is dead.
 */
export async function replaceCookie(
  tx: Db,
  given: { sessionId: string; previous: string | null; hash: string },
): Promise<boolean> {
  const row = await tx
    .updateTable('session')
    .set({
      carrier: 'cookie',
      cookie_hash: given.hash,
      refresh_current: null,
      refresh_previous: null,
      refresh_salt: null,
      bound_key: null,
      bound_hash: null,
    })
    .where('id', '=', given.sessionId)
    .where('cookie_hash', given.previous === null ? 'is' : '=', given.previous)
    .where('ended_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
