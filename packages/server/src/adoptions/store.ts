import type { Db } from '../db/schema.ts'
import type { Candidate, Found } from './adoption.ts'

/** The account, all that could have ended its past, and the feed's position, in one statement. */
export function findCandidate(db: Db, who: Found['who']): Promise<Candidate | undefined> {
  const accounts = db
    .selectFrom('account')
    .innerJoin('feed_head', (join) => join.on('feed_head.id', '=', 1))
    .leftJoin('adoption_end', 'adoption_end.account_id', 'account.id')
    .select([
      'account.id as accountId',
      'account.state',
      'account.verified_at as verifiedAt',
      'account.end_position as accountEnd',
      'feed_head.everyone_end as everyoneEnd',
      'adoption_end.ended_at as adoptionEnd',
      'feed_head.seq as position',
    ])
  return 'id' in who
    ? accounts.where('account.id', '=', who.id).executeTakeFirst()
    : accounts.where('account.email', '=', who.email).executeTakeFirst()
}

/** The winner takes it: `false` where this credential was taken before, whoever's it was. */
export async function consume(
  tx: Db,
  given: { digest: string; accountId: string; at: number; expiresAt: number },
): Promise<boolean> {
  const { digest, accountId, at, expiresAt } = given
  const row = await tx
    .insertInto('old_credential')
    .values({ digest, account_id: accountId, adopted_at: at, expires_at: expiresAt })
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .returning('digest')
    .executeTakeFirst()
  return row !== undefined
}

/** Past their own end they are refused for that. */
export async function prune(db: Db, now: number): Promise<void> {
  await db.deleteFrom('old_credential').where('expires_at', '<=', now).execute()
}
