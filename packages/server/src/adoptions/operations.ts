import { type Accounts, parseEmail } from '../accounts/index.ts'
import type { Adopt } from '../contract.ts'
import type { Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Events } from '../events.ts'
import type { Feed } from '../feed/index.ts'
import type { Limits } from '../limits/index.ts'
import type { Clock, Secrets } from '../machine.ts'
import type { Policy } from '../policy.ts'
import { refuse } from '../refusals.ts'
import type { Sessions } from '../sessions/index.ts'
import { type Found, objectionTo, readFound } from './adoption.ts'
import * as store from './store.ts'

export type Adopting = {
  carrier: 'cookie' | 'token'
  device: string
  network: string | null
  isBound: boolean
}

export type Adopted = { sessionId: string; carrier: 'cookie' | 'token'; drawn: object | null }

export type Adoptions = {
  /**
   * A session for a credential of another system, which the application has checked. Each credential is good for one. It
   * is no proof: nobody has proved anything here, so no route that wants a fresh proof takes it. Refuses with
   * `adoption_refused`, and `too_many_attempts` for a network that shows many which are not taken. Throws what the
   * application throws; then nothing was used up.
   */
  adopt(request: Parameters<Adopt>[0], given: Adopting): Promise<Adopted>
  prune(): Promise<void>
}

type Needs = {
  db: Db
  clock: Clock
  secrets: Secrets
  policy: Policy
  feed: Feed
  events: Events
  limits: Limits
  accounts: Accounts
  sessions: Sessions
  /** The application's own look at a request. */
  find: Adopt
}

export function createAdoptions(needs: Needs): Adoptions {
  const { db, clock, secrets, policy, feed, events, limits, accounts, sessions, find } = needs
  const { attemptsPerNetwork: burst } = policy
  const perNetwork = { name: 'adoption', burst, intervalSeconds: Math.max(1, Math.round(3600 / burst)) }
  const mustBeVerified = policy.verifiedEmail === 'required'

  /** On record, since somebody showed a credential that was good somewhere. */
  async function refuseFound(detail: string, of: { accountId: string | null; network: string | null }) {
    await events.record(db, { kind: 'adoption_refused', outcome: 'refused', detail, ...of })
    return refuse('adoption_refused', { detail })
  }

  async function take(
    { who, credential, expiresAt }: Found,
    given: Adopting,
  ): Promise<Adopted | { objection: string; accountId: string | null }> {
    if (expiresAt <= clock.now()) return { objection: 'expired', accountId: null }
    const candidate = await store.findCandidate(db, 'id' in who ? who : { email: parseEmail(who.email) })
    if (candidate === undefined) return { objection: 'account_unknown', accountId: null }
    const { accountId, position: began } = candidate
    const digest = secrets.hash(credential)
    return transact(db, async (tx) => {
      const over = (objection: string) => ({ objection, accountId })
      await accounts.lock(tx, accountId)
      // Held from here on, so this is how it stays until the session is there.
      const now = await store.findCandidate(tx, { id: accountId })
      const objection = now === undefined ? 'account_unknown' : objectionTo(now, { mustBeVerified })
      if (objection !== null) return over(objection)
      const isFirst = await store.consume(tx, { digest, accountId, at: clock.now(), expiresAt })
      if (!isFirst) return over('replayed')
      const { carrier, device, network, isBound } = given
      const session = { carrier, device, network, accountId, began, amr: 'adopted', replaces: null }
      const { id, endings, drawn } = await sessions.begin(tx, {
        ...session,
        authenticatedAt: 0,
        draws: !isBound,
      })
      await events.record(tx, { kind: 'session_adopted', outcome: 'done', accountId, sessionId: id, network })
      if (endings.length > 0) await feed.append(tx, endings)
      return { sessionId: id, carrier, drawn }
    })
  }

  return {
    async adopt(request, given) {
      const { network } = given
      const answered = await find(request)
      if (answered === null) refuse('adoption_refused', { detail: 'nothing to adopt' })
      const found = readFound(answered)
      const counts = network === null ? [] : [{ limit: perNetwork, subject: network }]
      if (counts.length > 0) await limits.takeAll(counts)
      const taken = await take(found, given)
      if ('objection' in taken) return refuseFound(taken.objection, { accountId: taken.accountId, network })
      if (counts.length > 0) await limits.giveBack(counts)
      return taken
    },
    prune: () => store.prune(db, clock.now()),
  }
}
