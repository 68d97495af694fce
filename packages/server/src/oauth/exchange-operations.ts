import { firstPartyClient, readScope } from '../clients/index.ts'
import type { Exchanges } from '../grants/index.ts'
import { refuse } from '../refusals.ts'
import type { GrantType, TokenForm } from './token-request.ts'

export const exchangeGrantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const grantTokenType = 'urn:counterfoil:token-type:grant'

/** RFC 8693: a grant for an access token of the account that gave it. */
export function createTokenExchange(exchanges: Exchanges): GrantType {
  return async ({ client, form, network, proof }) => {
    if (client.id === firstPartyClient) refuse('client_invalid', { detail: 'no proof' })
    if (client.isPublic) refuse('client_unauthorized')
    const { subject_token: grant } = checked(form)
    const asked = readScope(form.scope ?? '') ?? refuse('scope_invalid')
    const token = await exchanges.exchange({
      ...{ client, grant, audience: audienceOf(form), asked, network, proof },
    })
    return { ...token, issued_token_type: accessTokenType }
  }
}

function checked(form: TokenForm): { subject_token: string } {
  const { subject_token, subject_token_type, requested_token_type = '' } = form
  if (subject_token === undefined) refuse('input_invalid', { detail: 'subject_token is missing' })
  if (subject_token_type !== grantTokenType)
    refuse('input_invalid', { detail: 'subject_token_type is not one that is taken' })
  if (requested_token_type !== '' && requested_token_type !== accessTokenType)
    refuse('input_invalid', { detail: 'only access tokens are handed out' })
  // Who acts is who proved itself as the client, and nobody that a token names.
  if (form.actor_token !== undefined || form.actor_token_type !== undefined)
    refuse('input_invalid', { detail: 'the client itself is the actor' })
  return { subject_token }
}

/** One place, by whichever of its two names (RFC 8693 2.1): two that differ are two places. */
function audienceOf({ resource = '', audience = '' }: TokenForm): string | null {
  if (resource !== '' && audience !== '' && resource !== audience) refuse('target_invalid')
  return resource || audience || null
}
