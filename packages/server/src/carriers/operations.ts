import {
  type AccessTokenClaims,
  admit,
  ageOf,
  type Caller,
  type Carried,
  type Checker,
  type Credential,
  callerOf,
  keysOf,
  type Look,
  look,
  Refusal,
  type Remembered,
  remember,
  requireScheme,
  type ShownProof,
  type Statement,
  stamp,
} from '@counterfoil/verifier'
import type { ShownCookie } from '../contract.ts'
import type { Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Events } from '../events.ts'
import type { Feed } from '../feed/index.ts'
import type { Entropy, Log, Secrets, Watch } from '../machine.ts'
import type { Policy } from '../policy.ts'
import { refuse } from '../refusals.ts'
import {
  type Drawn,
  requireShown,
  type SessionRecord,
  type Sessions,
  showSession,
} from '../sessions/index.ts'
import type { Proofs, Tokens } from '../tokens/index.ts'
import { type Asked, staleness } from './asked.ts'
import { sessionCookie } from './cookie.ts'
import type { Handed, Handing } from './handing.ts'
import { type Acting, actingStatement, cookieStatement, tokenStatement } from './statement.ts'
import * as store from './store.ts'

export type Carriers = {
  /**
   * Who shows this credential. An unknown, ended or expired cookie is absent: `null`. A token that cannot be
   * accepted is refused, and so is one that is bound to a key without a proof for this very request.
   */
  identify(credential: Credential | null, given: Asked): Promise<Caller | null>
  /** The same, at once where the credential is known and later where it is not; a refusal is thrown, or rejects. */
  check(credential: Credential | null, given: Asked): Caller | null | Promise<Caller | null>
  /** What may be believed of a cookie for a while, read from the store now. `null`: no session, or none that lives. */
  statement(cookie: string): Promise<Statement | null>
  /**
   * Gives a live session a new credential of this carrier; the one that it had before, of whichever carrier, is dead from
   * here on. An access token that was handed out goes on until it expires or the session ends.
   */
  handOut(given: Handing): Promise<Handed>
  /** What the session of a caller has to be carried by still, when something is handed out for this credential alone. */
  shown(credential: Credential | null): ShownCookie
  readonly proofs: Pick<Proofs, 'nonce' | 'checkNew'>
}

type Needs = {
  db: Db
  /** The grant that a genuine token was made under, read now; or which of the two is over. */
  findActing(claims: AccessTokenClaims): Promise<Acting | 'grant_ended' | 'session_ended'>
  clock: Watch
  entropy: Entropy
  secrets: Secrets
  feed: Feed
  events: Events
  sessions: Sessions
  tokens: Tokens
  proofs: Proofs
  policy: Policy
  checker: Checker
  log: Log
  /** Told of every look into what is kept in memory. */
  looked(carried: Carried, kind: Look['kind']): void
}

const cookieBytes = 32
/** Where a request cannot carry a proof. */
const nothing: ShownProof = { header: null, method: '', target: null }
/** Each round that comes to nothing means that another request got ahead. */
const rounds = 200

export function createCarriers(needs: Needs): Carriers {
  const {
    db,
    clock,
    entropy,
    secrets,
    feed,
    events,
    sessions,
    tokens,
    proofs,
    policy,
    checker,
    log,
    looked,
    findActing,
  } = needs

  /** What the store says of it now; `null` for a cookie that is unknown or over. A token that is refused throws. */
  async function read(carried: Carried, credential: string): Promise<Statement | null> {
    // The tag turns random values away before the store is asked.
    const random = carried === 'cookies' ? secrets.open('cookie', credential, cookieBytes) : null
    if (carried === 'cookies' && random === null) return null
    feed.hub.requireClock()
    const readStart = clock.now()
    if (random === null) {
      const claims = await tokens.claimsOf(credential)
      if (claims.grant !== null) {
        const acting = await findActing(claims)
        if (typeof acting === 'string') refuse(acting)
        return actingStatement(acting, { token: credential, claims, readStart })
      }
      const found = await tokens.identify(credential)
      return tokenStatement(found.session, { readStart, ...found })
    }
    const cookieId = secrets.hash(random)
    const session = await sessions.findLiveByCookie(cookieId)
    return (
      session && cookieStatement(session, { readStart, cookieId, idleSeconds: policy.sessionIdleSeconds })
    )
  }

  /** A question costs the store a write, which nobody gets for a credential that he made up. A token is refused. */
  async function isGenuine(carried: Carried, credential: string): Promise<boolean> {
    if (carried === 'cookies') return secrets.open('cookie', credential, cookieBytes) !== null
    await tokens.claimsOf(credential)
    return true
  }

  /** Where the store cannot be read, nobody knows whether the credential still lives. */
  async function readOrRefuse(
    carried: Carried,
    credential: string,
    given: { isAsking: boolean },
  ): Promise<Statement | null> {
    const reading = () => read(carried, credential)
    try {
      if (!given.isAsking) return await reading()
      if (!(await isGenuine(carried, credential))) return null
      return await feed.ask(reading, (statement) => statement?.asOf ?? null)
    } catch (error) {
      if (error instanceof Refusal) throw error
      log.error('the store could not be read for a credential', error)
      refuse('feed_stale', { retryAfterSeconds: 1 })
    }
  }

  /** A server that is stopping does not follow the feed any more: it hears of no end, its own ones included. */
  const isFollowing = (maxStale: number) =>
    feed.hub.isStarted() && ageOf(checker.view, clock.instant()) <= maxStale

  /**
   * Reads, and keeps what was read while nothing that has ended meanwhile contradicts it. Who follows the feed closely
   * enough for this request knows what the reading may have missed; who does not has to ask.
   */
  async function recall(given: {
    carried: Carried
    credential: string
    maxStale: number
  }): Promise<Remembered | null> {
    const { carried, credential, maxStale } = given
    for (let round = 0; round < 3; round++) {
      const isAsking = !isFollowing(maxStale)
      const askedAt = isAsking ? stamp(checker.view.steady, clock.instant()) : 0
      const { applied } = checker.view
      const statement = await readOrRefuse(carried, credential, { isAsking })
      if (statement === null) return null
      if (!feed.hub.isStarted() && isAsking) return remember(statement)
      // Read from a copy that has not come as far as we have: another one has taken over, or this one was put back.
      if (statement.asOf < applied) refuse('feed_stale', { retryAfterSeconds: 1 })
      if (!isAsking && !isFollowing(maxStale)) continue
      const keys = keysOf(statement)
      const admission = admit(checker, { carried, credential, statement, keys, askedAt }, clock.instant())
      if (admission.kind === 'admitted') return admission.entry
      if (admission.kind === 'expired') return remember(statement)
    }
    return carried === 'cookies' ? null : refuse('session_ended')
  }

  function keepAlive(known: Remembered, isPassive: () => boolean, now: number): void {
    const { sessionId: id, lastSeenAt: last_seen_at } = known
    if (id === null || last_seen_at === null) return
    if (!sessions.isTouchDue(last_seen_at, now) || isPassive()) return
    known.lastSeenAt = sessions.touch({ id, last_seen_at }) ?? last_seen_at
  }

  /** A cookie that the session already had ends with the write that replaces it. */
  async function handOutCookie({ sessionId, from }: Handing): Promise<Handed> {
    for (let round = 0; round < rounds; round++) {
      const session = await sessions.findLive(sessionId)
      if (session === null) refuse('session_ended')
      requireShown(session, from)
      const random = entropy.bytes(cookieBytes)
      const hash = secrets.hash(random)
      if (await replaceCookie(session, hash)) return handCookie({ session, secret: random })
    }
    refuse('busy', { retryAfterSeconds: 1 })
  }

  function handCookie({ session, secret }: Drawn): Handed {
    const cookie = sessionCookie(secrets.seal('cookie', secret), session.expires_at - clock.now())
    return { cookie, tokens: null, ...shown({ ...session, carrier: 'cookie' }) }
  }

  async function replaceCookie(session: SessionRecord, hash: string): Promise<boolean> {
    const { id: sessionId, account_id: accountId, cookie_hash: previous, carrier } = session
    const isMoved = carrier !== 'cookie'
    if (previous === null && !isMoved) return store.replaceCookie(db, { sessionId, previous, hash })
    return transact(db, async (tx) => {
      if (!(await store.replaceCookie(tx, { sessionId, previous, hash }))) return false
      if (isMoved) {
        const moved = { accountId, sessionId, detail: 'cookie' }
        await events.record(tx, { kind: 'carrier_changed', outcome: 'done', ...moved })
      }
      if (previous !== null) await feed.append(tx, [{ kind: 'cookie', id: previous }])
      return true
    })
  }

  async function handOutTokens(given: Handing, drawn: Drawn | null): Promise<Handed> {
    const { sessionId, proof = null, from } = given
    const { pair, session } = await tokens.handOut({ sessionId, proof, drawn, ...(from && { from }) })
    return { cookie: null, tokens: pair, ...shown(session) }
  }

  function shown(session: SessionRecord): Pick<Handed, 'account' | 'session'> {
    return {
      account: { id: session.account_id, email: session.email },
      session: showSession(session, session.id),
    }
  }

  function accept(known: Remembered, { isPassive }: Asked, now: number): Caller {
    keepAlive(known, isPassive, now)
    return callerOf(known)
  }

  /** A bound token needs its proof on every request, also where all else is known: the token alone is what a thief has. */
  function confirm(
    credential: Credential,
    known: Remembered,
    { asked, now }: { asked: Asked; now: number },
  ): Caller | Promise<Caller> {
    const { confirmation: key } = known.rights
    if (credential.kind !== 'dpop') {
      if (credential.kind === 'bearer') requireScheme('bearer', key)
      return accept(known, asked, now)
    }
    requireScheme('dpop', key)
    const { token } = credential
    return proofs.require(asked.proof ?? nothing, { token, key }).then(() => accept(known, asked, now))
  }

  /** Nothing is waited for where the credential is known: that is nearly every request, and what it costs. */
  function check(credential: Credential | null, asked: Asked): Caller | null | Promise<Caller | null> {
    if (credential === null) return null
    const { maxStale = staleness.ordinary } = asked
    const carried = credential.kind === 'cookie' ? 'cookies' : 'tokens'
    const text = credential.kind === 'cookie' ? credential.value : credential.token
    // A server that is stopping does not follow the feed any more: it hears of no end, its own ones included.
    const at = clock.instant()
    const seen = feed.hub.isStarted() ? look(checker, { carried, credential: text, maxStale }, at) : null
    looked(carried, seen?.kind ?? 'cold')
    if (seen?.kind === 'accept')
      return confirm(credential, seen.entry, { asked, now: Math.floor(at.wall / 1000) })
    return recall({ carried, credential: text, maxStale }).then(
      (known) => known && confirm(credential, known, { asked, now: clock.now() }),
    )
  }

  return {
    check,
    identify: async (credential, given) => check(credential, given),
    async statement(cookie) {
      const statement = await readOrRefuse('cookies', cookie, { isAsking: true })
      if (statement !== null) keepAlive(remember(statement), () => false, clock.now())
      return statement
    },
    async handOut(given) {
      const drawn = given.drawn ? sessions.drawnBy(given.drawn) : null
      if (given.carrier === 'token') return handOutTokens(given, drawn)
      return drawn === null ? handOutCookie(given) : handCookie(drawn)
    },
    shown(credential) {
      if (credential?.kind !== 'cookie') return { cookieId: null }
      const random = secrets.open('cookie', credential.value, cookieBytes)
      return random === null ? refuse('credential_missing') : { cookieId: secrets.hash(random) }
    },
    proofs,
  }
}
