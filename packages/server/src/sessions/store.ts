import { type ExpressionBuilder, type RawBuilder, sql } from 'kysely'
import type { Primary } from '../db/primary.ts'
import type { Db, Schema, SessionTable } from '../db/schema.ts'
import { type Slots, template } from '../db/template.ts'
import type { SessionRecord } from './session.ts'

type AskedOf = { id: string; accountId: string; reason: string }

/** The one read: the session, all that can have ended it, and the feed position, in one snapshot. */
function selectRecord(db: Db) {
  return db
    .selectFrom('session')
    .innerJoin('account', 'account.id', 'session.account_id')
    .innerJoin('client', 'client.id', 'session.client_id')
    .innerJoin('feed_head', (join) => join.on('feed_head.id', '=', 1))
    .selectAll('session')
    .select([
      'account.email',
      'account.state as account_state',
      'account.end_position as account_end',
      'client.end_position as client_end',
      'client.tokens_end as client_tokens_end',
      'feed_head.everyone_end',
      'feed_head.seq as as_of',
    ])
}

const selectByCookie = template((db, { hash }: Slots<{ hash: string }>) =>
  selectRecord(db).where('session.cookie_hash', '=', hash),
)
const selectById = template((db, { id }: Slots<{ id: string }>) =>
  selectRecord(db).where('session.id', '=', id),
)

export async function findByCookie(db: Db, hash: string): Promise<SessionRecord | undefined> {
  return (await selectByCookie(db, { hash }))[0]
}

export async function findById(db: Db, id: string): Promise<SessionRecord | undefined> {
  return (await selectById(db, { id }))[0]
}

/** The sessions of an account that have not been ended, also those whose credential is on its way. */
function selectByAccount(db: Db, accountId: string | RawBuilder<string>) {
  return selectRecord(db)
    .where('session.account_id', '=', accountId)
    .where('session.ended_at', 'is', null)
    .orderBy('session.last_seen_at', 'desc')
    .orderBy('session.created_at', 'desc')
}

type Beyond = {
  accountId: string
  id: string
  except: string
  room: number
  now: number
  oldestSeen: number
}

/**
 * One session of an account, and those that live beyond the `room` that were seen last, `except` left out.
 * The account is locked and active. Those whose credential is on its way count too, or many that sign in at once would pass
 * the bound together. An account may have many sessions, so no more of them are read than leave.
 */
export const listBeyond = template((tx, { accountId, id, except, ...given }: Slots<Beyond>) => {
  const beyond = tx
    .selectFrom('session as other')
    .innerJoin('account as owner', 'owner.id', 'other.account_id')
    .innerJoin('client as app', 'app.id', 'other.client_id')
    .innerJoin('feed_head as head', (join) => join.on('head.id', '=', 1))
    .select('other.id')
    .where('other.account_id', '=', accountId)
    .where('other.id', 'not in', [id, except])
    .where('other.ended_at', 'is', null)
    .where('other.expires_at', '>', given.now)
    .where('other.last_seen_at', '>', given.oldestSeen)
    .whereRef('other.began', '>=', 'owner.end_position')
    .whereRef('other.began', '>=', 'app.end_position')
    .whereRef('other.began', '>=', 'head.everyone_end')
    .orderBy('other.last_seen_at', 'desc')
    .orderBy('other.created_at', 'desc')
    // SQLite has no offset without a limit; more than policy ever lets an account have.
    .limit(100_000)
    .offset(given.room)
  return selectByAccount(tx, accountId).where((row) =>
    row.or([row('session.id', '=', id), row('session.id', 'in', beyond)]),
  )
})

function isHanded(row: ExpressionBuilder<Schema, 'session'>) {
  const columns = ['cookie_hash', 'refresh_current', 'bound_hash'] as const
  return row.or(columns.map((column) => row(column, 'is not', null)))
}

/** Those that have been handed a credential: one that has none cannot be seen. */
export function listHandedByAccount(db: Db, accountId: string): Promise<SessionRecord[]> {
  return selectByAccount(db, accountId).where(isHanded).execute()
}

export function listAll(db: Db): Promise<SessionRecord[]> {
  return selectRecord(db)
    .where('session.ended_at', 'is', null)
    .where(isHanded)
    .orderBy('session.last_seen_at', 'desc')
    .execute()
}

export const insert = template((tx, session: Slots<SessionTable>) => tx.insertInto('session').values(session))

/** Ends one session once; `undefined` where it had ended already, or is somebody else's. */
export function end(
  tx: Db,
  given: { id: string; accountId: string | null; at: number; reason: string },
): Promise<{ id: string; account_id: string } | undefined> {
  let query = tx
    .updateTable('session')
    .set({ ended_at: given.at, ended_reason: given.reason, refresh_salt: null })
    .where('id', '=', given.id)
    .where('ended_at', 'is', null)
  if (given.accountId !== null) query = query.where('account_id', '=', given.accountId)
  return query.returning(['id', 'account_id']).executeTakeFirst()
}

/**
 * Ends those of these sessions that live, belong to the account that asks, and are held by nobody at this moment: it
 * waits for no row, so one that is held keeps no other one waiting. Each id once. Answers the ids of those that it ended.
 */
export async function endFree(
  tx: Db,
  { asked, at, primary }: { asked: readonly AskedOf[]; at: number; primary: Primary },
): Promise<string[]> {
  const rows = asked.map(({ id, accountId, reason }) => sql`(${id}, ${accountId}, ${reason})`)
  // The columns of a list of values have these names on both engines.
  const free = sql<{ id: string; reason: string }>`(
    select session.id, given.column3 as reason from (values ${sql.join(rows)}) as given
    inner join session on session.id = given.column1 and session.account_id = given.column2
    where session.ended_at is null ${primary.holdFreeSessions})`
  const ended = await tx
    .updateTable('session')
    .from(free.as<'free'>(sql.id('free')))
    .set((row) => ({ ended_at: at, ended_reason: row.ref('free.reason'), refresh_salt: null }))
    .whereRef('session.id', '=', 'free.id')
    .where('session.ended_at', 'is', null)
    .returning('session.id')
    .execute()
  return ended.map(({ id }) => id)
}

export function endOthers(
  tx: Db,
  given: { accountId: string; keep: string; at: number; reason: string },
): Promise<{ id: string }[]> {
  return tx
    .updateTable('session')
    .set({ ended_at: given.at, ended_reason: given.reason, refresh_salt: null })
    .where('account_id', '=', given.accountId)
    .where('id', '!=', given.keep)
    .where('ended_at', 'is', null)
    .returning('id')
    .execute()
}

/**
 * The same session, proven again: what it carried before is dead from here on. Answers the cookie that it had
 * (`null` for none), or `undefined` where the session has ended. Holds the row.
 */
export async function renewProof(
  tx: Db,
  given: { id: string; at: number },
): Promise<{ cookie_hash: string | null } | undefined> {
  const before = await tx
    .updateTable('session')
    .set({ authenticated_at: given.at, last_seen_at: given.at, refresh_rotated_at: given.at, amr: 'pwd' })
    .where('id', '=', given.id)
    .where('ended_at', 'is', null)
    .returning('cookie_hash')
    .executeTakeFirst()
  if (before === undefined) return undefined
  await tx
    .updateTable('session')
    .set({
      cookie_hash: null,
      refresh_current: null,
      refresh_previous: null,
      refresh_salt: null,
      // What is handed out next is bound to the same key.
      bound_hash: null,
    })
    .where('id', '=', given.id)
    .execute()
  return before
}

export async function setBegan(tx: Db, given: { id: string; position: number }): Promise<void> {
  await tx.updateTable('session').set({ began: given.position }).where('id', '=', given.id).execute()
}

/** Only ever forwards: a late batch cannot take time away from a session. */
export async function touch(db: Db, ids: readonly string[], at: number): Promise<void> {
  await db
    .updateTable('session')
    .set({ last_seen_at: at })
    .where('id', 'in', ids)
    .where('last_seen_at', '<', at)
    .execute()
}

/** Rows past their absolute end: nothing that was issued for them can still be shown. */
export async function prune(db: Db, before: number): Promise<void> {
  await db.deleteFrom('session').where('expires_at', '<', before).execute()
}

/** The salt of a successor is needed only while its predecessor may be repeated. */
export async function forgetSalts(db: Db, rotatedBefore: number): Promise<void> {
  await db
    .updateTable('session')
    .set({ refresh_salt: null })
    .where('refresh_salt', 'is not', null)
    .where('refresh_rotated_at', '<', rotatedBefore)
    .execute()
}
