import type { AccessTokenClaims, Proof } from '@counterfoil/verifier'
import { firstPartyClient, type ProvenClient } from '../clients/index.ts'
import type { Db } from '../db/schema.ts'
import type { Events } from '../events.ts'
import type { Feed } from '../feed/index.ts'
import type { Limit, Limits } from '../limits/index.ts'
import type { Entropy } from '../machine.ts'
import type { Policy } from '../policy.ts'
import { refuse } from '../refusals.ts'
import { signJwt } from './access-token.ts'
import { actOf, checkedRules, extendChain, narrowScope, sourcesOf } from './delegation.ts'
import { type IssuedTokens, readAt } from './issued-operations.ts'
import type { Keys } from './key-operations.ts'
import type { Proofs } from './proofs.ts'

/** RFC 6749 5.1; an empty `scope` for a token that has none. */
export type DelegatedToken = {
  access_token: string
  token_type: 'Bearer' | 'DPoP'
  expires_in: number
  scope: string
}

export type Delegations = {
  /**
   * A token that a service was called with, for one that it may call the next service with (RFC 8693): the same person, session
   * and grant, one more actor, never more scope, never a later end. It uses nothing up. `client_unauthorized` for a public
   * client and one that policy does not name; `target_invalid` for an audience that policy does not let it call;
   * `subject_invalid` for whatever is not a live token made for that very client's audience, for a client's own token, and for
   * a chain that would be too long or go in a circle; `scope_invalid`; `proof_invalid` for a bound token without a proof of
   * the client's own key. Ten live tokens made for others at once, and then more than one a minute: `too_many_attempts`.
   */
  exchange(given: {
    client: ProvenClient
    token: string
    /** `null`: the request names none, and nothing is guessed. */
    audience: string | null
    asked: readonly string[]
    network: string | null
    /** A proof of possession that is good but for having been used: the new token is bound to its key. */
    proof: Proof | null
  }): Promise<DelegatedToken>
}

type Needs = {
  db: Db
  entropy: Entropy
  policy: Policy
  issuer: string
  keys: Keys
  proofs: Proofs
  feed: Feed
  events: Events
  limits: Limits
  issued: IssuedTokens
}

/** A service that shows others' tokens is broken or hostile, and writes a row each time. */
const misusedTokens: Limit = { name: 'misused_tokens', burst: 10, intervalSeconds: 60 }

export function createDelegations(needs: Needs): Delegations {
  const { db, entropy, policy, issuer, keys, proofs, feed, events, limits, issued } = needs
  const rules = checkedRules(policy.exchanges, { issuer, builtIn: firstPartyClient })

  const about = ({ subject, sessionId, grant }: AccessTokenClaims, client: ProvenClient) => ({
    ...{ accountId: subject, sessionId, grantId: grant, clientId: client.id },
  })

  async function refuseMisuse(claims: AccessTokenClaims, client: ProvenClient, detail: string) {
    await limits.take(misusedTokens, client.id)
    await events.record(db, { kind: 'token_misused', outcome: 'refused', detail, ...about(claims, client) })
    return refuse('subject_invalid', { detail })
  }

  /** What a token says that is live now; it speaks of a person, and names every client whose end has to end it. */
  async function findSubject(token: string): Promise<AccessTokenClaims> {
    const found = await feed.ask(() => issued.findLive(token), readAt)
    if (found?.kind !== 'access') return refuse('subject_invalid', { detail: 'not a live access token' })
    const { claims } = found
    if (claims.sessionId === null && claims.grant === null)
      refuse('subject_invalid', { detail: 'a client of its own account is handed on by nobody' })
    // The client of the session is in no chain: it has to be the one that never ends.
    if (claims.actor === null && claims.clientId !== firstPartyClient)
      refuse('subject_invalid', { detail: 'its client would not be named' })
    return claims
  }

  return {
    async exchange({ client, token, audience, asked, network, proof }) {
      if (client.isPublic) refuse('client_unauthorized')
      if (!rules.some((rule) => rule.client === client.id))
        refuse('client_unauthorized', { detail: 'policy lets this client exchange nothing' })
      const sources = audience === null ? [] : sourcesOf(rules, { client: client.id, to: audience })
      if (audience === null || sources.length === 0) refuse('target_invalid')
      feed.hub.requireClock()
      const subject = await findSubject(token)
      if (!sources.includes(subject.audience)) return refuseMisuse(subject, client, 'another_audience')
      const actors = extendChain(subject.actors, client.id)
      if (actors === null) return refuseMisuse(subject, client, 'chain')
      const words = narrowScope({ had: subject.scopes, may: client.scopes, asked }) ?? refuse('scope_invalid')
      // A chain that began with a key does not go on without one: what leaks at its end would be worth something.
      if (subject.confirmation !== null && proof === null)
        refuse('proof_invalid', { detail: 'the subject token is bound to a key' })
      const ring = await keys.ring()
      if (proof !== null) proofs.use(proof)
      // Dated by the oldest reading that it is made from, which is the one that the client proved itself by. The subject token was
      // read after that: an end that was committed by then was seen, and refused here; one that came later is after `as_of`, and
      // every verifier holds it against this token by its keys, which are those of the subject token and the client's. So its
      // own, older `as_of` is not needed, and the newer one of its reading would miss an end of the client in between. `iat` is
      // of the same reading: no verifier believes this longer than it remembers what came after `as_of`.
      const { asOf: as_of, readStart: iat } = client
      const exp = Math.min(iat + policy.accessTokenSeconds, subject.expiresAt)
      const scope = words.join(' ')
      const claims = {
        ...{ iss: issuer, sub: subject.subject, aud: audience, exp, iat, jti: entropy.id() },
        client_id: client.id,
        ...(subject.sessionId === null ? {} : { sid: subject.sessionId }),
        scope,
        ...{ auth_time: subject.authenticatedAt, amr: subject.amr, as_of },
        act: actOf(actors),
        ...(subject.grant === null ? {} : { grant: subject.grant }),
        ...(proof === null ? {} : { cnf: { jkt: proof.thumbprint } }),
      }
      const access_token = signJwt(ring, { typ: 'at+jwt', claims })
      const { clientId: detail } = subject
      const who = { ...about(subject, client), network }
      await events.record(db, { kind: 'token_exchanged', outcome: 'done', detail, ...who })
      const token_type = proof === null ? 'Bearer' : 'DPoP'
      return { access_token, token_type, expires_in: exp - iat, scope }
    },
  }
}
