import * as z from 'zod'
import type { ShownCookie } from '../contract.ts'
import type { SessionTable } from '../db/schema.ts'
import { refuse } from '../refusals.ts'

/** The form of an id; what cannot be one never reaches the store. */
export const sessionId = z.string().regex(/^[\w-]{22}$/)

/**
 * A session with everything that decides whether it lives, read in one statement, and `as_of`: the feed
 * position of that very read.
 */
export type SessionRecord = SessionTable & {
  email: string
  account_state: 'active' | 'disabled'
  account_end: number
  client_end: number
  /** Position of the last end of the tokens that its client was given, and of those alone. */
  client_tokens_end: number
  everyone_end: number
  as_of: number
}

/**
 * The first credential of a session, written with its beginning: only its hash is in `session`. `secret` is for carriers,
 * which show it once.
 */
export type Drawn = { session: SessionRecord; secret: Uint8Array }

/** Why a session is over, or `null` while it lives. The verdict is an "or" over all that could have ended it. */
export function endOf(
  session: SessionRecord,
  { now, idleSeconds }: { now: number; idleSeconds: number },
): 'ended' | 'account_disabled' | 'ended_before' | 'expired' | 'idle' | null {
  if (session.ended_at !== null) return 'ended'
  if (session.account_state !== 'active') return 'account_disabled'
  // What began before an end is ended: a sign-in that waited in the hashing queue too.
  if (lastEnd(session) > session.began) return 'ended_before'
  if (now >= session.expires_at) return 'expired'
  if (now >= session.last_seen_at + idleSeconds) return 'idle'
  return null
}

/** The position of the last end of anything this session stands on. */
export function lastEnd(session: Pick<SessionRecord, 'account_end' | 'client_end' | 'everyone_end'>): number {
  return Math.max(session.account_end, session.client_end, session.everyone_end)
}

/** The position of the last end of any token that was made for this session. */
export function lastTokenEnd(session: SessionRecord): number {
  return Math.max(lastEnd(session), session.client_tokens_end)
}

/**
 * Whoever is given something for a credential alone has to show the one that carries the session now. A request whose head
 * was judged may hold its body back until the cookie was replaced; and an access token outlives a move to a cookie.
 */
export function requireShown({ cookie_hash }: SessionRecord, shown: ShownCookie | undefined): void {
  if (shown === undefined || shown.cookieId === cookie_hash) return
  refuse(shown.cookieId === null ? 'carrier_wrong' : 'credential_missing')
}

/** A touch is written at most once per quantum; reading never waits for it. */
export function touchQuantum(idleSeconds: number): number {
  return Math.min(3600, Math.max(30, Math.floor(idleSeconds / 10)))
}

export type ShownSession = {
  id: string
  created_at: number
  last_seen_at: number
  device: string
  carrier: 'cookie' | 'token'
  current: boolean
}

/** What its owner may see of a session. */
export function showSession(session: SessionTable, currentId: string | null): ShownSession {
  const { id, created_at, last_seen_at, device, carrier } = session
  return { id, created_at, last_seen_at, device, carrier, current: id === currentId }
}
