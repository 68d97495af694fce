import type { Db } from '../db/schema.ts'

/** Puts a new cookie value on a live session in place of `previous`; `false` where either has changed since. */
export async function replaceCookie(
  tx: Db,
  given: { sessionId: string; previous: string | null; hash: string },
): Promise<boolean> {
  const row = await tx
    .updateTable('session')
    .set({ cookie_hash: given.hash })
    .where('id', '=', given.sessionId)
    .where('cookie_hash', given.previous === null ? 'is' : '=', given.previous)
    .where('ended_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}
