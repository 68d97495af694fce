import type { Refusal } from '@counterfoil/verifier'
import { Hono } from 'hono'
import type { Remote } from '../contract.ts'
import type { Log } from '../machine.ts'
import { refusal as coded, refusals } from '../refusals.ts'
import { writeAnswer } from './answer.ts'
import { type Edge, type Exchange, type Incoming, readExchange, runRoute } from './chain.ts'
import { forwardedRefusal } from './forward.ts'
import { allowOrigin, answerHeaders, offerNonce, preflight } from './headers.ts'
import type { Metrics } from './metrics.ts'
import { asRefusal, showRefusal } from './problem.ts'
import type { Route } from './route.ts'

type Bindings = { Bindings: Remote & { url: URL } }
export type Handler = (request: Request, remote?: Remote) => Promise<Response>

/** The whole server as one function. Only the router of the framework is used; the chain is in chain.ts. */
export function createHandler(given: {
  routes: readonly Route[]
  edge: Edge
  metrics: Metrics
  log: Log
  /** Counts what a route asks the database for another cause than that of a request; `null`: it does not. */
  around: (path: string) => (<Result>(work: () => Result) => Result) | null
}): Handler {
  const { routes, edge, metrics, log, around } = given
  const app = new Hono<Bindings>({ strict: true })

  async function serve(route: Route, incoming: Incoming): Promise<Response> {
    const response = await answer(route, incoming)
    metrics.answered(route.path, response.status)
    return response
  }

  async function answer(route: Route, incoming: Incoming): Promise<Response> {
    const exchange = readExchange(route, incoming, edge)
    try {
      return await writeAnswer(await runRoute(exchange, edge), exchange, edge)
    } catch (error) {
      const refusal = asRefusal(error, log, route.path)
      return await refuseExchange(exchange, route.forwards ? forwardedRefusal(refusal) : refusal)
    }
  }

  /** A page shows a refusal in its own form, or sends people to sign in; everything else says it plainly. */
  async function refuseExchange(exchange: Exchange, refusal: Refusal): Promise<Response> {
    const { route, request, caller, raw, visible } = exchange
    metrics.refused(refusal.code)
    const { code, detail } = refusal
    if (detail !== null) log.info('refused', { code, detail, route: route.path })
    if (route.kind === 'page' && refusal.code === 'credential_missing') {
      const location = `/sign-in?next=${encodeURIComponent(landing(route))}`
      return writeAnswer({ status: 303, location }, exchange, edge)
    }
    if (route.refused === null || refusal.status >= 500 || refusal.code === 'forged_request') {
      return plainRefusal(route.kind, request, { refusal, isSignedIn: caller !== null })
    }
    const answer = await route.refused(refusal, stringsOf(raw), caller && { ...visible, caller })
    return withRetry(await writeAnswer(answer, exchange, edge), refusal.retryAfterSeconds)
  }

  function plainRefusal(
    kind: Route['kind'],
    request: Request,
    shown: { refusal: Refusal; isSignedIn: boolean },
  ): Response {
    const authorization = request.headers.get('authorization')
    const {
      status,
      body,
      headers: own,
    } = showRefusal(shown.refusal, { kind, authorization, isSignedIn: shown.isSignedIn })
    const headers = answerHeaders({ kind, isHttps: edge.isHttps })
    for (const [name, value] of Object.entries(own)) headers.set(name, value)
    allowOrigin(headers, request.headers.get('origin'), edge.policy.origins)
    offerNonce(headers, request, edge)
    return new Response(body, { status, headers })
  }

  /** No route: for people a page, for programs a problem. */
  function nowhere(request: Request, code: 'not_found' | 'method_wrong', allow?: string): Response {
    metrics.refused(code)
    metrics.answered('none', refusals[code].status)
    const kind = request.headers.get('accept')?.includes('text/html') ? 'page' : 'api'
    const response = plainRefusal(kind, request, { refusal: coded(code), isSignedIn: false })
    if (allow !== undefined) response.headers.set('allow', allow)
    return response
  }

  function answerPreflight(request: Request, allow: string): Response {
    const headers = answerHeaders({ kind: 'api', isHttps: edge.isHttps })
    headers.set('allow', allow)
    allowOrigin(headers, request.headers.get('origin'), edge.policy.origins)
    preflight(headers)
    return new Response(null, { status: 204, headers })
  }

  for (const route of routes) {
    const within = around(route.path)
    app.on(route.method, route.path, (c) => {
      const incoming = { request: c.req.raw, params: c.req.param(), remote: c.env, url: c.env.url }
      return within === null ? serve(route, incoming) : within(() => serve(route, incoming))
    })
  }
  // A path that is spelt out also fits one with a parameter, so it answers for itself first.
  const paths = [...new Set(routes.map((route) => route.path))]
  for (const path of paths.sort((a, b) => Number(a.includes(':')) - Number(b.includes(':')))) {
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method)
    const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
    app.options(path, (c) => answerPreflight(c.req.raw, allow))
    app.all(path, (c) => nowhere(c.req.raw, 'method_wrong', allow))
  }
  app.notFound((c) => nowhere(c.req.raw, 'not_found'))
  app.onError((error, c) =>
    plainRefusal('api', c.req.raw, { refusal: asRefusal(error, log, 'handler'), isSignedIn: false }),
  )

  return async (request, remote) => {
    const url = new URL(request.url)
    if (!isPlainPath(url)) return nowhere(request, 'not_found')
    // Frameworks hand over a second argument of their own, of any shape.
    const address = typeof remote?.address === 'string' ? remote.address : null
    return app.fetch(request, { address, url })
  }
}

/** Our paths need no escapes, so there is one spelling of each and nothing to normalise. */
function isPlainPath({ pathname }: URL): boolean {
  return !/%|\/\/|\\/.test(pathname)
}

/** Where a person goes on after signing in: a form cannot be sent again by itself, so its page. */
function landing(route: Route): string {
  return route.method === 'GET' ? route.path : '/account'
}

function stringsOf(raw: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(raw).map(([name, value]) => [name, typeof value === 'string' ? value : '']),
  )
}

function withRetry(response: Response, retryAfterSeconds: number | null): Response {
  if (retryAfterSeconds !== null) response.headers.set('retry-after', String(retryAfterSeconds))
  return response
}
