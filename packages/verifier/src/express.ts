import { afterJudging, type Checks, type Judge, knownCaller, requiring } from './adapter.ts'
import type { Caller } from './caller.ts'
import type { IncomingRequest } from './incoming.ts'
import { problemFor } from './problem.ts'
import type { Requirements } from './required.ts'

declare global {
  namespace Express {
    interface Request {
      /** Undefined until `authenticate` or `required` has judged the request; null for nobody. */
      caller?: Caller | null
    }
  }
}

/** A request of Express, of Connect, or node's own. */
export type Judgeable = IncomingRequest & { caller?: Caller | null }
export type Answerable = {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}
type Next = (error?: unknown) => void
export type Middleware = (request: Judgeable, response: Answerable, next: Next) => void

/** For Express and Connect. `checks`: a verifier, or the server itself. */
export function adapt<Route>(checks: Checks<Route>) {
  return {
    /**
     * Once for the application, before its routes and after whatever changes a request's method: guards every request,
     * and puts `caller` on it, null for nobody.
     */
    authenticate: (route?: Route): Middleware => middleware((request) => checks.check(request, route)),
    /** Before a route: its caller is somebody, and all that is required. Stands alone as well. */
    required(requirements: Requirements = {}): Middleware {
      const judge = requiring(checks, requirements)
      return middleware((request) => judge(request, request.caller))
    },
    /** The caller where a route required one. */
    callerOf: (request: { caller?: Caller | null }): Caller => knownCaller(request.caller),
    /** The caller, or null for nobody, wherever the request was judged. */
    callerOrNull: (request: { caller?: Caller | null }): Caller | null => request.caller ?? null,
  }
}

function middleware(judge: Judge<Judgeable>): Middleware {
  return function judgeRequest(request, response, next) {
    const enter = (caller: Caller | null) => {
      request.caller = caller
      next()
    }
    const stop = (error: unknown) => answer(error, { request, response, next })
    afterJudging(judge, request, { enter, stop })
  }
}

/** `next` hears of what is broken. */
function answer(error: unknown, given: { request: Judgeable; response: Answerable; next: Next }): void {
  const { request, response, next } = given
  const problem = problemFor(error, request)
  if (problem === null) {
    next(error)
    return
  }
  response.statusCode = problem.status
  for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value)
  response.end(problem.body)
}
