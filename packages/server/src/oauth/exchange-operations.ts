import { firstPartyClient, readScope } from '../clients/index.ts'
import type { Exchanges } from '../grants/index.ts'
import { refuse } from '../refusals.ts'
import type { Delegations } from '../tokens/index.ts'
import type { GrantType, TokenForm } from './token-request.ts'

export const exchangeGrantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const grantTokenType = 'urn:counterfoil:token-type:grant'

/**
 * RFC 8693: a grant for an access token of the account that gave it, or an access token that a service was called with for one
 * that it calls the next service with.
 */
export function createTokenExchange(given: { exchanges: Exchanges; delegations: Delegations }): GrantType {
  const { exchanges, delegations } = given
  return async ({ client, form, network, proof }) => {
    if (client.id === firstPartyClient) refuse('client_invalid', { detail: 'no proof' })
    if (client.isPublic) refuse('client_unauthorized')
    const { type, subject } = checked(form)
    const asked = readScope(form.scope ?? '') ?? refuse('scope_invalid')
    const about = { client, audience: audienceOf(form), asked, network, proof }
    const token =
      type === 'grant'
        ? await exchanges.exchange({ ...about, grant: subject })
        : await delegations.exchange({ ...about, token: subject })
    return { ...token, issued_token_type: accessTokenType }
  }
}

const types: ReadonlyMap<string | undefined, 'grant' | 'access'> = new Map([
  [grantTokenType, 'grant'],
  [accessTokenType, 'access'],
])

function checked(form: TokenForm): { type: 'grant' | 'access'; subject: string } {
  const { subject_token, subject_token_type, requested_token_type = '' } = form
  if (subject_token === undefined) refuse('input_invalid', { detail: 'subject_token is missing' })
  const type =
    types.get(subject_token_type) ??
    refuse('input_invalid', { detail: 'subject_token_type is not one that is taken' })
  if (requested_token_type !== '' && requested_token_type !== accessTokenType)
    refuse('input_invalid', { detail: 'only access tokens are handed out' })
  // Who acts is who proved itself as the client, and nobody that a token names.
  if (form.actor_token !== undefined || form.actor_token_type !== undefined)
    refuse('input_invalid', { detail: 'the client itself is the actor' })
  return { type, subject: subject_token }
}

/** One place, by whichever of its two names (RFC 8693 2.1): two that differ are two places. */
function audienceOf({ resource = '', audience = '' }: TokenForm): string | null {
  if (resource !== '' && audience !== '' && resource !== audience) refuse('target_invalid')
  return resource || audience || null
}
