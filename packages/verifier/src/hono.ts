import { type Checks, type Judge, knownCaller, requiring } from './adapter.ts'
import type { Caller } from './caller.ts'
import { problemFor } from './problem.ts'
import type { Requirements } from './required.ts'

/** For `new Hono<{ Variables: CallerVariables }>()`. */
export type CallerVariables = { caller: Caller | null }

export type Judgeable = {
  readonly req: { readonly raw: Request }
  get(name: 'caller'): Caller | null | undefined
  set(name: 'caller', value: Caller | null): void
}
type Next = () => Promise<void>
export type Middleware = (context: Judgeable, next: Next) => Promise<Response | undefined>

/** For Hono. `checks`: a verifier, or the server itself. */
export function adapt<Route>(checks: Checks<Route>) {
  return {
    /** Once for the application, before its routes: guards every request; in the routes there is `c.get('caller')`. */
    authenticate: (route?: Route): Middleware => middleware(({ req }) => checks.check(req.raw, route)),
    /** Before a route: its caller is somebody, and all that is required. Stands alone as well. */
    required(requirements: Requirements = {}): Middleware {
      const judge = requiring(checks, requirements)
      return middleware((context) => judge(context.req.raw, context.get('caller')))
    },
    /** The caller where a route required one. */
    callerOf: (context: Pick<Judgeable, 'get'>): Caller => knownCaller(context.get('caller')),
  }
}

function middleware(judge: Judge<Judgeable>): Middleware {
  return async function judgeRequest(context, next) {
    let found: Awaited<ReturnType<typeof judge>>
    try {
      const judged = judge(context)
      found = judged instanceof Promise ? await judged : judged
    } catch (error) {
      const problem = problemFor(error, context.req.raw)
      if (problem === null) throw error
      const { status, headers, body } = problem
      return new Response(body, { status, headers })
    }
    context.set('caller', found)
    await next()
    return undefined
  }
}
