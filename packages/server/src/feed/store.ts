import type { Db } from '../db/schema.ts'

export type Entry = { kind: string; key: string; endsEveryone: boolean }

/** A statement takes some 32,000 values; an account with more sessions than that must still be able to end them. */
const rowsAtOnce = 1000

/**
 * Appends within the revoking transaction. The head row stays locked until commit, so position n+1 cannot
 * exist before n is visible, and a gap shows by arithmetic; a serial column could not promise either.
 */
export async function append(tx: Db, entries: readonly Entry[], at: number): Promise<number> {
  const count = entries.length
  const endsEveryone = entries.some((entry) => entry.endsEveryone)
  const head = await tx
    .updateTable('feed_head')
    .set((row) => ({
      seq: row('seq', '+', count),
      ...(endsEveryone ? { everyone_end: row('seq', '+', count) } : {}),
    }))
    .where('id', '=', 1)
    .returning(['seq', 'epoch'])
    .executeTakeFirstOrThrow()
  const first = head.seq - count + 1
  const rows = entries.map(({ kind, key }, index) => ({
    seq: first + index,
    epoch: head.epoch,
    kind,
    key,
    at,
  }))
  for (let start = 0; start < count; start += rowsAtOnce) {
    await tx
      .insertInto('feed_log')
      .values(rows.slice(start, start + rowsAtOnce))
      .execute()
  }
  return head.seq
}

export async function readHead(db: Db): Promise<{ position: number; epoch: number; everyone_end: number }> {
  return db
    .selectFrom('feed_head')
    .select(['seq as position', 'epoch', 'everyone_end'])
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
}
