import { sql } from 'kysely'
import type { Db } from '../db/schema.ts'
import { listPlaces, listRoom, placeIn } from './status-list.ts'

/** What a list says, from one snapshot. */
export type ListRead = { epoch: number; position: number; ended: number[] }

export async function findPlace(
  db: Db,
  { sessionId, cutoff }: { sessionId: string; cutoff: number },
): Promise<number | null> {
  const row = await db
    .selectFrom('status_place')
    .select('place')
    .where('session_id', '=', sessionId)
    .where('cutoff', '=', cutoff)
    .executeTakeFirst()
  return row?.place ?? null
}

/** The list that places are given from, `null` where there is none or half of it was given away. */
export async function findOpenList(db: Db): Promise<number | null> {
  const row = await db
    .selectFrom('status_list')
    .select('list')
    .where('given', '<', listRoom)
    .executeTakeFirst()
  return row?.list ?? null
}

/** Begins `fresh` unless somebody else has begun another. One statement; answers the list that is open then. */
export async function openList(db: Db, fresh: number): Promise<number> {
  const isOpen = sql`status_list.given < ${listRoom}`
  const { list } = await db
    .insertInto('status_list')
    .values({ id: 1, list: fresh, given: 0 })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({
        list: sql<number>`case when ${isOpen} then status_list.list else ${fresh} end`,
        given: sql<number>`case when ${isOpen} then status_list.given else 0 end`,
      }),
    )
    .returning('list')
    .executeTakeFirstOrThrow()
  return list
}

export async function countGiven(db: Db, { list, given }: { list: number; given: number }): Promise<void> {
  await db
    .updateTable('status_list')
    .set((row) => ({ given: row('given', '+', given) }))
    .where('list', '=', list)
    .execute()
}

/** `false` where the place is somebody's, or the session has one already. */
export async function takePlace(
  db: Db,
  given: { place: number; sessionId: string; cutoff: number; expiresAt: number },
): Promise<boolean> {
  const row = await db
    .insertInto('status_place')
    .values({
      place: given.place,
      session_id: given.sessionId,
      cutoff: given.cutoff,
      expires_at: given.expiresAt,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('place')
    .executeTakeFirst()
  return row !== undefined
}

/** Whether anybody was given a place in this list. */
export async function isGiven(db: Db, list: number): Promise<boolean> {
  const row = await db
    .selectFrom('status_place')
    .select('place')
    .where('place', '>=', placeIn(list, 0))
    .where('place', '<=', placeIn(list, listPlaces - 1))
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

export async function readHead(db: Db): Promise<{ epoch: number; position: number }> {
  return db
    .selectFrom('feed_head')
    .select(['epoch', 'seq as position'])
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
}

/**
 * The places of a list whose session is over, whatever ended it, and the feed position, in one snapshot. A session that
 * is not there any more is over too. Whether it has merely expired is not asked: so have its tokens.
 */
export async function readList(db: Db, list: number): Promise<ListRead> {
  const [first, last] = [placeIn(list, 0), placeIn(list, listPlaces - 1)]
  const over = db
    .selectFrom('status_place')
    .leftJoin('session', 'session.id', 'status_place.session_id')
    .leftJoin('account', 'account.id', 'session.account_id')
    .leftJoin('client', 'client.id', 'session.client_id')
    .innerJoin('feed_head', (join) => join.on('feed_head.id', '=', 1))
    .select('status_place.place')
    .where('status_place.place', '>=', first)
    .where('status_place.place', '<=', last)
    .where((row) =>
      row.or([
        row('account.id', 'is', null),
        row('client.id', 'is', null),
        row('session.ended_at', 'is not', null),
        row('account.state', '!=', 'active'),
        // A session may outlive one of these by a new proof; what was handed out before does not.
        row('account.end_position', '>', row.ref('status_place.cutoff')),
        row('client.end_position', '>', row.ref('status_place.cutoff')),
        row('client.tokens_end', '>', row.ref('status_place.cutoff')),
        row('feed_head.everyone_end', '>', row.ref('status_place.cutoff')),
      ]),
    )
  const rows = await db
    .selectFrom('feed_head')
    .leftJoin(over.as('over'), (join) => join.onTrue())
    .select(['feed_head.epoch', 'feed_head.seq as position', 'over.place'])
    .where('feed_head.id', '=', 1)
    .execute()
  const [head] = rows
  if (head === undefined) throw new Error('The feed has no head. Run `counterfoil doctor`.')
  const ended = rows.flatMap(({ place }) => (place === null ? [] : [place]))
  return { epoch: head.epoch, position: head.position, ended }
}

export async function prune(db: Db, expiredBefore: number): Promise<void> {
  await db.deleteFrom('status_place').where('expires_at', '<', expiredBefore).execute()
}
