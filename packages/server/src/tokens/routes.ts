import { Refusal } from '@counterfoil/verifier'
import { z } from 'zod'
import { firstPartyClient } from '../clients/index.ts'
import { type Route, route } from '../http/route.ts'
import { refuse } from '../refusals.ts'
import type { Keys } from './key-operations.ts'
import { metadataOf } from './metadata.ts'
import type { Tokens } from './operations.ts'

const text = z.string().max(8192)

/** Refuses whoever does not prove itself as a client. */
type AuthenticateClient = (authorization: string | null) => Promise<unknown>

type Needs = { tokens: Tokens; keys: Keys; issuer: string; authenticate: AuthenticateClient }

export function tokenRoutes({ tokens, keys, issuer, authenticate }: Needs): Route[] {
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
      async handle({ body, visitor, proveKey }) {
        if (body.grant_type !== 'refresh_token') refuse('grant_type_unsupported')
        // The built-in public client may be left out (RFC 6749 6: public clients do not prove themselves).
        if ((body.client_id ?? firstPartyClient) !== firstPartyClient) refuse('client_invalid')
        // First-party tokens have no scopes, so whatever is asked for is more than was granted.
        if ((body.scope ?? '') !== '') refuse('scope_invalid')
        if (body.refresh_token === undefined) refuse('input_invalid', { detail: 'refresh_token is missing' })
        const proof = await proveKey()
        const given = { refreshToken: body.refresh_token, network: visitor.network, proof }
        const pair = await tokens.refresh(given)
        return { status: 200, json: pair }
      },
    }),
    route({
      method: 'POST',
      path: '/oauth/introspect',
      kind: 'oauth',
      caller: 'ignored',
      body: z.object({ token: text, token_type_hint: text.optional() }),
      async handle({ body, authorization }) {
        await authenticate(authorization)
        return { status: 200, json: await introspect(tokens, body.token) }
      },
    }),
    route({
      method: 'GET',
      path: '/.well-known/oauth-authorization-server',
      kind: 'open',
      caller: 'ignored',
      handle: () => ({
        status: 200,
        text: { body: JSON.stringify(metadataOf(issuer)), type: 'application/json', keepSeconds: 300 },
      }),
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

/** RFC 7662: read from the store now. Whatever cannot be accepted is inactive, and why is nobody's to know. */
async function introspect(tokens: Tokens, token: string): Promise<object> {
  try {
    const { claims } = await tokens.inspect(token)
    const { issuer, subject, audience, expiresAt, issuedAt, tokenId, clientId, sessionId } = claims
    return {
      active: true,
      token_type: claims.confirmation === null ? 'Bearer' : 'DPoP',
      scope: claims.scopes.join(' '),
      client_id: clientId,
      sub: subject,
      aud: audience,
      iss: issuer,
      exp: expiresAt,
      iat: issuedAt,
      jti: tokenId,
      sid: sessionId,
      auth_time: claims.authenticatedAt,
    }
  } catch (error) {
    if (error instanceof Refusal && error.status < 500) return { active: false }
    throw error
  }
}
