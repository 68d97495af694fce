import type { Accounts } from '../accounts/index.ts'
import { firstPartyClient } from '../clients/index.ts'
import type { Primary } from '../db/primary.ts'
import type { Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Events } from '../events.ts'
import type { Ending, Feed } from '../feed/index.ts'
import type { Entropy, Secrets, Watch } from '../machine.ts'
import type { Policy } from '../policy.ts'
import { refuse } from '../refusals.ts'
import { createEnds, type Misuse } from './end-operations.ts'
import { type Drawn, endOf, type SessionRecord, touchQuantum } from './session.ts'
import * as store from './store.ts'
import { createTouches } from './touches.ts'

export type Beginning = {
  accountId: string
  carrier: 'cookie' | 'token'
  device: string
  /** The feed position read in the same statement as the credential that was proven. */
  began: number
  amr: string
  /** When the account proved who it is, if that was not now; 0: never, here. */
  authenticatedAt?: number
  network: string | null
  /** The session whose cookie the new one takes the place of. */
  replaces: { id: string; accountId: string } | null
  /** Whether its first credential is drawn with it: a cookie, or a refresh token that is bound to nothing. */
  draws?: boolean
}

/**
 * `drawn` stands for the first credential and says nothing of it: what passes through answers can be written down
 * by mistake. `tx` has to append the endings to the feed, after everything else that it does.
 */
export type Started = { id: string; endings: readonly Ending[]; drawn: object | null }

export type Sessions = {
  /**
   * A session, with what carriers hand out once this is committed, or without a credential yet. Ends the one that it
   * replaces, and those that were not seen for the longest time where an account has more than policy allows.
   */
  begin(tx: Db, given: Beginning): Promise<Started>
  /** What `begin` drew; only once what it was part of is committed. */
  drawnBy(handle: object): Drawn | null
  /** Absent for any kind of "no": unknown, ended, expired, idle. Reads the store each time. */
  findLiveByCookie(hash: string): Promise<SessionRecord | null>
  findLive(id: string, on?: Db): Promise<SessionRecord | null>
  list(accountId: string): Promise<SessionRecord[]>
  listEveryone(): Promise<SessionRecord[]>
  /**
   * Ends one session. `session_unknown` where this account has no such session; ending twice is no error. The position
   * that tells it. `wantsAck`: somebody waits until every verifier knows.
   */
  end(given: { id: string; accountId: string; reason: string; wantsAck?: boolean }): Promise<number>
  /** Ends the session of the very credential that was shown, which needs no further look. */
  signOut(session: { id: string; accountId: string }): Promise<void>
  /** Ends the session whose refresh token was misused, and writes both down. */
  endMisused(given: { id: string; accountId: string; misuse: Misuse }): Promise<void>
  /** Ends any session by its id alone: for operators. `false` where nothing changed. */
  endAny(id: string, reason: string): Promise<boolean>
  /**
   * Ends one session as part of `tx`, which has to append what is returned to the feed, after everything else
   * that it does. `null` where the session had ended already.
   */
  endWithin(tx: Db, given: { id: string; accountId: string | null; reason: string }): Promise<Ending | null>
  endOthers(given: { accountId: string; keep: string }): Promise<number>
  /**
   * The session was proven anew, and the cookie or refresh token that it carried is dead: the proof and its end are one.
   * Returns what `tx` has to append to the feed in the end; `null` where the session has ended.
   */
  renewProof(tx: Db, id: string): Promise<readonly Ending[] | null>
  /** From here on the session counts as begun at this position: ends before it do not touch it. */
  beginAgain(tx: Db, given: { id: string; position: number }): Promise<void>
  /** Whether enough time has passed since then that another use would be noted. */
  isTouchDue(lastSeenAt: number, now: number): boolean
  /** Notes that the session was used: written later, in a batch, and seldom. The time, or `null` where it is too soon. */
  touch(session: { id: string; last_seen_at: number }): number | null
  flushTouches(): Promise<void>
  prune(): Promise<void>
}

const secretBytes = 32
/** How long an expired session stays for whoever looks into an incident. */
const pruneAfterSeconds = 7 * 24 * 3600

type Needs = {
  db: Db
  primary: Primary
  clock: Watch
  entropy: Entropy
  secrets: Secrets
  feed: Feed
  events: Events
  policy: Policy
  accounts: Accounts
}

export function createSessions(needs: Needs): Sessions {
  const { db, primary, clock, entropy, secrets, feed, events, policy, accounts } = needs
  const touches = createTouches()
  const firsts = new WeakMap<object, Drawn>()
  const { endWithin, ...ends } = createEnds({ db, clock, feed, events, primary })
  const idleSeconds = policy.sessionIdleSeconds
  const live = (session: SessionRecord | undefined): SessionRecord | null =>
    session !== undefined && endOf(session, { now: clock.now(), idleSeconds }) === null ? session : null

  const isTouchDue = (lastSeenAt: number, now: number) => now - lastSeenAt >= touchQuantum(idleSeconds)

  function keep(drawn: Drawn): object {
    const handle = {}
    firsts.set(handle, drawn)
    return handle
  }

  async function begin(tx: Db, given: Beginning): Promise<Started> {
    const now = clock.now()
    const id = entropy.id()
    const secret = given.draws ? entropy.bytes(secretBytes) : null
    const hash = secret && secrets.hash(secret)
    const isToken = given.carrier === 'token'
    await store.insert(tx, {
      id,
      account_id: given.accountId,
      client_id: firstPartyClient,
      carrier: given.carrier,
      began: given.began,
      created_at: now,
      authenticated_at: given.authenticatedAt ?? now,
      last_seen_at: now,
      expires_at: now + policy.sessionAbsoluteSeconds,
      ended_at: null,
      ended_reason: null,
      device: given.device,
      amr: given.amr,
      cookie_hash: isToken ? null : hash,
      refresh_generation: isToken && hash !== null ? 1 : 0,
      refresh_current: isToken ? hash : null,
      refresh_previous: null,
      refresh_salt: null,
      refresh_rotated_at: isToken && hash !== null ? now : null,
      refresh_repeats: 0,
      refresh_repeated_generation: 0,
      bound_key: null,
      bound_hash: null,
    })
    const { accountId, network, carrier } = given
    await events.record(tx, {
      kind: 'session_began',
      outcome: 'done',
      accountId,
      sessionId: id,
      network,
      detail: carrier,
    })
    const room = policy.sessionsPerAccount - 1
    // The one that is replaced leaves anyway, so it takes no other one's room.
    const except = given.replaces?.id ?? id
    const beyond = { accountId, id, except, room, now, oldestSeen: now - idleSeconds }
    const live = await listLive(store.listBeyond(tx, beyond))
    // One that began after its own end is not among them, and has nothing to hand out.
    const session = live.find((one) => one.id === id)
    const drawn = session !== undefined && secret !== null ? keep({ session, secret }) : null
    return { id, endings: await makeRoom(tx, { keep: id, live }, given), drawn }
  }

  async function makeRoom(
    tx: Db,
    { keep, live }: { keep: string; live: readonly SessionRecord[] },
    { accountId, replaces }: Beginning,
  ): Promise<Ending[]> {
    const surplus = live.filter(({ id }) => id !== keep)
    const leaving = surplus.map(({ id }) => ({ id, accountId, reason: 'too_many' }))
    if (replaces !== null) leaving.push({ ...replaces, reason: 'replaced' })
    // In one order, since the replaced one may be another account's: two sign-ins that cross must not wait in a circle.
    leaving.sort((a, b) => (a.id < b.id ? -1 : 1))
    const endings: Ending[] = []
    for (const session of leaving) {
      const ending = await endWithin(tx, session)
      if (ending !== null) endings.push(ending)
    }
    return endings
  }

  async function endOthers({ accountId, keep }: { accountId: string; keep: string }): Promise<number> {
    return transact(db, async (tx) => {
      await accounts.lock(tx, accountId)
      // What another system handed out and nobody has shown yet is a session as well.
      await accounts.endAdoption(tx, accountId)
      const ended = await store.endOthers(tx, { accountId, keep, at: clock.now(), reason: 'end_others' })
      if (ended.length === 0) return 0
      await events.record(tx, {
        kind: 'sessions_ended',
        outcome: 'done',
        accountId,
        sessionId: keep,
        detail: 'end_others',
      })
      await feed.append(
        tx,
        ended.map(({ id }) => ({ kind: 'session', id })),
      )
      return ended.length
    })
  }

  async function listLive(rows: Promise<SessionRecord[]>): Promise<SessionRecord[]> {
    return (await rows).filter((session) => live(session) !== null)
  }

  return {
    begin,
    drawnBy: (handle) => firsts.get(handle) ?? null,
    endWithin,
    endOthers,
    findLiveByCookie: async (hash) => live(await store.findByCookie(db, hash)),
    findLive: async (id, on = db) => live(await store.findById(on, id)),
    list: (accountId) => listLive(store.listHandedByAccount(db, accountId)),
    listEveryone: () => listLive(store.listAll(db)),
    async end({ id, accountId, reason, wantsAck = false }) {
      const session = await store.findById(db, id)
      if (session?.account_id !== accountId) refuse('session_unknown')
      // Who asks again and again is answered by this read, whose position is not before the one that told the end.
      if (session.ended_at !== null && !wantsAck) return session.as_of
      return ends.end({ id, accountId, reason, wantsAck, misuse: null })
    },
    async signOut({ id, accountId }) {
      await ends.end({ id, accountId, reason: 'sign_out', wantsAck: false, misuse: null })
    },
    async endMisused({ id, accountId, misuse }) {
      await ends.end({ id, accountId, reason: misuse.kind, wantsAck: false, misuse })
    },
    async endAny(id, reason) {
      return (await ends.endAlone({ id, accountId: null, reason, wantsAck: false, misuse: null })).isEnded
    },
    async renewProof(tx, id) {
      const before = await store.renewProof(tx, { id, at: clock.now() })
      if (before === undefined) return null
      return before.cookie_hash === null ? [] : [{ kind: 'cookie', id: before.cookie_hash }]
    },
    beginAgain: (tx, given) => store.setBegan(tx, given),
    isTouchDue,
    touch(session) {
      const now = clock.now()
      if (!isTouchDue(session.last_seen_at, now)) return null
      touches.add(session.id, now)
      return now
    },
    async flushTouches() {
      const failures: unknown[] = []
      for (const [at, ids] of touches.take()) {
        try {
          for (let start = 0; start < ids.length; start += 500)
            await store.touch(db, ids.slice(start, start + 500), at)
        } catch (error) {
          for (const id of ids) touches.add(id, at)
          failures.push(error)
        }
      }
      if (failures.length > 0) throw failures[0]
    },
    async prune() {
      await store.prune(db, clock.now() - pruneAfterSeconds)
      await store.forgetSalts(db, clock.now() - policy.refreshRepeatSeconds)
    },
  }
}
