import type { Db, OutboxTable } from '../db/schema.ts'
import { leaseSeconds } from './schedule.ts'

export type OutboxRow = OutboxTable

export async function insertRow(tx: Db, row: OutboxRow): Promise<void> {
  await tx.insertInto('outbox').values(row).execute()
}

/**
 * Takes up to `count` rows that are due. The condition on `next_at` lets one of several workers have a row; a worker
 * that dies after this loses nothing, since the row is due again when its lease is over.
 */
export async function claimDue(db: Db, given: { now: number; count: number }): Promise<OutboxRow[]> {
  const { now, count } = given
  const due = await db
    .selectFrom('outbox')
    .selectAll()
    .where('sent_at', 'is', null)
    .where('next_at', '<=', now)
    .orderBy('next_at')
    .orderBy('id')
    .limit(count)
    .execute()
  const claimed: OutboxRow[] = []
  for (const row of due) {
    const lease = { attempts: row.attempts + 1, next_at: now + leaseSeconds }
    const { numUpdatedRows } = await db
      .updateTable('outbox')
      .set(lease)
      .where('id', '=', row.id)
      .where('next_at', '=', row.next_at)
      .where('attempts', '=', row.attempts)
      .where('sent_at', 'is', null)
      .executeTakeFirst()
    if (numUpdatedRows > 0n) claimed.push({ ...row, ...lease })
  }
  return claimed
}

export async function markSent(db: Db, given: { id: string; now: number }): Promise<void> {
  await db.updateTable('outbox').set({ sent_at: given.now }).where('id', '=', given.id).execute()
}

/** Only for who still holds the lease: a slow failure must not put off what another worker has taken meanwhile. */
export async function postpone(db: Db, row: OutboxRow, nextAt: number): Promise<void> {
  await db
    .updateTable('outbox')
    .set({ next_at: nextAt })
    .where('id', '=', row.id)
    .where('attempts', '=', row.attempts)
    .where('sent_at', 'is', null)
    .execute()
}

export async function dropRow(db: Db, id: string): Promise<void> {
  await db.deleteFrom('outbox').where('id', '=', id).execute()
}

export async function dropSentBefore(db: Db, at: number): Promise<void> {
  await db.deleteFrom('outbox').where('sent_at', '<=', at).execute()
}

/** Ids count up within one process, so rows of the same second keep their order. */
export async function readNewest(db: Db, count: number): Promise<OutboxRow[]> {
  return db
    .selectFrom('outbox')
    .selectAll()
    .where('kind', '!=', 'void')
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(count)
    .execute()
}
