import type { Clients, ProvenClient } from '../clients/index.ts'
import type { Limit, Limits } from '../limits/index.ts'
import { refuse } from '../refusals.ts'
import type { Sessions } from '../sessions/index.ts'
import type { IssuedTokens } from '../tokens/index.ts'

type Needs = { clients: Clients; sessions: Sessions; issued: IssuedTokens; limits: Limits }

/** The end of a client makes every verifier look at all that it remembers again: nobody may call for that in a loop. */
const endsOfTokens: Limit = { name: 'client_tokens', burst: 10, intervalSeconds: 60 }

/**
 * RFC 7009: ends what a token stands on, since a token by itself cannot be taken back. With a session that is the session, and
 * both its carriers; without one, and where a client acts for somebody, it is all tokens that the client was given so far, and it may ask for another at once. A
 * token that is unknown, forged or over is no error. One that another client was given is `client_unauthorized`; ten of the
 * second kind at once, and then more than one a minute, are `too_many_attempts`.
 */
export type Revoke = (token: string, client: ProvenClient) => Promise<void>

export function createRevoke({ clients, sessions, issued, limits }: Needs): Revoke {
  async function endOwn(given: { id: string; asOf: number }): Promise<void> {
    if (await clients.isTokenOver(given)) return
    await limits.take(endsOfTokens, given.id)
    await clients.endTokens(given)
  }

  return async function revoke(token, client) {
    const found = await issued.find(token)
    if (found === null) return
    const { session } = found
    const owner = found.kind === 'access' ? found.claims.clientId : found.session.client_id
    if (owner !== client.id)
      refuse('client_unauthorized', { detail: 'the token was given to another client' })
    // Whoever acts for a person ends what it was given itself, and signs nobody out.
    const isDelegated = found.kind === 'access' && found.claims.actor !== null
    if (session !== null && !isDelegated) await sessions.endAny(session.id, 'revoked')
    else if (found.kind === 'access') await endOwn({ id: owner, asOf: found.claims.asOf })
  }
}
