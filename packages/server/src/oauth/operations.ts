import { firstPartyClient, type ProvenClient, readScope } from '../clients/index.ts'
import type { Exchanges } from '../grants/index.ts'
import type { Policy } from '../policy.ts'
import { refuse } from '../refusals.ts'
import type { ClientTokens, Delegations, Tokens } from '../tokens/index.ts'
import { createTokenExchange, exchangeGrantType } from './exchange-operations.ts'
import type { GrantType, TokenForm } from './token-request.ts'

/** A Map, so that `__proto__` is just a grant type that nobody offers. */
export type GrantTypes = ReadonlyMap<string, GrantType>

type Needs = {
  tokens: Tokens
  clientTokens: ClientTokens
  exchanges: Exchanges
  delegations: Delegations
  policy: Policy
  issuer: string
}

/** Every way to come by tokens at `/oauth/token`. */
export function createGrantTypes(needs: Needs): GrantTypes {
  const { tokens, clientTokens, exchanges, delegations, policy, issuer } = needs
  const audiences: ReadonlySet<string> = new Set([issuer, ...policy.audiences])

  /** What the token is for (RFC 8707): the server itself, where nothing is said. Compared exactly. */
  function audienceOf({ resource = '' }: TokenForm, allowed = audiences): string {
    const audience = resource === '' ? issuer : resource
    return allowed.has(audience) ? audience : refuse('target_invalid')
  }

  return new Map<string, GrantType>([
    [
      'refresh_token',
      async ({ client, form, network, proof }) => {
        // First-party tokens have no scopes, so whatever is asked for is more than was granted.
        if ((form.scope ?? '') !== '') refuse('scope_invalid')
        audienceOf(form, new Set([issuer]))
        if (form.refresh_token === undefined) refuse('input_invalid', { detail: 'refresh_token is missing' })
        return tokens.refresh({ refreshToken: form.refresh_token, clientId: client.id, network, proof })
      },
    ],
    [
      'client_credentials',
      async ({ client, form, proof }) => {
        // RFC 6749 4.4: whoever cannot prove who they are would be given what anybody could ask for.
        if (client.id === firstPartyClient) refuse('client_invalid', { detail: 'no proof' })
        if (client.isPublic) refuse('client_unauthorized')
        const scopes = grantedScopes(client, form.scope ?? '')
        return clientTokens.issue({ client, audience: audienceOf(form), scopes, proof })
      },
    ],
    [exchangeGrantType, createTokenExchange({ exchanges, delegations })],
  ])
}

/** All that the client may have where it asks for nothing; asking for more is refused and not narrowed. */
export function grantedScopes({ scopes }: ProvenClient, asked: string): readonly string[] {
  const words = readScope(asked) ?? refuse('scope_invalid')
  if (words.some((word) => !scopes.includes(word))) refuse('scope_invalid')
  return words.length === 0 ? scopes : words
}
