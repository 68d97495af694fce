import * as z from 'zod'
import type { Clients, ShownClient } from '../clients/index.ts'
import { type Route, route } from '../http/route.ts'
import type { Policy } from '../policy.ts'
import { refuse } from '../refusals.ts'
import type { Introspection } from './introspection-operations.ts'
import { metadataOf } from './metadata.ts'
import type { GrantTypes } from './operations.ts'
import type { Revoke } from './revocation-operations.ts'

const text = z.string().max(8192)

/** How a client proves itself in a form; the header counts beside it. */
const clientFields = {
  client_id: text.optional(),
  client_secret: text.optional(),
  client_assertion: text.optional(),
  client_assertion_type: text.optional(),
}

const tokenFields = z.object({
  ...clientFields,
  grant_type: text,
  refresh_token: text.optional(),
  scope: text.optional(),
  resource: text.optional(),
  audience: text.optional(),
  subject_token: text.optional(),
  subject_token_type: text.optional(),
  requested_token_type: text.optional(),
  actor_token: text.optional(),
  actor_token_type: text.optional(),
})

const aboutToken = z.object({ ...clientFields, token: text, token_type_hint: text.optional() })

const signedAnswer = 'application/token-introspection+jwt'

type Needs = {
  clients: Clients
  grantTypes: GrantTypes
  introspection: Introspection
  revoke: Revoke
  policy: Policy
  issuer: string
}

export function oauthRoutes(needs: Needs): Route[] {
  const { clients, grantTypes, introspection, revoke, policy, issuer } = needs
  const shownBy = (body: Omit<ShownClient, 'authorization'>, authorization: string | null): ShownClient => ({
    ...body,
    authorization,
  })
  const metadata = JSON.stringify(
    metadataOf(issuer, {
      grantTypes: [...grantTypes.keys()],
      signingAlgorithm: policy.accessTokenAlgorithm,
    }),
  )

  return [
    route({
      method: 'POST',
      path: '/oauth/token',
      kind: 'oauth',
      caller: 'ignored',
      body: tokenFields,
      async handle({ body, authorization, visitor, proveKey }) {
        const grant = grantTypes.get(body.grant_type) ?? refuse('grant_type_unsupported')
        // Judged before the client: a proof that has to be made anew must not have used an assertion up.
        const proof = await proveKey()
        const client = await clients.recognise(shownBy(body, authorization))
        return { status: 200, json: await grant({ client, form: body, network: visitor.network, proof }) }
      },
    }),
    route({
      method: 'POST',
      path: '/oauth/revoke',
      kind: 'oauth',
      caller: 'ignored',
      body: aboutToken,
      async handle({ body, authorization }) {
        await revoke(body.token, await clients.recognise(shownBy(body, authorization)))
        return { status: 200 }
      },
    }),
    route({
      method: 'POST',
      path: '/oauth/introspect',
      kind: 'oauth',
      caller: 'ignored',
      body: aboutToken,
      async handle({ body, authorization, accept }) {
        const client = await clients.authenticate(shownBy(body, authorization))
        const answer = await introspection.ask(body.token, client)
        if (!accepts(accept, signedAnswer)) return { status: 200, json: answer }
        return { status: 200, text: { body: await introspection.sign(answer, client), type: signedAnswer } }
      },
    }),
    route({
      method: 'GET',
      path: '/.well-known/oauth-authorization-server',
      kind: 'open',
      caller: 'ignored',
      handle: () => ({
        status: 200,
        keepSeconds: 300,
        text: { body: metadata, type: 'application/json' },
      }),
    }),
  ]
}

/** Whether a type is asked for by its name: wildcards mean the plain answer. */
function accepts(accept: string, type: string): boolean {
  return accept.split(',').some((one) => {
    const [name = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase())
    return name === type && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
  })
}
