import {
  type Caller,
  demand,
  mostCookies,
  type Proof,
  writeStatement,
  writeStatements,
} from '@counterfoil/verifier'
import * as z from 'zod'
import { type Answer, type Route, type RouteRequest, route } from '../http/route.ts'
import type { Clock } from '../machine.ts'
import { refuse } from '../refusals.ts'
import type { Tokens } from '../tokens/index.ts'
import type { Carriers } from './operations.ts'

type Needs = {
  carriers: Carriers
  tokens: Pick<Tokens, 'mintFor'>
  clock: Clock
  /** Whom tokens may be made for, besides the server itself. */
  audiences: readonly string[]
  /** Refuses whoever gives another password than the account's, and counts the attempt. */
  provePassword(given: Presence & { password: string }): Promise<void>
  /** Refuses whoever does not prove itself as a client. */
  authenticate(authorization: string | null): Promise<unknown>
}

type Presence = {
  accountId: string
  sessionId: string
  carrier: 'cookie' | 'token'
  network: string | null
}

const text = z.string().max(2048)
const carrier = z.enum(['cookie', 'token'])

export function carrierRoutes(needs: Needs): Route[] {
  const { carriers, tokens, clock, audiences, provePassword, authenticate } = needs

  async function exchange(request: RouteRequest<z.infer<typeof exchangeBody>>): Promise<Answer> {
    const { audience, scope = '' } = request.body
    const { id: sessionId } = sessionOf(demand(request.caller, { present: true }, clock.now))
    if (request.caller?.carrier !== 'cookie')
      refuse('carrier_wrong', { detail: 'only a cookie is exchanged' })
    if (!audiences.includes(audience)) refuse('target_invalid')
    // First-party sessions have no scopes, so whatever is asked for is more than there is.
    if (scope !== '') refuse('scope_invalid')
    const proof = required(await request.proveKey())
    return { status: 200, json: await tokens.mintFor({ sessionId, from: request.shown(), audience, proof }) }
  }

  async function move(request: RouteRequest<z.infer<typeof moveBody>>): Promise<Answer> {
    const { account, ...caller } = demand(request.caller, { present: true }, clock.now)
    const session = sessionOf(caller)
    const { carrier, password } = request.body
    if (session.carrier === null || session.carrier === carrier)
      refuse('carrier_wrong', { detail: 'the session is carried that way already' })
    const proof = carrier === 'token' ? await request.proveKey() : null
    // What is carried otherwise can be carried away. However lately somebody signed in, a stolen token must not become a
    // cookie, nor injected script turn the cookie into something that travels: neither of them knows the password.
    await provePassword({
      ...{ accountId: account.id, sessionId: session.id, carrier: session.carrier },
      ...{ network: request.visitor.network, password },
    })
    return {
      status: 200,
      began: { sessionId: session.id, carrier, proof, from: request.shown() },
      ...(carrier === 'token' && ended),
    }
  }

  return [
    route({
      method: 'POST',
      path: '/auth/token',
      kind: 'api',
      caller: 'required',
      body: exchangeBody,
      handle: exchange,
    }),
    route({
      method: 'POST',
      path: '/auth/carrier',
      kind: 'api',
      caller: 'required',
      body: moveBody,
      asksForCookie: (body) => body.carrier === 'cookie',
      handle: move,
    }),
    route({
      method: 'POST',
      path: '/feed/statement',
      kind: 'service',
      caller: 'ignored',
      body: z.union([z.object({ cookie }), z.object({ cookies: z.array(cookie).min(1).max(mostCookies) })]),
      async handle({ authorization, body }) {
        await authenticate(authorization)
        const written =
          'cookie' in body
            ? writeStatement(await carriers.statement(body.cookie))
            : writeStatements(await Promise.all(body.cookies.map(carriers.statement)))
        return { status: 200, text: { body: written, type: 'application/json' } }
      },
    }),
  ]
}

const cookie = z.string().max(256)
const exchangeBody = z.object({ audience: text, scope: text.optional() })
const moveBody = z.object({ carrier, password: text })
const ended = { ended: true } as const

function sessionOf({ session }: Pick<Caller, 'session'>) {
  return session ?? refuse('credential_missing')
}

/** A plain token would be one that injected script can carry away. */
function required(proof: Proof | null): Proof {
  return proof ?? refuse('proof_invalid', { detail: 'proof: there is none' })
}
