import type { FeedKind } from '@counterfoil/verifier'
import { sql } from 'kysely'
import type { Primary } from '../db/primary.ts'
import type { Db } from '../db/schema.ts'
import type { Epoch, LogRow } from './hub.ts'

export type Entry = { kind: FeedKind; key: string; endsEveryone: boolean }

/** A statement takes some 32,000 values; an account with more sessions than that must still be able to end them. */
const rowsAtOnce = 1000
/** Lives of the database are this far apart, for each second between their beginnings: far more than anybody ends in one. */
const skippedPositions = 1_000_000
/** What stands for the identity of a life that is gone. */
const declaredOver = 'declared over'

/** `isOurLife`: whether the newest life began on this very copy, as far as the one who appends can know. */
type Appending = { at: number; wantsAck: boolean; primary: Primary; isOurLife: boolean }
/** `copy`: which copy of the database wrote; `known`: the one that this life began on, as far as this statement sees. */
type Head = { seq: number; epoch: number; copy: string; known: string | null }

/**
 * Appends within the revoking transaction. The head row stays locked until commit, so position n+1 cannot
 * exist before n is visible, and a gap shows by arithmetic; a serial column could not promise either.
 */
export async function append(tx: Db, entries: readonly Entry[], given: Appending): Promise<number> {
  const { at, primary, isOurLife } = given
  if (!isOurLife) await beginEpoch(tx, { now: at, identity: await readIdentity(tx, primary) })
  const head = await appendToLife(tx, entries, given)
  // A life that began while we waited for the row is not seen by that statement yet.
  if (head.copy === (head.known ?? (await lastIdentity(tx)))) return head.seq
  // Another primary took over while we ran: what it did not get from the one before must not share our numbers.
  const start = head.seq - entries.length
  await tx.deleteFrom('feed_log').where('seq', '>', start).execute()
  await beginEpoch(tx, { now: at, identity: head.copy, start })
  return (await appendToLife(tx, entries, given)).seq
}

const appendToLife = (tx: Db, entries: readonly Entry[], given: Appending): Promise<Head> =>
  given.primary.nestsWrites ? appendNested(tx, entries, given) : appendInSteps(tx, entries, given)

/** In one statement: all others wait for the row from here to the commit, and this saves them a way there and back. */
async function appendNested(tx: Db, entries: readonly Entry[], given: Appending): Promise<Head> {
  const { at, wantsAck, primary } = given
  const count = entries.length
  const ended = entries.some((entry) => entry.endsEveryone) ? sql`seq + ${count}` : sql`everyone_end`
  const { rows } = await sql<Head>`with head as (
      update feed_head set seq = seq + ${count}, everyone_end = ${ended} where id = 1
      returning seq, epoch, ${primary.briefly} as briefly, ${primary.identity} as copy,
        (select identity from feed_epoch where feed_epoch.epoch = feed_head.epoch) as known
    ), written as (
      insert into feed_log (seq, epoch, kind, key, at, wants_ack)
      select head.seq - cast(${count} as bigint) + one.place, head.epoch, one.kind, one.key,
        cast(${at} as bigint), cast(${wantsAck ? 1 : 0} as bigint)
      from head, unnest(cast(${entries.map(({ kind }) => kind)} as text[]),
        cast(${entries.map(({ key }) => key)} as text[])) with ordinality as one (kind, key, place)
    ) select seq, epoch, copy, known from head`.execute(tx)
  const [head] = rows
  if (head === undefined) throw new Error('The feed has no head.')
  return head
}

async function appendInSteps(tx: Db, entries: readonly Entry[], given: Appending): Promise<Head> {
  const { at, wantsAck, primary } = given
  const count = entries.length
  const endsEveryone = entries.some((entry) => entry.endsEveryone)
  const head = await tx
    .updateTable('feed_head')
    .set((row) => ({
      seq: row('seq', '+', count),
      ...(endsEveryone ? { everyone_end: row('seq', '+', count) } : {}),
    }))
    .where('id', '=', 1)
    .returning((row) => [
      'seq',
      'epoch',
      primary.identity.as('copy'),
      row
        .selectFrom('feed_epoch')
        .select('identity')
        .whereRef('feed_epoch.epoch', '=', 'feed_head.epoch')
        .as('known'),
    ])
    .executeTakeFirstOrThrow()
  const first = head.seq - count + 1
  const wants_ack = wantsAck ? 1 : 0
  const rows = entries.map(({ kind, key }, index) => ({
    ...{ seq: first + index, epoch: head.epoch, kind, key, at, wants_ack },
  }))
  for (let start = 0; start < count; start += rowsAtOnce) {
    await tx
      .insertInto('feed_log')
      .values(rows.slice(start, start + rowsAtOnce))
      .execute()
  }
  return head
}

export async function readHead(db: Db): Promise<{ position: number; epoch: number; everyone_end: number }> {
  return db
    .selectFrom('feed_head')
    .select(['seq as position', 'epoch', 'everyone_end'])
    .where('id', '=', 1)
    .executeTakeFirstOrThrow()
}

function selectRows(db: Db) {
  return db.selectFrom('feed_log').select(['seq', 'epoch', 'kind', 'key', 'wants_ack']).orderBy('seq')
}

const rowOf = (row: { seq: number; kind: FeedKind; key: string; wants_ack: number }): LogRow => ({
  position: row.seq,
  kind: row.kind,
  key: row.key,
  wantsAck: row.wants_ack === 1,
})

/** `epoch`: the newest of what was found. */
export async function readAfter(
  db: Db,
  position: number,
  most: number,
): Promise<{ rows: LogRow[]; epoch: number }> {
  const found = await selectRows(db).where('seq', '>', position).limit(most).execute()
  return { rows: found.map(rowOf), epoch: found.at(-1)?.epoch ?? 0 }
}

/** One snapshot of all that a hub keeps: what was committed since `since`, and every signing key that was taken back. */
export async function load(
  db: Db,
  since: number,
): Promise<{ epoch: number; head: number; rows: LogRow[]; epochs: Epoch[] }> {
  const reading = db.transaction().setAccessMode('read only')
  return reading.execute(async (tx) => {
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
    return { epoch, head, rows: rows.map(rowOf), epochs: await listLives(tx) }
  })
}

async function listLives(tx: Db): Promise<Epoch[]> {
  const lives = await tx.selectFrom('feed_epoch').select(['epoch', 'start', 'identity']).execute()
  return lives.map(({ identity, ...life }) => ({ ...life, isOver: identity === declaredOver }))
}

/** Nobody else moves the head or begins a life from here to the commit: what is read is what there is. */
export async function lockLives(tx: Db): Promise<{ epoch: number; head: number; epochs: Epoch[] }> {
  const { epoch, head } = await tx
    .updateTable('feed_head')
    .set((row) => ({ seq: row.ref('seq') }))
    .where('id', '=', 1)
    .returning(['epoch', 'seq as head'])
    .executeTakeFirstOrThrow()
  // In a statement of its own: one that waited for the row does not see what was committed meanwhile.
  return { epoch, head, epochs: await listLives(tx) }
}

/**
 * Another life begins, under a number that is higher than any before and that no copy of this database can come to by
 * itself: it holds the time. So do its positions: a token may carry one that was lost with the copy before, and whatever
 * ends from here on has to come after it. `identity`: which copy this is. `start`: the head before it, where that has moved
 * on already.
 */
export async function beginEpoch(
  tx: Db,
  { now, identity, start }: { now: number; identity: string; start?: number },
): Promise<void> {
  const before = await lockLives(tx)
  const epoch = Math.max(before.epoch + 1, now)
  // Nobody has told anything yet of the life that the tables came with.
  const isFirst = before.epoch === 1
  const seq = isFirst ? before.head : farFrom(before.head, epoch)
  await tx.updateTable('feed_head').set({ epoch, seq }).where('id', '=', 1).execute()
  await tx
    .insertInto('feed_epoch')
    .values({ epoch, start: start ?? before.head, identity })
    .execute()
}

/** A position that no copy can have told in an earlier life than that one. */
function farFrom(head: number, epoch: number): number {
  const position = Math.max(head + skippedPositions, epoch * skippedPositions)
  if (!Number.isSafeInteger(position))
    throw new Error('the clock is wrong: no position of the feed is that high')
  return position
}

export async function readIdentity(tx: Db, { identity }: Primary): Promise<string> {
  const { rows } = await sql<{ identity: string }>`select ${identity} as identity`.execute(tx)
  return rows[0]?.identity ?? ''
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

/** Skips beyond what was told by a database that is gone, as no life that begins may share a position with it. */
export async function skipBeyond(
  tx: Db,
  { told, now }: { told: { epoch: number; position: number }; now: number },
): Promise<void> {
  const head = await readHead(tx)
  const epoch = Math.max(head.epoch, told.epoch, now)
  const seq = farFrom(Math.max(head.position, told.position), epoch)
  await tx.updateTable('feed_head').set({ seq, epoch }).where('id', '=', 1).execute()
  // Everybody is ended beyond all that was told before. So whoever comes back with a position of what was lost, whichever
  // of several lives it was, is given a snapshot: declaring again would sign everybody out at each return.
  await tx.updateTable('feed_epoch').set({ start: seq }).where('epoch', '>', told.epoch).execute()
  await tx
    .insertInto('feed_epoch')
    .values({ epoch, start: seq, identity: declaredOver })
    .onConflict((conflict) => conflict.column('epoch').doUpdateSet({ identity: declaredOver }))
    .execute()
}

export async function prune(
  db: Db,
  { rowsBefore, lapsedBefore }: { rowsBefore: number; lapsedBefore: number },
) {
  await db.deleteFrom('feed_log').where('at', '<', rowsBefore).where('kind', '!=', 'key').execute()
  await db.deleteFrom('feed_verifier').where('lapses_at', '<', lapsedBefore).execute()
}
