import type { Db } from '../db/schema.ts'

export type Listener = {
  id: string
  kind: 'server' | 'verifier'
  /** Of its client. */
  name: string
  applied: number
  lapses_at: number
}

export type Listeners = { servers: number; verifiers: number; listed: Listener[] }

/**
 * Who has followed the feed since `since`. Of each kind at most `most` are listed, those that are furthest behind, so that
 * nobody can make the list as long as they like; the counts tell whether somebody is left out.
 */
export async function readListeners(
  db: Db,
  { since, most }: { since: number; most: number },
): Promise<Listeners> {
  const kinds = ['server', 'verifier'] as const
  const [servers, verifiers] = await Promise.all(
    kinds.map(async (kind) => {
      const rows = db
        .selectFrom('feed_verifier')
        .where('lapses_at', '>=', since)
        .where('max_stale', kind === 'server' ? '=' : '>', 0)
      const { count } = await rows
        .select((row) => row.fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
      const listed = await rows
        .select(['id', 'name', 'applied', 'lapses_at'])
        .orderBy('applied')
        .orderBy('lapses_at', 'desc')
        .limit(most)
        .execute()
      return { count, listed: listed.map((row): Listener => ({ ...row, kind })) }
    }),
  )
  return {
    servers: servers?.count ?? 0,
    verifiers: verifiers?.count ?? 0,
    listed: [...(servers?.listed ?? []), ...(verifiers?.listed ?? [])],
  }
}
