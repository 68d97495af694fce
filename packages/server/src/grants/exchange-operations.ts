import type { AccessTokenClaims, Proof } from '@counterfoil/verifier'
import type { ProvenClient } from '../clients/index.ts'
import type { Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Events } from '../events.ts'
import type { Feed } from '../feed/index.ts'
import type { Limit, Limits } from '../limits/index.ts'
import type { Clock, Entropy } from '../machine.ts'
import type { Policy } from '../policy.ts'
import { refuse } from '../refusals.ts'
import type { SessionRecord, Sessions } from '../sessions/index.ts'
import { type Keys, type Proofs, signJwt } from '../tokens/index.ts'
import { endOf, type GrantRecord, grantId, lastTokenEnd } from './grant.ts'
import * as store from './store.ts'

/** What a worker is handed (RFC 6749 5.1): no refresh token, since it can come again with the id. */
export type GrantToken = {
  access_token: string
  token_type: 'Bearer' | 'DPoP'
  expires_in: number
  scope: string
}

export type Exchanges = {
  /**
   * An access token of the account that gave the grant, for the one client that it was given to. It uses nothing up: as
   * often as it is asked for, by as many workers of that client as there are. Refuses `grant_unknown` (another client's
   * grant too), `grant_withdrawn`, `grant_expired`, `grant_over`; `target_invalid` and `scope_invalid` for anything that
   * was not approved, or is not allowed any more; `client_unauthorized` for a public client.
   */
  exchange(given: {
    client: ProvenClient
    grant: string
    /** What the token is for; `null`: what was approved. */
    audience: string | null
    /** Words that were approved; none: all of them that the client may still ask for. */
    asked: readonly string[]
    network: string | null
    /** A proof of possession that is good but for having been used: the token is bound to its key. */
    proof: Proof | null
  }): Promise<GrantToken>
  /** The grant that a genuine token was made under, read now; or which of the two is over, the grant or only this token. */
  findActing(claims: AccessTokenClaims): Promise<GrantRecord | 'grant_ended' | 'session_ended'>
}

type Needs = {
  db: Db
  clock: Clock
  entropy: Entropy
  policy: Policy
  issuer: string
  keys: Keys
  proofs: Proofs
  feed: Feed
  events: Events
  limits: Limits
  sessions: Sessions
}

/** A client that shows others' grants is broken or hostile, and writes a row each time. */
const foreignGrants: Limit = { name: 'foreign_grants', burst: 10, intervalSeconds: 60 }

export function createExchanges(needs: Needs): Exchanges {
  const { db, clock, entropy, policy, issuer, keys, proofs, feed, events, limits, sessions } = needs
  const audiences: ReadonlySet<string> = new Set([issuer, ...policy.audiences])

  /** Who is not meant learns nothing, not even that there is such a grant. */
  async function refuseForeign(
    { id, account_id: accountId }: GrantRecord,
    client: ProvenClient,
  ): Promise<never> {
    await limits.take(foreignGrants, client.id)
    const who = { accountId, clientId: client.id, grantId: id }
    await events.record(db, { kind: 'grant_misused', outcome: 'refused', detail: 'another_client', ...who })
    refuse('grant_unknown', { detail: 'the grant was given to another client' })
  }

  async function findOwn(id: string, client: ProvenClient): Promise<GrantRecord> {
    const grant = grantId.safeParse(id).success ? await store.find(db, id) : undefined
    if (grant === undefined) refuse('grant_unknown')
    if (grant.client_id !== client.id) await refuseForeign(grant, client)
    const end = endOf(grant, clock.now())
    return end === null ? grant : refuse(end)
  }

  /** The session that the grant ends with; `null` for one that outlives it. */
  async function sessionOf({ on_sign_out, session_id }: GrantRecord): Promise<SessionRecord | null> {
    if (on_sign_out === 'keep') return null
    return (await sessions.findLive(session_id)) ?? refuse('grant_over', { detail: 'signed out' })
  }

  function scopeFor(grant: GrantRecord, client: ProvenClient, asked: readonly string[]): string {
    const approved = grant.scope.split(' ').filter((word) => client.scopes.includes(word))
    if (asked.some((word) => !approved.includes(word))) refuse('scope_invalid')
    const words = asked.length === 0 ? approved : asked
    return words.length === 0 ? refuse('scope_invalid') : words.join(' ')
  }

  return {
    async exchange({ client, grant: id, audience, asked, network, proof }) {
      if (client.isPublic) refuse('client_unauthorized')
      feed.hub.requireClock()
      const grant = await findOwn(id, client)
      if ((audience ?? grant.audience) !== grant.audience || !audiences.has(grant.audience))
        refuse('target_invalid')
      const scope = scopeFor(grant, client, asked)
      const session = await sessionOf(grant)
      const ring = await keys.ring()
      if (proof !== null) proofs.use(proof)
      // Dated by the reading that the client proved itself by: whatever ended after that, of it or of the account, ends this.
      const { asOf: as_of, readStart: iat } = client
      const exp = Math.min(iat + policy.accessTokenSeconds, grant.expires_at, session?.expires_at ?? Infinity)
      const jti = entropy.id()
      const claims = {
        ...{ iss: issuer, sub: grant.account_id, aud: grant.audience, exp, iat, jti, client_id: client.id },
        ...(session === null ? {} : { sid: session.id }),
        scope,
        // The person is not here: whoever asks for a recent proof finds none.
        auth_time: 0,
        amr: [],
        as_of,
        act: { sub: client.id },
        grant: grant.id,
        ...(proof === null ? {} : { cnf: { jkt: proof.thumbprint } }),
      }
      const access_token = signJwt(ring, { typ: 'at+jwt', claims })
      await transact(db, async (tx) => {
        if (!(await store.use(tx, { id, at: clock.now() }))) refuse('grant_withdrawn')
        const who = { accountId: grant.account_id, clientId: client.id, grantId: id, network }
        await events.record(tx, { kind: 'grant_exchanged', outcome: 'done', detail: jti, ...who })
      })
      return { access_token, token_type: proof === null ? 'Bearer' : 'DPoP', expires_in: exp - iat, scope }
    },

    async findActing(claims) {
      const { grant: id, subject, clientId, actors, sessionId, asOf } = claims
      const grant = id === null ? undefined : await store.find(db, id)
      if (grant === undefined || endOf(grant, clock.now()) !== null) return 'grant_ended'
      // Of a chain its worker is the first that acted, and whoever acts now the last; a token of its own has one for both.
      const isItsOwn =
        grant.account_id === subject && grant.client_id === actors.at(-1) && clientId === actors[0]
      if (!isItsOwn || lastTokenEnd(grant) > asOf) return 'session_ended'
      if (grant.on_sign_out === 'keep') return grant
      const session = sessionId === grant.session_id ? await sessions.findLive(sessionId) : null
      return session === null ? 'grant_ended' : grant
    },
  }
}
