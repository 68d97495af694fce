import { z } from 'zod'
import { firstPartyClient } from '../clients/index.ts'
import { type Route, route } from '../http/route.ts'
import { refuse } from '../refusals.ts'
import type { Keys } from './key-operations.ts'
import type { Tokens } from './operations.ts'

const text = z.string().max(8192)

export function tokenRoutes(tokens: Tokens, keys: Keys): Route[] {
  return [
    route({
      method: 'POST',
      path: '/oauth/token',
      kind: 'oauth',
      caller: 'ignored',
      body: z.object({
        grant_type: text,
        refresh_token: text.optional(),
        client_id: text.optional(),
        scope: text.optional(),
      }),
      async handle({ body, visitor }) {
        if (body.grant_type !== 'refresh_token') refuse('grant_type_unsupported')
        // The built-in public client may be left out (RFC 6749 6: public clients do not prove themselves).
        if ((body.client_id ?? firstPartyClient) !== firstPartyClient) refuse('client_invalid')
        // First-party tokens have no scopes, so whatever is asked for is more than was granted.
        if ((body.scope ?? '') !== '') refuse('scope_invalid')
        if (body.refresh_token === undefined) refuse('input_invalid', { detail: 'refresh_token is missing' })
        const pair = await tokens.refresh({ refreshToken: body.refresh_token, network: visitor.network })
        return { status: 200, json: pair }
      },
    }),
    route({
      method: 'GET',
      path: '/.well-known/jwks.json',
      kind: 'open',
      caller: 'ignored',
      handle: async () => {
        const { jwks } = await keys.ring()
        return { status: 200, text: { body: jwks, type: 'application/jwk-set+json', keepSeconds: 300 } }
      },
    }),
  ]
}
