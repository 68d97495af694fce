import {
  type Caller,
  credentialOf,
  type GuardedRequest,
  guard,
  proofOf,
  type ShownProof,
} from '@counterfoil/verifier'
import { type Carriers, stalenessFor } from '../carriers/index.ts'
import type { Remote } from '../contract.ts'
import type { Policy } from '../policy.ts'
import { refuse } from '../refusals.ts'
import { readBody } from './body.ts'
import { originalOf } from './forward.ts'
import type { Answer, Route, RouteRequest } from './route.ts'
import { guardedRequest, visitorOf } from './visitor.ts'

/** What the edge stands on, the same for every request. */
export type Edge = { carriers: Carriers; policy: Policy; origin: string; isHttps: boolean }

/** One request on its way through the chain: read once, then filled in. A refusal is shown with whatever is there. */
export type Exchange = {
  readonly route: Route
  readonly request: Request
  readonly guarded: Omit<GuardedRequest, 'asksForCookie'>
  readonly visible: Omit<RouteRequest<unknown>, 'body' | 'caller'>
  caller: Caller | null
  raw: Readonly<Record<string, unknown>>
  readonly proof: ShownProof
}

export type Incoming = {
  request: Request
  params: Readonly<Record<string, string>>
  remote: Remote
  url: URL
}

export function readExchange(route: Route, { request, params, remote, url }: Incoming, edge: Edge): Exchange {
  const { policy, origin } = edge
  const { headers } = request
  const asked = route.forwards && policy.forward !== null ? originalOf(request, policy.forward) : request
  const own = { origin, allowedOrigins: policy.origins }
  const guarded = guardedRequest(asked, own)
  const proof = proofOf(asked, origin)
  const accept = headers.get('accept') ?? ''
  const visible = {
    params,
    query: url.searchParams,
    visitor: visitorOf(request, { remote, url, trustedHops: policy.trustedHops, guarded }),
    accept,
    wantsJson: accept.includes('application/json') && !accept.includes('text/html'),
    authorization: readsCookies(route) ? null : headers.get('authorization'),
    asCame: () => new Request(`${origin}${url.pathname}${url.search}`, { method: request.method, headers }),
    lastEventId: headers.get('last-event-id'),
    ifNoneMatch: headers.get('if-none-match'),
    shown: () => edge.carriers.shown(credentialOf(request)),
    proveKey: async () => (proof.header === null ? null : edge.carriers.proofs.checkNew(proof)),
  }
  return { route, request, guarded, visible, proof, caller: null, raw: {} }
}

/** The chain, in its order: guard, caller, body, guard again if the body asks for a cookie, then the route. */
export async function runRoute(exchange: Exchange, edge: Edge): Promise<Answer> {
  const { route, request, guarded, visible } = exchange
  if (readsCookies(route)) guard({ ...guarded, asksForCookie: false })
  if (route.loopbackOnly && !visible.visitor.isLoopback) refuse('not_found')
  exchange.caller = await callerFor(exchange, edge)
  exchange.raw = route.takesBody ? await readBody(request, route.kind) : {}
  const prepared = route.prepare(exchange.raw)
  if (prepared.asksForCookie) guard({ ...guarded, asksForCookie: true })
  return prepared.run({ ...visible, caller: exchange.caller })
}

function readsCookies(route: Route): boolean {
  return route.kind === 'api' || route.kind === 'page'
}

async function callerFor(exchange: Exchange, { carriers }: Edge): Promise<Caller | null> {
  const { route, request, proof } = exchange
  if (route.caller === 'ignored') return null
  const { headers } = request
  const { method } = exchange.guarded
  const authorization = headers.get('authorization')
  if (route.caller === 'replaced' && authorization !== null) return null
  const credential = credentialOf(request)
  const caller = await carriers.identify(credential, {
    isPassive: () => headers.get('counterfoil-passive') === '?1',
    proof,
    maxStale: stalenessFor(method),
  })
  if (caller === null && route.caller === 'required') refuse('credential_missing')
  // Whoever acts for somebody may look, never change: such a caller is not present.
  const isDelegated = caller !== null && (caller.actor !== null || caller.grant !== null)
  if (isDelegated && method !== 'GET' && method !== 'HEAD')
    refuse('credential_invalid', { detail: 'a delegated token cannot change anything' })
  return caller
}
