import { sql } from 'kysely'
import type { Primary } from '../db/primary.ts'
import type { Db } from '../db/schema.ts'
import { type Limit, latestAllowed } from './gcra.ts'

type Attempt = { key: string; limit: Limit; now: number; primary: Primary }

/**
 * The new arrival, or `null` where the attempt is not allowed. One statement: of attempts that come at once, on
 * however many nodes, each sees what the one before it left. It does not wait for the disk: everybody of one network
 * queues for one row, and a crash of the database may forget the attempts of its last moment.
 */
export async function advance(db: Db, { key, limit, now, primary }: Attempt): Promise<number | null> {
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
    .returning(['arrival_at', primary.undurably.as('undurably')])
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

export async function stepBack(db: Db, { key, limit, primary }: Omit<Attempt, 'now'>): Promise<void> {
  await db
    .updateTable('limit_state')
    .set((row) => ({ arrival_at: row('arrival_at', '-', limit.intervalSeconds) }))
    .where('key', '=', key)
    .returning(primary.undurably.as('undurably'))
    .execute()
}

/** An arrival in the past says the same as no row. */
export async function dropPast(db: Db, now: number): Promise<void> {
  await db.deleteFrom('limit_state').where('arrival_at', '<=', now).execute()
}
