import { type RawBuilder, sql } from 'kysely'
import type { Primary } from '../db/primary.ts'
import type { Db } from '../db/schema.ts'
import { graceSeconds, heartbeatSeconds, type ListedVerifier, silentSeconds, trustSeconds } from './feed.ts'

/**
 * Whole seconds of the database's clock, which is the one that all rows of verifiers are dated by: those who write them and
 * those who wait for them are different processes.
 */
const seconds = (primary: Primary): RawBuilder<number> => sql<number>`${primary.wall()} / 1000`

/** Written each second: only a database that still takes writes can say that nothing newer is committed. */
export async function tick(
  db: Db,
  { id, applied, primary }: { id: string; applied: number; primary: Primary },
): Promise<{ epoch: number; head: number; wall: number }> {
  const lapses_at = sql<number>`${seconds(primary)} + ${trustSeconds + heartbeatSeconds}`
  const row = await db
    .insertInto('feed_verifier')
    .values({ id, name: 'server', max_stale: 0, applied, lapses_at })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ applied, lapses_at }))
    .returning([
      sql<number>`(select seq from feed_head where id = 1)`.as('head'),
      sql<number>`(select epoch from feed_head where id = 1)`.as('epoch'),
      primary.wall().as('wall'),
    ])
    .executeTakeFirstOrThrow()
  return { epoch: Number(row.epoch), head: Number(row.head), wall: Number(row.wall) }
}

/**
 * A write that changes nothing. That it was committed shows that this copy takes writes, and the head that it answers was
 * read after it began. A server that has left stands here as one that nobody waits for.
 */
export async function prove(db: Db, { id, primary }: { id: string; primary: Primary }): Promise<number> {
  const row = await db
    .insertInto('feed_verifier')
    .values({ id, name: 'server', max_stale: 0, applied: 0, lapses_at: seconds(primary) })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet((row) => ({ applied: row.ref('feed_verifier.applied') })),
    )
    .returning(sql<number>`(select seq from feed_head where id = 1)`.as('head'))
    .executeTakeFirstOrThrow()
  return Number(row.head)
}

/** A server has applied everything up to there. */
export async function confirm(db: Db, { id, applied }: { id: string; applied: number }): Promise<void> {
  await db
    .updateTable('feed_verifier')
    .set({ applied })
    .where('id', '=', id)
    .where('applied', '<', applied)
    .execute()
}

export async function removeServer(db: Db, id: string): Promise<void> {
  await db.deleteFrom('feed_verifier').where('id', '=', id).execute()
}

/**
 * Before it is served: whoever may trust itself stands here. `false`: this id is another client's, or a server's, and
 * whoever waits for that one must not be told something else.
 */
export async function registerVerifier(
  db: Db,
  given: { id: string; name: string; maxStale: number; applied: number; primary: Primary },
): Promise<boolean> {
  const { id, name, maxStale: max_stale, applied, primary } = given
  const lapses_at = sql<number>`${seconds(primary)} + ${max_stale + graceSeconds}`
  const row = await db
    .insertInto('feed_verifier')
    .values({ id, name, max_stale, applied, lapses_at })
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({ max_stale, lapses_at }).where('feed_verifier.name', '=', name),
    )
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Moved on before the heartbeat leaves that lets them go on trusting themselves. Answers those whose client is still
 * known: the others are to hear no heartbeat any more.
 */
export async function prolong(
  db: Db,
  ids: readonly string[],
  primary: Primary,
): Promise<ReadonlySet<string>> {
  const rows = await db
    .updateTable('feed_verifier')
    .set({ lapses_at: sql<number>`max_stale + ${seconds(primary)} + ${heartbeatSeconds}` })
    .where('id', 'in', ids)
    .where('name', 'in', (query) => query.selectFrom('client').select('client.id'))
    .returning('id')
    .execute()
  return new Set(rows.map(({ id }) => id))
}

export async function acknowledge(
  db: Db,
  given: { id: string; name: string; position: number },
): Promise<void> {
  await db
    .updateTable('feed_verifier')
    .set({ applied: given.position })
    .where('id', '=', given.id)
    .where('name', '=', given.name)
    .where('applied', '<', given.position)
    .execute()
}

/** It said that it accepts nobody any more. Nobody but its own client can say so, and nobody of a server. */
export async function removeVerifier(db: Db, { id, name }: { id: string; name: string }): Promise<void> {
  await db
    .deleteFrom('feed_verifier')
    .where('id', '=', id)
    .where('name', '=', name)
    .where('max_stale', '>', 0)
    .execute()
}

/** Servers and verifiers that may trust themselves at `now`, or could when somebody last looked. */
export async function listVerifiers(
  db: Db,
  primary: Primary,
): Promise<{ verifiers: ListedVerifier[]; now: number }> {
  const rows = await db
    .selectFrom('feed_verifier')
    .select(['id', 'applied', 'lapses_at', seconds(primary).as('now')])
    .execute()
  const verifiers = rows.map(({ id, applied, lapses_at }) => ({ id, applied, lapses_at }))
  return { verifiers, now: Math.floor(Number(rows[0]?.now ?? 0)) }
}

/** Servers that have written lately and have not read up to this position. */
export async function countBehind(db: Db, position: number, primary: Primary): Promise<number> {
  const since = sql<number>`${seconds(primary)} + ${trustSeconds + heartbeatSeconds - silentSeconds}`
  const row = await db
    .selectFrom('feed_verifier')
    .select((rows) => rows.fn.countAll<number>().as('count'))
    .where('max_stale', '=', 0)
    .where('lapses_at', '>=', since)
    .where('applied', '<', position)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}
