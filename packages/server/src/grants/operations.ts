import { type Cache, createCache } from '@counterfoil/verifier'
import type { Accounts } from '../accounts/index.ts'
import { type Clients, type RegisteredClient, readScope } from '../clients/index.ts'
import type { AskedGrant, ShownCookie } from '../contract.ts'
import type { Db } from '../db/schema.ts'
import { afterCommit, transact } from '../db/transact.ts'
import type { Events } from '../events.ts'
import type { Feed } from '../feed/index.ts'
import type { Clock, Entropy, Secrets } from '../machine.ts'
import type { Policy } from '../policy.ts'
import { refuse } from '../refusals.ts'
import { requireShown, type Sessions } from '../sessions/index.ts'
import { endOf, type GrantRecord, type GrantTerms } from './grant.ts'
import { type GrantRequest, grantRequest, openRequest, requestSeconds, sealRequest } from './request.ts'
import * as store from './store.ts'

/** Somebody who is here and has lately proved it; `from`: what they showed, where that is all they showed. */
export type Approving = {
  accountId: string
  sessionId: string
  network: string | null
  from?: ShownCookie
}

export type Grants = {
  /**
   * Refuses terms that nobody can approve: `grant_client_unfit` for a client that is unknown, cannot prove itself or has
   * no scope; `scope_invalid` for none, or more than the client may ever ask for; `target_invalid`; `grant_too_long`.
   */
  check(terms: GrantTerms): Promise<RegisteredClient>
  /**
   * A grant, by an account that is present. Refuses what `check` does; `session_ended`; `reauthentication_required` where
   * the session was last proved more than `freshSeconds` ago; `grants_full`. `id`: of a request; the second time it is the
   * grant of the first, or `grant_request_invalid` where that is over.
   */
  give(approving: Approving, terms: GrantTerms, id?: string): Promise<GrantRecord>
  /** The address of a page that asks a person to approve this, good for an hour and for one grant. Refuses what `check` does. */
  request(asked: AskedGrant): Promise<string>
  /** What such an address asks. `grant_request_invalid` for one that is not ours or whose time is over. */
  readRequest(sealed: string): GrantRequest
  /** Those of an account that live, newest first; `null`: of everybody. */
  list(accountId: string | null): Promise<GrantRecord[]>
  /**
   * Ends one, and every token made under it. `grant_unknown` where this account has no such grant; twice is no error. The
   * position that tells it. `wantsAck`: somebody waits until every verifier knows.
   */
  withdraw(given: { id: string; accountId: string; wantsAck?: boolean }): Promise<number>
  /** Ends any, by its id alone: for operators. `false` where nothing changed. */
  withdrawAny(id: string): Promise<boolean>
  /**
   * What is held here outlives the end of the account that `tx` is about to write: a change of password, which is no sign
   * of a theft, or a reset, for those that were made to. Under the account's lock and before the feed; what it returns is
   * called with the position of that end.
   */
  outlive(
    tx: Db,
    given: { accountId: string; cause: 'change' | 'reset' },
  ): Promise<(position: number) => Promise<void>>
  prune(): Promise<void>
  readonly freshSeconds: number
}

type Needs = {
  db: Db
  clock: Clock
  entropy: Entropy
  secrets: Secrets
  feed: Feed
  events: Events
  policy: Policy
  issuer: string
  accounts: Accounts
  clients: Clients
  sessions: Sessions
}

/** How long ago whoever gives authority away may have proved who they are. */
const freshSeconds = 300
/** How long what is over stays, for whoever looks into an incident. */
const pruneAfterSeconds = 90 * 24 * 3600
const toldAgainEntries = 10_000

export function createGrants(needs: Needs): Grants {
  const { db, clock, entropy, secrets, feed, events, policy, issuer, accounts, clients, sessions } = needs
  // Who reads status lists follows no feed, and would go on believing a token whose grant was withdrawn.
  const followed = policy.audiences.filter((one) => !policy.statusListAudiences.includes(one))
  const audiences: ReadonlySet<string> = new Set([issuer, ...followed])
  const toldAgain: Cache<number> = createCache(toldAgainEntries)

  async function listLive(on: Db, accountId: string | null): Promise<GrantRecord[]> {
    const now = clock.now()
    const open = await store.listOpen(on, { accountId, now })
    const living: GrantRecord[] = []
    for (const grant of open)
      if (endOf(grant, now) === null && (await isSessionFit(grant, on))) living.push(grant)
    return living
  }

  async function isSessionFit({ on_sign_out, session_id }: GrantRecord, on: Db): Promise<boolean> {
    return on_sign_out === 'keep' || (await sessions.findLive(session_id, on)) !== null
  }

  async function check(terms: GrantTerms): Promise<RegisteredClient> {
    if (!audiences.has(terms.audience)) refuse('target_invalid')
    if (terms.expires_in > policy.grantSeconds) refuse('grant_too_long')
    const client = await clients.findRegistered(terms.client_id)
    if (client === null || client.isPublic || client.scopes.length === 0) refuse('grant_client_unfit')
    const words = readScope(terms.scope) ?? refuse('scope_invalid')
    // An empty scope reads like "whatever the account may do".
    if (words.length === 0 || words.some((word) => !client.scopes.includes(word))) refuse('scope_invalid')
    return client
  }

  /** Holds the account, so nothing ends it, and nobody else fills its list, until the grant is there. */
  async function give(approving: Approving, terms: GrantTerms, id = entropy.id()): Promise<GrantRecord> {
    await check(terms)
    const { accountId, sessionId, network, from } = approving
    const { client_id, audience, purpose, on_sign_out, on_password_reset } = terms
    return transact(db, async (tx) => {
      await accounts.lock(tx, accountId)
      const session = await sessions.findLive(sessionId, tx)
      if (session?.account_id !== accountId) refuse('session_ended')
      requireShown(session, from)
      const now = clock.now()
      if (now - session.authenticated_at > freshSeconds) refuse('reauthentication_required')
      const same = await store.find(tx, id)
      if (same !== undefined)
        return same.account_id === accountId && endOf(same, now) === null
          ? same
          : refuse('grant_request_invalid')
      if ((await listLive(tx, accountId)).length >= policy.grantsPerAccount) refuse('grants_full')
      await store.insert(tx, {
        ...{ id, account_id: accountId, session_id: sessionId, client_id, audience, purpose },
        scope: (readScope(terms.scope) ?? []).join(' '),
        began: session.as_of,
        created_at: now,
        expires_at: now + terms.expires_in,
        ...{ on_sign_out, on_password_reset },
        ...{ last_used_at: null, ended_at: null, ended_reason: null },
      })
      const who = { accountId, sessionId, network, clientId: client_id, grantId: id }
      await events.record(tx, { kind: 'grant_given', outcome: 'done', ...who })
      return (await store.find(tx, id)) ?? refuse('session_ended')
    })
  }

  /** The account first: a change of password holds its grants before the feed, which this takes last. */
  async function end(
    { id, account_id: accountId, client_id: clientId }: GrantRecord,
    { reason, wantsAck }: { reason: string; wantsAck: boolean },
  ): Promise<{ isEnded: boolean; position: number }> {
    return transact(db, async (tx) => {
      await accounts.lock(tx, accountId)
      const isEnded = await store.end(tx, { id, at: clock.now(), reason })
      if (!isEnded)
        return { isEnded, position: wantsAck ? await tellAgain(tx, id) : await feed.append(tx, []) }
      const who = { accountId, clientId, grantId: id }
      await events.record(tx, { kind: 'grant_withdrawn', outcome: 'done', detail: reason, ...who })
      return { isEnded, position: await feed.append(tx, [{ kind: 'grant', id }], { wantsAck }) }
    })
  }

  /** Once for each, or whoever asks in a loop would fill the log. */
  async function tellAgain(tx: Db, id: string): Promise<number> {
    const position = toldAgain.get(id) ?? (await feed.append(tx, [{ kind: 'grant', id }], { wantsAck: true }))
    afterCommit(tx, async () => toldAgain.set(id, position))
    return position
  }

  return {
    freshSeconds,
    check,
    give,
    async request(asked) {
      const request = {
        ...{ account_id: null, return_to: null, ...asked },
        ...{ id: entropy.id(), expires_at: clock.now() + requestSeconds },
      }
      const parsed = grantRequest.safeParse(request)
      if (!parsed.success)
        throw new Error(
          `auth.grants.request: ${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}`,
        )
      await check(parsed.data)
      return `${issuer}/grants/new?request=${sealRequest(secrets, parsed.data)}`
    },
    readRequest: (sealed) => openRequest(secrets, sealed, clock.now()) ?? refuse('grant_request_invalid'),
    list: (accountId) => listLive(db, accountId),
    async withdraw({ id, accountId, wantsAck = false }) {
      const grant = await store.find(db, id)
      if (grant?.account_id !== accountId) refuse('grant_unknown')
      // Who asks again and again is answered by this read, whose position is not before the one that told the end.
      if (grant.ended_at !== null && !wantsAck) return grant.as_of
      return (await end(grant, { reason: 'withdrawn', wantsAck })).position
    },
    async withdrawAny(id) {
      const grant = await store.find(db, id)
      if (grant === undefined || grant.ended_at !== null) return false
      return (await end(grant, { reason: 'operator', wantsAck: false })).isEnded
    },
    async outlive(tx, { accountId, cause }) {
      const ids = await store.hold(tx, { accountId, onlyKept: cause === 'reset' })
      return (position) => store.beginAgain(tx, { ids, position })
    },
    prune: () => store.prune(db, clock.now() - pruneAfterSeconds),
  }
}
