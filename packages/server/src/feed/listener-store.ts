import type { Db } from '../db/schema.ts'
import { heartbeatSeconds, trustSeconds } from './feed.ts'

export type Listener = {
  id: string
  kind: 'server' | 'verifier'
  /** Of its client. */
  name: string
  applied: number
  lapses_at: number
  /** By then it has heard nothing newer: the last beat of a server, or the last heartbeat that left for a verifier. */
  heard_at: number
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
        .select(['id', 'name', 'applied', 'lapses_at', 'max_stale'])
        .orderBy('applied')
        .orderBy('lapses_at', 'desc')
        .limit(most)
        .execute()
      return { count, listed: listed.map((row) => listenerOf(kind, row)) }
    }),
  )
  return {
    servers: servers?.count ?? 0,
    verifiers: verifiers?.count ?? 0,
    listed: [...(servers?.listed ?? []), ...(verifiers?.listed ?? [])],
  }
}

/** With each beat a row is moved on by a time that is known, so that it tells when that was. */
function listenerOf(
  kind: Listener['kind'],
  { max_stale, ...row }: Omit<Listener, 'kind' | 'heard_at'> & { max_stale: number },
): Listener {
  const trust = kind === 'server' ? trustSeconds : max_stale
  return { ...row, kind, heard_at: row.lapses_at - trust - heartbeatSeconds }
}
