import type { Caller, Credential } from '@counterfoil/verifier'
import type { Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Feed } from '../feed/index.ts'
import type { Clock, Entropy, Secrets } from '../machine.ts'
import { refuse } from '../refusals.ts'
import { type SessionRecord, type Sessions, type ShownSession, showSession } from '../sessions/index.ts'
import type { TokenPair, Tokens } from '../tokens/index.ts'
import { sessionCookie } from './cookie.ts'
import * as store from './store.ts'

/** What a new credential looks like to whoever receives it. */
export type Handed = {
  cookie: string | null
  tokens: TokenPair | null
  account: { id: string; email: string }
  session: ShownSession
}

export type Carriers = {
  /**
   * Who shows this credential. An unknown, ended or expired cookie is absent: `null`. A token that cannot be
   * accepted is refused. `isPassive`: this request is not a sign of life.
   */
  identify(credential: Credential | null, given: { isPassive: boolean }): Promise<Caller | null>
  /** Gives a live session a new credential of its carrier; one that it had before is dead from here on. */
  handOut(given: { sessionId: string; carrier: 'cookie' | 'token' }): Promise<Handed>
}

type Needs = {
  db: Db
  clock: Clock
  entropy: Entropy
  secrets: Secrets
  feed: Feed
  sessions: Sessions
  tokens: Tokens
}

const cookieBytes = 32
/** Each round that comes to nothing means that another request got ahead. */
const rounds = 200

export function createCarriers({ db, clock, entropy, secrets, feed, sessions, tokens }: Needs): Carriers {
  async function byCookie(value: string): Promise<Caller | null> {
    // The tag turns random values away before the store is asked.
    const random = secrets.open('cookie', value, cookieBytes)
    if (random === null) return null
    const session = await sessions.findLiveByCookie(secrets.hash(random))
    return session === null
      ? null
      : callerOf(session, { carrier: 'cookie', scopes: [], actor: null, grant: null })
  }

  async function byToken(token: string): Promise<Caller> {
    const { claims, session } = await tokens.identify(token)
    // A bound token without its proof is a stolen one (RFC 9449 7.2); proofs are not taken yet.
    if (claims.confirmation !== null) refuse('credential_invalid', { detail: 'the token is bound to a key' })
    const { scopes, actor, grant } = claims
    return callerOf(session, { carrier: 'bearer', scopes, actor, grant })
  }

  function callerOf(
    session: SessionRecord,
    given: Pick<Caller, 'carrier' | 'scopes' | 'actor' | 'grant'>,
  ): Caller & { session: ShownSession } {
    return { ...shown(session), ...given }
  }

  /** A cookie that the session already had ends with the write that replaces it. */
  async function handOutCookie(sessionId: string): Promise<Handed> {
    for (let round = 0; round < rounds; round++) {
      const session = await sessions.findLive(sessionId)
      if (session === null) refuse('session_ended')
      const random = entropy.bytes(cookieBytes)
      const hash = secrets.hash(random)
      if (await replaceCookie(sessionId, { previous: session.cookie_hash, hash })) {
        const cookie = sessionCookie(secrets.seal('cookie', random), session.expires_at - clock.now())
        return { cookie, tokens: null, ...shown(session) }
      }
    }
    refuse('busy', { retryAfterSeconds: 1 })
  }

  async function replaceCookie(
    sessionId: string,
    { previous, hash }: { previous: string | null; hash: string },
  ): Promise<boolean> {
    if (previous === null) return store.replaceCookie(db, { sessionId, previous, hash })
    return transact(db, async (tx) => {
      const isReplaced = await store.replaceCookie(tx, { sessionId, previous, hash })
      if (isReplaced) await feed.append(tx, [{ kind: 'cookie', id: previous }])
      return isReplaced
    })
  }

  async function handOutTokens(sessionId: string): Promise<Handed> {
    const { pair, session } = await tokens.handOut(sessionId)
    return { cookie: null, tokens: pair, ...shown(session) }
  }

  function shown(session: SessionRecord): Pick<Handed, 'account' | 'session'> {
    return {
      account: { id: session.account_id, email: session.email },
      session: showSession(session, session.id),
    }
  }

  return {
    async identify(credential, { isPassive }) {
      if (credential === null) return null
      if (credential.kind === 'dpop')
        refuse('credential_invalid', { detail: 'bound tokens are not taken yet' })
      const caller =
        credential.kind === 'cookie' ? await byCookie(credential.value) : await byToken(credential.token)
      if (caller?.session && !isPassive) sessions.touch(caller.session)
      return caller
    },
    handOut: ({ sessionId, carrier }) =>
      carrier === 'cookie' ? handOutCookie(sessionId) : handOutTokens(sessionId),
  }
}
