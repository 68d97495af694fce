import { sql } from 'kysely'
import type { Db } from '../db/schema.ts'
import { type Limit, latestAllowed } from './gcra.ts'

type Attempt = { key: string; limit: Limit; now: number }

/**
 * The new arrival, or `null` where the attempt is not allowed. One statement: of attempts that come at once, on
 * however many nodes, each sees what the one before it left.
 */
export async function advance(db: Db, { key, limit, now }: Attempt): Promise<number | null> {
  const row = await db
    .insertInto('limit_state')
    .values({ key, arrival_at: now + limit.intervalSeconds })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({
          arrival_at: sql<number>`case when limit_state.arrival_at > ${now} then limit_state.arrival_at + ${limit.intervalSeconds} else ${now + limit.intervalSeconds} end`,
        })
        .where('limit_state.arrival_at', '<=', latestAllowed(limit, now)),
    )
    .returning('arrival_at')
    .executeTakeFirst()
  return row?.arrival_at ?? null
}

export async function readArrival(db: Db, key: string): Promise<number | null> {
  const row = await db
    .selectFrom('limit_state')
    .select('arrival_at')
    .where('key', '=', key)
    .executeTakeFirst()
  return row?.arrival_at ?? null
}

export async function stepBack(db: Db, { key, limit }: { key: string; limit: Limit }): Promise<void> {
  await db
    .updateTable('limit_state')
    .set((row) => ({ arrival_at: row('arrival_at', '-', limit.intervalSeconds) }))
    .where('key', '=', key)
    .execute()
}

/** An arrival in the past says the same as no row. */
export async function dropPast(db: Db, now: number): Promise<void> {
  await db.deleteFrom('limit_state').where('arrival_at', '<=', now).execute()
}
