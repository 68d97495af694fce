import type { Checks } from './adapter.ts'
import type { Caller } from './caller.ts'
import type { IncomingRequest } from './incoming.ts'
import { type Opening, openedOnce } from './opening.ts'
import { problemFor } from './problem.ts'
import { checkedRequirements, type Requirements } from './required.ts'

export { type Opening, openedOnce } from './opening.ts'

type Headers = { get(name: string): string | null }
type Handler<Asking, Context, Found> = (
  request: Asking,
  given: { caller: Found; context: Context },
) => Response | Promise<Response>
type RouteHandler<Asking, Context> = (request: Asking, context: Context) => Promise<Response>

/**
 * For Next.js: route handlers, server actions and pages. `headers` is the function of that name from `next/headers`,
 * handed in so that nothing here needs Next.js to be installed. `checks`: a verifier, or the server itself, or a function
 * that opens it. That is called at the first request, and once in a process for each `name`, however many copies of a
 * module Next.js makes; when it fails, at the next request again.
 */
export function adapt<Route>(
  checks: Opening<Checks<Route>>,
  { headers, name = 'verifier' }: { headers?: () => Promise<Headers>; name?: string } = {},
) {
  const opened = openedOnce(checks, name)

  async function incoming(method: 'GET' | 'POST'): Promise<IncomingRequest> {
    if (headers === undefined)
      throw new Error('adapt(auth, { headers }): headers from next/headers is needed')
    return { method, headers: await headers() }
  }

  /** What is misspelt is found when the route is made, before anything is opened. */
  function requiredOf(given: Requirements): (request: IncomingRequest) => Promise<Caller> {
    const requirements = checkedRequirements(given)
    return async (request) => {
      const found = await opened()
      return found.demand(await found.check(request), requirements)
    }
  }

  return {
    /** The whole of `proxy.ts`: refuses what may be forged, for routes and actions that forgot to; null lets through. */
    proxy: async (request: Request): Promise<Response | null> => {
      try {
        ;(await opened()).guard(request)
        return null
      } catch (error) {
        return refused(error, request)
      }
    },
    /** A route handler that is guarded and told who asks; null for nobody. */
    authenticate: <Asking extends Request, Context>(
      handler: Handler<Asking, Context, Caller | null>,
      route?: Route,
    ): RouteHandler<Asking, Context> =>
      answering(async (request: Asking, context: Context) =>
        handler(request, { caller: await (await opened()).check(request, route), context }),
      ),
    /** A route handler whose caller is somebody, and all that is required. */
    required<Asking extends Request, Context>(
      requirements: Requirements,
      handler: Handler<Asking, Context, Caller>,
    ): RouteHandler<Asking, Context> {
      const judge = requiredOf(requirements)
      return answering(async (request: Asking, context: Context) =>
        handler(request, { caller: await judge(request), context }),
      )
    },
    /**
     * A server action whose caller is somebody, and all that is required. It is a POST, guarded like any other. A `Refusal`
     * is thrown with its code as `digest`, which is all that Next.js tells a browser.
     */
    action<Input extends readonly unknown[], Output>(
      requirements: Requirements,
      act: (caller: Caller, ...input: Input) => Promise<Output>,
    ): (...input: Input) => Promise<Output> {
      const judge = requiredOf(requirements)
      return async (...input) => {
        const request = await incoming('POST')
        try {
          return await act(await judge(request), ...input)
        } catch (error) {
          throw digested(error, request)
        }
      }
    },
    /** For a page, which only shows: who asks for it; null for nobody. */
    async caller(route?: Route): Promise<Caller | null> {
      // In this order: a page that is rendered while Next.js builds stops here.
      const request = await incoming('GET')
      return (await opened()).check(request, route)
    },
  }
}

function answering<Asking extends Request, Context>(
  handler: RouteHandler<Asking, Context>,
): RouteHandler<Asking, Context> {
  return (request, context) => handler(request, context).catch((error: unknown) => refused(error, request))
}

function refused(error: unknown, request: Request): Response {
  const problem = problemFor(error, request)
  if (problem === null) throw error
  const { status, headers, body } = problem
  return new Response(body, { status, headers })
}

function digested(error: unknown, request: IncomingRequest): unknown {
  return problemFor(error, request) !== null && error instanceof Error && 'code' in error
    ? Object.assign(error, { digest: error.code })
    : error
}
