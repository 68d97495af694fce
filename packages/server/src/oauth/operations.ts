import type { Proof } from '@counterfoil/verifier'
import { firstPartyClient, type ProvenClient, readScope } from '../clients/index.ts'
import type { Policy } from '../policy.ts'
import { refuse } from '../refusals.ts'
import type { ClientTokens, Tokens } from '../tokens/index.ts'

/** The fields of a token request; what a grant type does not know of, it ignores (RFC 6749 3.2). */
export type TokenForm = {
  grant_type: string
  refresh_token?: string | undefined
  scope?: string | undefined
  resource?: string | undefined
}

/** A request for tokens whose client is known. */
export type TokenRequest = {
  client: ProvenClient
  form: TokenForm
  network: string | null
  /** A proof of possession (RFC 9449): what is handed out is bound to its key. `null`: plain bearer. */
  proof: Proof | null
}

/** RFC 6749 5.1. */
export type TokenAnswer = {
  access_token: string
  token_type: 'Bearer' | 'DPoP'
  expires_in: number
  scope?: string
  refresh_token?: string
}

export type GrantType = (request: TokenRequest) => Promise<TokenAnswer>

/** A Map, so that `__proto__` is just a grant type that nobody offers. */
export type GrantTypes = ReadonlyMap<string, GrantType>

type Needs = { tokens: Tokens; clientTokens: ClientTokens; policy: Policy; issuer: string }

/** Every way to come by tokens at `/oauth/token`. */
export function createGrantTypes({ tokens, clientTokens, policy, issuer }: Needs): GrantTypes {
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
  ])
}

/** All that the client may have where it asks for nothing; asking for more is refused and not narrowed. */
export function grantedScopes({ scopes }: ProvenClient, asked: string): readonly string[] {
  const words = readScope(asked) ?? refuse('scope_invalid')
  if (words.some((word) => !scopes.includes(word))) refuse('scope_invalid')
  return words.length === 0 ? scopes : words
}
