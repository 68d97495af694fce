import type { Db, GrantTable } from '../db/schema.ts'
import type { GrantRecord } from './grant.ts'

/** The one read: the grant, all that can have ended it, and the feed position, in one snapshot. */
function selectRecord(db: Db) {
  return db
    .selectFrom('account_grant')
    .innerJoin('account', 'account.id', 'account_grant.account_id')
    .leftJoin('client', 'client.id', 'account_grant.client_id')
    .innerJoin('feed_head', (join) => join.on('feed_head.id', '=', 1))
    .selectAll('account_grant')
    .select([
      'account.email',
      'account.state as account_state',
      'account.end_position as account_end',
      'client.name as client_name',
      'client.scope as client_scope',
      'client.end_position as client_end',
      'client.tokens_end as client_tokens_end',
      'feed_head.everyone_end',
      'feed_head.seq as as_of',
    ])
}

export function find(db: Db, id: string): Promise<GrantRecord | undefined> {
  return selectRecord(db).where('account_grant.id', '=', id).executeTakeFirst()
}

/** Those that were not withdrawn and have not expired; newest first. */
export function listOpen(
  db: Db,
  { accountId, now }: { accountId: string | null; now: number },
): Promise<GrantRecord[]> {
  let query = selectRecord(db)
    .where('account_grant.ended_at', 'is', null)
    .where('account_grant.expires_at', '>', now)
  if (accountId !== null) query = query.where('account_grant.account_id', '=', accountId)
  return query.orderBy('account_grant.created_at', 'desc').orderBy('account_grant.id').execute()
}

export async function insert(tx: Db, grant: GrantTable): Promise<void> {
  await tx.insertInto('account_grant').values(grant).execute()
}

/** Ends it once; `false` where it had ended already. */
export async function end(tx: Db, given: { id: string; at: number; reason: string }): Promise<boolean> {
  const row = await tx
    .updateTable('account_grant')
    .set({ ended_at: given.at, ended_reason: given.reason })
    .where('id', '=', given.id)
    .where('ended_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** One conditional write, so that it stands before or after a withdrawal and never beside it. `false`: withdrawn meanwhile. */
export async function use(tx: Db, given: { id: string; at: number }): Promise<boolean> {
  const row = await tx
    .updateTable('account_grant')
    .set((row) => ({
      last_used_at: row
        .case()
        .when('last_used_at', '>', given.at)
        .then(row.ref('last_used_at'))
        .else(given.at)
        .end(),
    }))
    .where('id', '=', given.id)
    .where('ended_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** Holds the grants of an account that live now, before the head of the feed is locked. Answers their ids. */
export async function hold(
  tx: Db,
  { accountId, onlyKept }: { accountId: string; onlyKept: boolean },
): Promise<string[]> {
  let query = tx
    .updateTable('account_grant')
    .set((row) => ({ began: row.ref('began') }))
    .where('account_id', '=', accountId)
    .where('ended_at', 'is', null)
    .where((row) =>
      row(
        'began',
        '>=',
        row.selectFrom('account').select('end_position').where('account.id', '=', accountId),
      ),
    )
  if (onlyKept) query = query.where('on_password_reset', '=', 'keep')
  const rows = await query.returning('id').execute()
  return rows.map(({ id }) => id)
}

/** Under the head of the feed, so that no end of everybody comes in between: what that, or a client's end, ended stays so. */
export async function beginAgain(
  tx: Db,
  { ids, position }: { ids: readonly string[]; position: number },
): Promise<void> {
  if (ids.length === 0) return
  await tx
    .updateTable('account_grant')
    .set({ began: position })
    .where('id', 'in', ids)
    .where((row) =>
      row('began', '>=', row.selectFrom('feed_head').select('everyone_end').where('feed_head.id', '=', 1)),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('client')
            .select('client.id')
            .whereRef('client.id', '=', 'account_grant.client_id')
            .whereRef('client.end_position', '>', 'account_grant.began'),
        ),
      ),
    )
    .execute()
}

export async function prune(db: Db, before: number): Promise<void> {
  await db.deleteFrom('account_grant').where('expires_at', '<', before).execute()
}
