import type { Proof } from '@counterfoil/verifier'
import type { ProvenClient } from '../clients/index.ts'
import type { Feed } from '../feed/index.ts'
import type { Entropy } from '../machine.ts'
import type { Policy } from '../policy.ts'
import { signJwt } from './access-token.ts'
import type { Keys } from './key-operations.ts'
import type { Proofs } from './proofs.ts'

/** What a client is handed for itself (RFC 6749 4.4.3): no refresh token, since it can prove itself again. */
export type ClientToken = {
  access_token: string
  token_type: 'Bearer' | 'DPoP'
  expires_in: number
  scope: string
}

export type ClientTokens = {
  /**
   * An access token for a client's own affairs: `sub` is the client, and there is no session and no account behind it. It ends
   * with its client, with the client's proof, with its signing key, and after five minutes. Not checked: whether the client
   * may have these scopes, and whether the audience is one of ours.
   */
  issue(given: {
    client: ProvenClient
    audience: string
    scopes: readonly string[]
    /** A proof of possession that is good but for having been used: the token is bound to its key. */
    proof: Proof | null
  }): Promise<ClientToken>
}

type Needs = { entropy: Entropy; policy: Policy; issuer: string; keys: Keys; proofs: Proofs; feed: Feed }

export function createClientTokens(needs: Needs): ClientTokens {
  const { entropy, policy, issuer, keys, proofs, feed } = needs
  return {
    async issue({ client, audience, scopes, proof }) {
      feed.hub.requireClock()
      if (proof !== null) proofs.use(proof)
      const expires_in = policy.accessTokenSeconds
      const { id, readStart, asOf } = client
      const scope = scopes.join(' ')
      const claims = {
        iss: issuer,
        sub: id,
        aud: audience,
        exp: readStart + expires_in,
        iat: readStart,
        jti: entropy.id(),
        client_id: id,
        scope,
        // No person has proven anything: whoever asks for a recent proof finds none.
        auth_time: 0,
        amr: [],
        as_of: asOf,
        ...(proof === null ? {} : { cnf: { jkt: proof.thumbprint } }),
      }
      const access_token = signJwt(await keys.ring(), { typ: 'at+jwt', claims })
      return { access_token, token_type: proof === null ? 'Bearer' : 'DPoP', expires_in, scope }
    },
  }
}
