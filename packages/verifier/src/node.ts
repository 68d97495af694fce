import { type Checks, knownCaller, requiring } from './adapter.ts'
import type { Caller } from './caller.ts'
import type { Answerable, Judgeable } from './express.ts'
import { problemFor } from './problem.ts'
import type { Requirements } from './required.ts'

export type { Answerable, Judgeable } from './express.ts'

type Found = Caller | null
type Handler<Asking, Answering> = (request: Asking, response: Answering) => unknown
type CallerHandler<Asking, Answering> = (request: Asking, response: Answering, caller: Caller) => unknown

/** For bare node:http. `checks`: a verifier, or the server itself. */
export function adapt<Route>(checks: Checks<Route>) {
  return {
    /**
     * Around the one function that answers everything: guards every request before it, and puts `caller` on it, null for
     * nobody. A `Refusal` that the function throws is answered as well; what is broken is Node's own to deal with.
     */
    authenticate<Asking extends Judgeable, Answering extends Answerable>(
      handler: Handler<Asking, Answering>,
      route?: Route,
    ): (request: Asking, response: Answering) => void {
      const judge = (request: Asking) => checks.check(request, route)
      return judging(judge, (request, response) => handler(request, response))
    },
    /** Around one route: its caller is somebody, and all that is required. Stands alone as well. */
    required<Asking extends Judgeable, Answering extends Answerable>(
      requirements: Requirements,
      handler: CallerHandler<Asking, Answering>,
    ): (request: Asking, response: Answering) => void {
      const judge = requiring(checks, requirements)
      return judging(
        (request: Asking) => judge(request, request.caller),
        (request, response: Answering) => handler(request, response, knownCaller(request.caller)),
      )
    },
    /** The caller where a route required one. */
    callerOf: (request: { caller?: Found }): Caller => knownCaller(request.caller),
    /** The caller, or null for nobody, wherever the request was judged. */
    callerOrNull: (request: { caller?: Found }): Found => request.caller ?? null,
  }
}

function judging<Asking extends Judgeable, Answering extends Answerable>(
  judge: (request: Asking) => Found | Promise<Found>,
  handler: Handler<Asking, Answering>,
): (request: Asking, response: Answering) => void {
  return function judgeRequest(request, response) {
    const stop = (error: unknown) => answer(error, request, response)
    const enter = (caller: Found): unknown => {
      request.caller = caller
      return handler(request, response)
    }
    try {
      const found = judge(request)
      const done = found instanceof Promise ? found.then(enter) : enter(found)
      if (done instanceof Promise) done.catch(stop)
    } catch (error) {
      stop(error)
    }
  }
}

function answer(error: unknown, request: Judgeable, response: Answerable & { headersSent?: boolean }): void {
  const problem = problemFor(error, request)
  // Too late for another answer, or nothing that may be shown.
  if (problem === null || response.headersSent === true) throw error
  response.statusCode = problem.status
  for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value)
  response.end(problem.body)
}
