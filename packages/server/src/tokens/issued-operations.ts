import {
  type AccessTokenClaims,
  checkAccessToken,
  parseJws,
  Refusal,
  readPayload,
} from '@counterfoil/verifier'
import type { Clients } from '../clients/index.ts'
import type { Clock, Secrets } from '../machine.ts'
import type { Policy } from '../policy.ts'
import { lastTokenEnd, type SessionRecord, type Sessions } from '../sessions/index.ts'
import type { Keys } from './key-operations.ts'
import { readRefreshToken } from './refresh-token.ts'
import { judgeRefresh, refreshState } from './rotation.ts'

/** A genuine token of ours and the session that it is of; `null`: it is a client's own, or made under a grant. */
export type Issued =
  | {
      kind: 'access'
      claims: AccessTokenClaims
      session: SessionRecord | null
      /** What the grant that it was made under was read with; `null` where it was made under none, or that is over. */
      grant: { as_of: number } | null
    }
  | { kind: 'refresh'; session: SessionRecord; isCurrent: boolean }

/** The position that it was read at; `null` where nothing was read that could be believed. */
export function readAt(found: Issued | null): number | null {
  return found?.session?.as_of ?? (found?.kind === 'access' ? found.grant?.as_of : null) ?? null
}

export type IssuedTokens = {
  /**
   * What a token is, whoever it was made for, read from the store now: `null` for one that is not ours, has expired, or is
   * of a session that is over. It may have been replaced or ended otherwise. A forged one never reaches the database.
   */
  find(token: string): Promise<Issued | null>
  /** The same, and `null` unless it is as good as on the day on which it was made. Uses nothing up. */
  findLive(token: string): Promise<Issued | null>
}

type Needs = {
  clock: Clock
  secrets: Secrets
  policy: Policy
  issuer: string
  keys: Keys
  clients: Clients
  sessions: Sessions
  /** The grant that a genuine token was made under, read now; or which of the two is over. */
  findActing(claims: AccessTokenClaims): Promise<{ as_of: number } | string>
}

export function createIssuedTokens(needs: Needs): IssuedTokens {
  const { clock, secrets, policy, issuer, keys, clients, sessions, findActing } = needs
  const audiences: ReadonlySet<string> = new Set([issuer, ...policy.audiences])
  const rule = { repeatSeconds: policy.refreshRepeatSeconds, repeats: policy.refreshRepeats }

  async function findRefresh(text: string): Promise<Issued | null> {
    const token = readRefreshToken(secrets, text)
    const session = token && (await sessions.findLive(token.sessionId))
    if (token === null || session === null) return null
    if (session.bound_hash !== null) {
      const isNewest = token.generation === session.refresh_generation
      return {
        kind: 'refresh',
        session,
        isCurrent: isNewest && secrets.hash(token.secret) === session.bound_hash,
      }
    }
    const state = refreshState(session)
    const presented = { generation: token.generation, hash: secrets.hash(token.secret) }
    const verdict = state && judgeRefresh(state, presented, { ...rule, now: clock.now() })
    return { kind: 'refresh', session, isCurrent: verdict?.kind === 'rotate' || verdict?.kind === 'repeat' }
  }

  /** Signature, type, times, and that it was made for the server or one of the audiences. Never the store. */
  async function readAccess(text: string): Promise<AccessTokenClaims | null> {
    const audience = audienceOf(text)
    if (audience === null || !audiences.has(audience)) return null
    const { believed } = await keys.ring()
    try {
      return checkAccessToken(text, { keys: believed, issuer, audience, now: clock.now() })
    } catch (error) {
      if (error instanceof Refusal) return null
      throw error
    }
  }

  async function findAccess(text: string): Promise<Issued | null> {
    const claims = await readAccess(text)
    if (claims === null) return null
    // A grant's token may name the session that approved it; it is not of that session.
    if (claims.grant !== null) {
      const found = await findActing(claims)
      return { kind: 'access', claims, session: null, grant: typeof found === 'string' ? null : found }
    }
    if (claims.sessionId === null) return { kind: 'access', claims, session: null, grant: null }
    const session = await sessions.findLive(claims.sessionId)
    return session?.account_id === claims.subject ? { kind: 'access', claims, session, grant: null } : null
  }

  const find = (token: string) => (token.startsWith('cfr_') ? findRefresh(token) : findAccess(token))

  async function isLive(found: Issued): Promise<boolean> {
    if (found.kind === 'refresh') return found.isCurrent
    const { claims, session, grant } = found
    // Whoever handed it on, and whoever acts now: the end of any of them ends it, here as at every verifier.
    if (!(await clients.areStanding(claims.actors, claims.asOf))) return false
    if (session !== null) return lastTokenEnd(session) <= claims.asOf
    if (claims.grant !== null) return grant !== null
    // Nobody else is spoken for without a session and without a grant.
    if (claims.actor !== null || claims.subject !== claims.clientId) return false
    return !(await clients.isTokenOver({ id: claims.clientId, asOf: claims.asOf }))
  }

  return {
    find,
    async findLive(token) {
      const found = await find(token)
      return found !== null && (await isLive(found)) ? found : null
    },
  }
}

/** What a token says it is for: chooses nothing but the one comparison that it then has to stand. */
function audienceOf(text: string): string | null {
  const jws = parseJws(text)
  const aud = jws && readPayload(jws)?.aud
  return typeof aud === 'string' ? aud : null
}
