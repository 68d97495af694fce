import {
  type AccessTokenClaims,
  checkAccessToken,
  encodeBase64url,
  type Proof,
  parseJws,
} from '@counterfoil/verifier'
import type { ShownCookie } from '../contract.ts'
import type { Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Events } from '../events.ts'
import type { Feed } from '../feed/index.ts'
import type { Clock, Entropy, Secrets } from '../machine.ts'
import type { Policy } from '../policy.ts'
import { refuse } from '../refusals.ts'
import {
  type Drawn,
  lastTokenEnd,
  requireShown,
  type SessionRecord,
  type Sessions,
} from '../sessions/index.ts'
import { mintAccessToken } from './access-token.ts'
import type { Keys } from './key-operations.ts'
import type { NewPair, TokenPair } from './pair.ts'
import type { Proofs } from './proofs.ts'
import {
  type RefreshToken,
  readRefreshToken,
  secretBytes,
  successorSecret,
  writeRefreshToken,
} from './refresh-token.ts'
import { judgeRefresh, refreshState } from './rotation.ts'
import type { StatusClaim } from './status-list.ts'
import type { StatusLists } from './status-operations.ts'
import * as store from './store.ts'

export type Tokens = {
  /**
   * A fresh pair for a live session: the first one, or a new one after a new proof. Bound to the key that is proven, or
   * else to the one that the session's tokens were bound to before. From here on nothing else carries the session.
   */
  handOut(given: NewPair): Promise<{ pair: TokenPair; session: SessionRecord }>
  /**
   * Rotates a plain refresh token; one that is bound stays, and needs a proof by its key. `grant_invalid` for anything
   * but a token of this client that may be used now, and for a proof where none belongs; misuse ends the session.
   */
  refresh(given: {
    refreshToken: string
    clientId: string
    network: string | null
    proof: Proof | null
  }): Promise<TokenPair>
  /**
   * An access token for another service, bound to the key that is proven. It belongs to the session and ends with it; where
   * policy lists the audience, it says where its status can be read.
   */
  mintFor(given: {
    sessionId: string
    from: ShownCookie
    audience: string
    proof: Proof
  }): Promise<Omit<TokenPair, 'refresh_token'>>
  /** What an access token made for us says, whatever became of its session: nothing is read for one that is not genuine. */
  claimsOf(accessToken: string): Promise<AccessTokenClaims>
  /** The same, and reads its session. Throws `credential_invalid`, `token_expired`, `session_ended`. */
  identify(accessToken: string): Promise<Identified>
}

export type Identified = { claims: AccessTokenClaims; keyId: string; session: SessionRecord }

type Needs = {
  db: Db
  clock: Clock
  entropy: Entropy
  secrets: Secrets
  policy: Policy
  issuer: string
  keys: Keys
  proofs: Proofs
  feed: Feed
  sessions: Sessions
  statusLists: StatusLists
  events: Events
}

/** Each that comes to nothing means that another request got ahead. */
const rounds = 200

type Presented = RefreshToken & { hash: string; clientId: string }

export function createTokens(needs: Needs): Tokens {
  const { db, clock, entropy, secrets, policy, issuer, keys, proofs, feed, sessions, statusLists, events } =
    needs
  const rule = { repeatSeconds: policy.refreshRepeatSeconds, repeats: policy.refreshRepeats }

  async function pairFor(
    session: SessionRecord,
    readStart: number,
    { refresh, key }: { refresh: RefreshToken; key: string | null },
  ): Promise<TokenPair> {
    const minted = await mint(session, readStart, { audience: issuer, key, status: null })
    return { ...minted, refresh_token: writeRefreshToken(secrets, refresh) }
  }

  async function mint(
    session: SessionRecord,
    readStart: number,
    about: { audience: string; key: string | null; status: StatusClaim | null },
  ): Promise<Omit<TokenPair, 'refresh_token'>> {
    feed.hub.requireClock()
    const lifeSeconds = policy.accessTokenSeconds
    const given = { session, issuer, readStart, lifeSeconds, entropy, ...about }
    return {
      access_token: mintAccessToken(await keys.ring(), given),
      token_type: about.key === null ? 'Bearer' : 'DPoP',
      expires_in: Math.min(lifeSeconds, session.expires_at - readStart),
    }
  }

  async function claimsOf(accessToken: string): Promise<AccessTokenClaims> {
    const { believed } = await keys.ring()
    return checkAccessToken(accessToken, { keys: believed, issuer, audience: issuer, now: clock.now() })
  }

  async function handOut({ sessionId, proof, from, drawn = null }: NewPair) {
    // Before the write: without a key to sign with, what the session had must stay.
    await keys.ring()
    if (drawn !== null && proof === null) return showDrawn(drawn)
    if (proof !== null) proofs.use(proof)
    for (let round = 0; round < rounds; round++) {
      const readStart = clock.now()
      const session = await sessions.findLive(sessionId)
      if (session === null) refuse('session_ended')
      requireShown(session, from)
      const key = proof?.thumbprint ?? session.bound_key
      const generation = session.refresh_generation + 1
      const secret = entropy.bytes(secretBytes)
      const hash = secrets.hash(secret)
      const given = { sessionId, generation, hash, key, cookie: session.cookie_hash, at: readStart }
      if (await replaceRefresh(session, given)) {
        const refresh = { sessionId, generation, secret }
        const carried = { ...session, carrier: 'token' as const }
        return { pair: await pairFor(session, readStart, { refresh, key }), session: carried }
      }
    }
    refuse('busy', { retryAfterSeconds: 1 })
  }

  async function showDrawn({ session, secret }: Drawn) {
    const refresh = { sessionId: session.id, generation: session.refresh_generation, secret }
    // It was read in the course of its beginning, and is believed as of then.
    return { pair: await pairFor(session, session.created_at, { refresh, key: null }), session }
  }

  /** A cookie that carried the session before is dead with the same write. */
  async function replaceRefresh(session: SessionRecord, given: store.NewRefresh): Promise<boolean> {
    if (session.carrier === 'token') return store.replaceRefresh(db, given)
    return transact(db, async (tx) => {
      if (!(await store.replaceRefresh(tx, given))) return false
      const { id: sessionId, account_id: accountId } = session
      const moved = { accountId, sessionId, detail: 'token' }
      await events.record(tx, { kind: 'carrier_changed', outcome: 'done', ...moved })
      if (given.cookie !== null) await feed.append(tx, [{ kind: 'cookie', id: given.cookie }])
      return true
    })
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

  /** Useless without the key, so nothing rotates: lost answers and tabs that race are harmless. */
  async function refreshBound(
    session: SessionRecord,
    readStart: number,
    { token, proof, network }: { token: Presented; proof: Proof | null; network: string | null },
  ): Promise<TokenPair> {
    const { id, account_id: accountId, refresh_generation, bound_hash, bound_key } = session
    if (bound_hash === null)
      refuse('grant_invalid', { detail: 'a proof with a refresh token that is not bound' })
    if (token.generation !== refresh_generation || token.hash !== bound_hash)
      refuse('grant_invalid', { detail: 'replaced' })
    if (proof === null || proof.thumbprint !== bound_key) {
      await events.record(db, {
        kind: 'refresh_unproven',
        outcome: 'refused',
        accountId,
        sessionId: id,
        network,
      })
      // RFC 9449 5: another key than the one it is bound to.
      refuse(proof === null ? 'proof_invalid' : 'grant_invalid', {
        detail: 'the refresh token is bound to a key',
      })
    }
    proofs.use(proof)
    sessions.touch(session)
    return pairFor(session, readStart, { refresh: token, key: bound_key })
  }

  /** `null` means that somebody else moved first: read again and judge anew. */
  async function tryRefresh(given: {
    token: Presented
    proof: Proof | null
    network: string | null
  }): Promise<TokenPair | null> {
    const { token, proof, network } = given
    const readStart = clock.now()
    const session = await sessions.findLive(token.sessionId)
    if (session === null) refuse('grant_invalid', { detail: 'the session has ended' })
    // Before it is judged: whoever shows it in another one's name neither uses it nor ends anything.
    if (session.client_id !== token.clientId)
      refuse('grant_invalid', { detail: 'the token was given to another client' })
    if (session.bound_hash !== null || proof !== null) return refreshBound(session, readStart, given)
    const state = refreshState(session)
    if (state === null) refuse('grant_invalid', { detail: 'the session has no refresh token' })
    const verdict = judgeRefresh(state, token, { ...rule, now: readStart })
    if (verdict.kind === 'end') {
      const { id, account_id: accountId } = session
      await sessions.endMisused({ id, accountId, misuse: { kind: verdict.reason, network } })
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
    return next === null ? null : pairFor(session, readStart, { refresh: next, key: null })
  }

  return {
    handOut,
    async refresh({ refreshToken, clientId, network, proof }) {
      const token = readRefreshToken(secrets, refreshToken)
      if (token === null) refuse('grant_invalid', { detail: 'not a refresh token of ours' })
      const presented = { ...token, clientId, hash: secrets.hash(token.secret) }
      for (let round = 0; round < rounds; round++) {
        const pair = await tryRefresh({ token: presented, proof, network })
        if (pair !== null) return pair
      }
      refuse('busy', { retryAfterSeconds: 1 })
    },
    async mintFor({ sessionId, from, audience, proof }) {
      const readStart = clock.now()
      const session = await sessions.findLive(sessionId)
      if (session === null) refuse('session_ended')
      requireShown(session, from)
      proofs.use(proof)
      const status = await statusLists.claimFor(audience, session)
      return mint(session, readStart, { audience, key: proof.thumbprint, status })
    },
    claimsOf,
    async identify(accessToken) {
      const claims = await claimsOf(accessToken)
      const session = claims.sessionId === null ? null : await sessions.findLive(claims.sessionId)
      if (session === null || session.account_id !== claims.subject) refuse('session_ended')
      // The session may have been proven anew after an end; this statement about it was made before.
      if (lastTokenEnd(session) > claims.asOf) refuse('session_ended')
      return { claims, keyId: String(parseJws(accessToken)?.header.kid), session }
    },
  }
}
