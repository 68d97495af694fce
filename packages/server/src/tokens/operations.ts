import { type AccessTokenClaims, checkAccessToken, encodeBase64url, parseJws } from '@counterfoil/verifier'
import type { Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Events } from '../events.ts'
import type { Feed } from '../feed/index.ts'
import type { Clock, Entropy, Secrets } from '../machine.ts'
import type { Policy } from '../policy.ts'
import { refuse } from '../refusals.ts'
import { lastEnd, type SessionRecord, type Sessions } from '../sessions/index.ts'
import { mintAccessToken } from './access-token.ts'
import type { Keys } from './key-operations.ts'
import {
  type RefreshToken,
  readRefreshToken,
  secretBytes,
  successorSecret,
  writeRefreshToken,
} from './refresh-token.ts'
import { judgeRefresh, type RefreshState } from './rotation.ts'
import * as store from './store.ts'

/** What a client is handed. Field names are those of RFC 6749 5.1. */
export type TokenPair = {
  access_token: string
  token_type: 'Bearer'
  expires_in: number
  refresh_token: string
}

export type Tokens = {
  /** A fresh pair for a live session: the first one, or a new one after a new proof. */
  handOut(sessionId: string): Promise<{ pair: TokenPair; session: SessionRecord }>
  /** Rotates. `grant_invalid` for anything but a token that may be used now; misuse ends the session. */
  refresh(given: { refreshToken: string; network: string | null }): Promise<TokenPair>
  /** Checks an access token and reads its session. Throws `credential_invalid`, `token_expired`, `session_ended`. */
  identify(accessToken: string): Promise<{ claims: AccessTokenClaims; keyId: string; session: SessionRecord }>
}

type Needs = {
  db: Db
  clock: Clock
  entropy: Entropy
  secrets: Secrets
  policy: Policy
  issuer: string
  keys: Keys
  feed: Feed
  sessions: Sessions
  events: Events
}

/** Each round that comes to nothing means that another request got ahead; far fewer than this can. */
const rounds = 200

type Presented = RefreshToken & { hash: string }

export function createTokens(needs: Needs): Tokens {
  const { db, clock, entropy, secrets, policy, issuer, keys, feed, sessions, events } = needs
  const rule = { repeatSeconds: policy.refreshRepeatSeconds, repeats: policy.refreshRepeats }

  async function pairFor(
    session: SessionRecord,
    readStart: number,
    refresh: RefreshToken,
  ): Promise<TokenPair> {
    feed.hub.requireClock()
    const lifeSeconds = policy.accessTokenSeconds
    return {
      access_token: mintAccessToken(await keys.ring(), { session, issuer, readStart, lifeSeconds, entropy }),
      token_type: 'Bearer',
      expires_in: Math.min(lifeSeconds, session.expires_at - readStart),
      refresh_token: writeRefreshToken(secrets, refresh),
    }
  }

  async function handOut(sessionId: string): Promise<{ pair: TokenPair; session: SessionRecord }> {
    // Before the write: without a key to sign with, what the session had must stay.
    await keys.ring()
    for (let round = 0; round < rounds; round++) {
      const readStart = clock.now()
      const session = await sessions.findLive(sessionId)
      if (session === null) refuse('session_ended')
      const generation = session.refresh_generation + 1
      const secret = entropy.bytes(secretBytes)
      const hash = secrets.hash(secret)
      if (await store.replaceRefresh(db, { sessionId, generation, hash, at: readStart })) {
        return { pair: await pairFor(session, readStart, { sessionId, generation, secret }), session }
      }
    }
    refuse('busy', { retryAfterSeconds: 1 })
  }

  async function rotate(
    session: SessionRecord,
    token: Presented,
    repeats: number,
  ): Promise<RefreshToken | null> {
    const generation = token.generation + 1
    const salt = encodeBase64url(entropy.bytes(16))
    const secret = successorSecret(secrets, { sessionId: session.id, generation, salt, secret: token.secret })
    const isOurs = await store.rotate(db, {
      sessionId: session.id,
      generation: token.generation,
      current: token.hash,
      next: secrets.hash(secret),
      salt,
      repeats,
      at: clock.now(),
    })
    return isOurs ? { sessionId: session.id, generation, secret } : null
  }

  async function repeat(
    session: SessionRecord,
    token: Presented,
    repeats: number,
  ): Promise<RefreshToken | null> {
    const generation = session.refresh_generation
    if (!(await store.countRepeat(db, { sessionId: session.id, generation, repeats }))) return null
    const salt = session.refresh_salt ?? ''
    const secret = successorSecret(secrets, { sessionId: session.id, generation, salt, secret: token.secret })
    return { sessionId: session.id, generation, secret }
  }

  async function endForMisuse(
    session: SessionRecord,
    reason: 'refresh_reused' | 'refresh_repeats_exhausted',
    network: string | null,
  ) {
    await transact(db, async (tx) => {
      const { id, account_id: accountId } = session
      await events.record(tx, { kind: reason, outcome: 'refused', accountId, sessionId: id, network })
      const ending = await sessions.endWithin(tx, { id, accountId, reason })
      if (ending !== null) await feed.append(tx, [ending])
    })
  }

  /** `null` means that somebody else moved first: read again and judge anew. */
  async function tryRefresh(token: Presented, network: string | null): Promise<TokenPair | null> {
    const readStart = clock.now()
    const session = await sessions.findLive(token.sessionId)
    if (session === null) refuse('grant_invalid', { detail: 'the session has ended' })
    const state = refreshState(session)
    if (state === null) refuse('grant_invalid', { detail: 'the session has no refresh token' })
    const verdict = judgeRefresh(state, token, { ...rule, now: readStart })
    if (verdict.kind === 'end') {
      await endForMisuse(session, verdict.reason, network)
      refuse('grant_invalid', { detail: verdict.reason })
    }
    if (verdict.kind === 'refuse') {
      if (verdict.reason === 'refresh_from_the_future') {
        const { id: sessionId, account_id: accountId } = session
        await events.record(db, { kind: verdict.reason, outcome: 'refused', accountId, sessionId, network })
      }
      refuse('grant_invalid', { detail: verdict.reason })
    }
    const next = await (verdict.kind === 'rotate' ? rotate : repeat)(session, token, verdict.repeats)
    return next === null ? null : pairFor(session, readStart, next)
  }

  return {
    handOut,
    async refresh({ refreshToken, network }) {
      const token = readRefreshToken(secrets, refreshToken)
      if (token === null) refuse('grant_invalid', { detail: 'not a refresh token of ours' })
      const presented = { ...token, hash: secrets.hash(token.secret) }
      for (let round = 0; round < rounds; round++) {
        const pair = await tryRefresh(presented, network)
        if (pair !== null) return pair
      }
      refuse('busy', { retryAfterSeconds: 1 })
    },
    async identify(accessToken) {
      const { believed } = await keys.ring()
      const claims = checkAccessToken(accessToken, {
        keys: believed,
        issuer,
        audience: issuer,
        now: clock.now(),
      })
      const session = claims.sessionId === null ? null : await sessions.findLive(claims.sessionId)
      if (session === null || session.account_id !== claims.subject) refuse('session_ended')
      // The session may have been proven anew after an end; this statement about it was made before.
      if (lastEnd(session) > claims.asOf) refuse('session_ended')
      return { claims, keyId: String(parseJws(accessToken)?.header.kid), session }
    },
  }
}

function refreshState(session: SessionRecord): RefreshState | null {
  if (session.refresh_current === null) return null
  return {
    generation: session.refresh_generation,
    current: session.refresh_current,
    previous: session.refresh_previous,
    salt: session.refresh_salt,
    rotatedAt: session.refresh_rotated_at ?? 0,
    repeats: session.refresh_repeats,
    repeatedGeneration: session.refresh_repeated_generation,
  }
}
