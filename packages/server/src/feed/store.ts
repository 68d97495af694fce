import type { FeedKind } from '@counterfoil/verifier'
import { sql } from 'kysely'
import type { Db } from '../db/schema.ts'
import type { ListedVerifier } from './feed.ts'
import type { Epoch, LogRow } from './hub.ts'

export type Entry = { kind: FeedKind; key: string; endsEveryone: boolean }

/** A statement takes some 32,000 values; an account with more sessions than that must still be able to end them. */
const rowsAtOnce = 1000
/** Far apart from whatever a lost copy of the database may have told. */
const skippedPositions = 1_000_000

/**
 * Appends within the revoking transaction. The head row stays locked until commit, so position n+1 cannot
 * exist before n is visible, and a gap shows by arithmetic; a serial column could not promise either.
 */
export async function append(
  tx: Db,
  entries: readonly Entry[],
  { at, wantsAck }: { at: number; wantsAck: boolean },
): Promise<number> {
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
    wants_ack: wantsAck ? 1 : 0,
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

function selectRows(db: Db) {
  return db.selectFrom('feed_log').select(['seq', 'kind', 'key', 'wants_ack']).orderBy('seq')
}

const rowOf = (row: { seq: number; kind: FeedKind; key: string; wants_ack: number }): LogRow => ({
  position: row.seq,
  kind: row.kind,
  key: row.key,
  wantsAck: row.wants_ack === 1,
})

export async function readAfter(db: Db, position: number, most: number): Promise<LogRow[]> {
  return (await selectRows(db).where('seq', '>', position).limit(most).execute()).map(rowOf)
}

/** One snapshot of all that a hub keeps: what was committed since `since`, and every signing key that was taken back. */
export async function load(
  db: Db,
  since: number,
): Promise<{ epoch: number; head: number; rows: LogRow[]; epochs: Epoch[] }> {
  return db.transaction().execute(async (tx) => {
    const { epoch, position: head } = await readHead(tx)
    const oldest = await tx
      .selectFrom('feed_log')
      .select((row) => row.fn.min('seq').as('seq'))
      .where('at', '>=', since)
      .where('seq', '<=', head)
      .executeTakeFirst()
    const rows = await selectRows(tx)
      .where('seq', '<=', head)
      .where((row) => row.or([row('seq', '>=', oldest?.seq ?? head + 1), row('kind', '=', 'key')]))
      .execute()
    const epochs = await tx.selectFrom('feed_epoch').select(['epoch', 'start']).execute()
    return { epoch, head, rows: rows.map(rowOf), epochs }
  })
}

/**
 * Another life begins, under a number that is higher than any before and that no copy of this database can come to by
 * itself: it holds the time. `identity`: which copy this is.
 */
export async function beginEpoch(
  tx: Db,
  { now, identity }: { now: number; identity: string },
): Promise<void> {
  const head = await tx
    .updateTable('feed_head')
    .set((row) => ({
      epoch: sql<number>`case when ${row.ref('epoch')} >= ${now} then ${row.ref('epoch')} + 1 else ${now} end`,
    }))
    .where('id', '=', 1)
    .returning(['epoch', 'seq'])
    .executeTakeFirstOrThrow()
  await tx.insertInto('feed_epoch').values({ epoch: head.epoch, start: head.seq, identity }).execute()
}

export async function lastIdentity(db: Db): Promise<string> {
  const row = await db
    .selectFrom('feed_epoch')
    .select('identity')
    .orderBy('epoch', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.identity ?? ''
}

/** Skips far beyond what was told by a database that is gone, so that no position ever means two things. */
export async function skipBeyond(
  tx: Db,
  { told, now }: { told: { epoch: number; position: number }; now: number },
): Promise<void> {
  const { position, epoch } = await readHead(tx)
  await tx
    .updateTable('feed_head')
    .set({
      seq: Math.max(position, told.position) + skippedPositions,
      epoch: Math.max(epoch, told.epoch, now),
    })
    .where('id', '=', 1)
    .execute()
  // The life that was told of is over too: who comes back from it is given a snapshot, and not declared again.
  await tx
    .insertInto('feed_epoch')
    .values({ epoch: told.epoch, start: position, identity: 'declared over' })
    .onConflict((conflict) => conflict.column('epoch').doNothing())
    .execute()
}

/** Written each second: only a database that still takes writes can say that nothing newer is committed. */
export async function tick(
  db: Db,
  given: { id: string; applied: number; lapsesAt: number },
): Promise<{ epoch: number; head: number }> {
  const { id, applied, lapsesAt: lapses_at } = given
  const row = await db
    .insertInto('feed_verifier')
    .values({ id, name: 'server', max_stale: 0, applied, lapses_at })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ applied, lapses_at }))
    .returning([
      sql<number>`(select seq from feed_head where id = 1)`.as('head'),
      sql<number>`(select epoch from feed_head where id = 1)`.as('epoch'),
    ])
    .executeTakeFirstOrThrow()
  return { epoch: Number(row.epoch), head: Number(row.head) }
}

/**
 * Before it is served: whoever may trust itself stands here. `false`: this id is another client's, or a server's, and
 * whoever waits for that one must not be told something else.
 */
export async function registerVerifier(
  db: Db,
  given: { id: string; name: string; maxStale: number; applied: number; lapsesAt: number },
): Promise<boolean> {
  const { id, name, maxStale: max_stale, applied, lapsesAt: lapses_at } = given
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
export async function prolong(db: Db, ids: readonly string[], from: number): Promise<ReadonlySet<string>> {
  const rows = await db
    .updateTable('feed_verifier')
    .set((row) => ({ lapses_at: row('max_stale', '+', from) }))
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

/** Those elsewhere that may trust themselves at `now`, or could when somebody last looked. */
export function listVerifiers(db: Db): Promise<ListedVerifier[]> {
  return db
    .selectFrom('feed_verifier')
    .select(['id', 'applied', 'lapses_at'])
    .where('max_stale', '>', 0)
    .execute()
}

/** Servers that have written lately and have not read up to this position. */
export async function countBehind(
  db: Db,
  { position, since }: { position: number; since: number },
): Promise<number> {
  const row = await db
    .selectFrom('feed_verifier')
    .select((rows) => rows.fn.countAll<number>().as('count'))
    .where('max_stale', '=', 0)
    .where('lapses_at', '>=', since)
    .where('applied', '<', position)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

export async function prune(
  db: Db,
  { rowsBefore, lapsedBefore }: { rowsBefore: number; lapsedBefore: number },
) {
  await db.deleteFrom('feed_log').where('at', '<', rowsBefore).where('kind', '!=', 'key').execute()
  await db.deleteFrom('feed_verifier').where('lapses_at', '<', lapsedBefore).execute()
}
