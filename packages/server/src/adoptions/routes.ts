import { headerOf, type IncomingRequest } from '@counterfoil/verifier'
import * as z from 'zod'
import { type Route, route } from '../http/route.ts'
import { refuse } from '../refusals.ts'
import { deviceLabel } from '../sessions/index.ts'
import type { Adoptions } from './operations.ts'

export function adoptionRoutes(adoptions: Adoptions): Route[] {
  return [
    route({
      method: 'POST',
      path: '/auth/adopt',
      kind: 'api',
      caller: 'replaced',
      body: z.object({ carrier: z.enum(['cookie', 'token']).default('cookie') }),
      asksForCookie: ({ carrier }) => carrier === 'cookie',
      async handle(request) {
        const { caller, visitor, body } = request
        const { carrier } = body
        // Nobody is signed over to another account by a cookie that somebody planted.
        if (caller !== null) refuse('adoption_refused', { detail: 'somebody is signed in' })
        const asCame = request.asCame()
        // A cookie of the other system is sent by every page, ours or not; a header is sent by whoever holds it.
        if (asCame.headers.has('cookie') && !visitor.isSameOrigin) refuse('forged_request')
        const proof = carrier === 'token' ? await request.proveKey() : null
        const begins = { carrier, device: deviceLabel(visitor.userAgent), network: visitor.network }
        const began = await adoptions.adopt(asCame, { ...begins, isBound: proof !== null })
        return { status: 200, began: { ...began, proof } }
      },
    }),
  ]
}

/** What says who sends a request and where from; nothing of the body that it has itself. */
const kept = ['cookie', 'authorization', 'origin', 'sec-fetch-site', 'dpop', 'user-agent', 'x-forwarded-for']

/** The question that `/auth/adopt` answers, asked by the request that brought the old credential. */
export function asAdoption(
  request: IncomingRequest,
  { issuer, carrier }: { issuer: string; carrier: 'cookie' | 'token' },
): Request {
  const headers = new Headers({ 'content-type': 'application/json' })
  for (const name of kept) {
    const value = headerOf(request, name)
    if (value !== null) headers.set(name, value)
  }
  return new Request(`${issuer}/auth/adopt`, { method: 'POST', headers, body: JSON.stringify({ carrier }) })
}
