import { type Checks, type Judge, knownCaller, requiring } from './adapter.ts'
import type { Caller } from './caller.ts'
import type { IncomingRequest } from './incoming.ts'
import { problemFor } from './problem.ts'
import type { Requirements } from './required.ts'
import { upgrading } from './upgrades.ts'

/** A request of node's own, or of a framework that hands it on as it is. */
export type { UpgradeSocket } from './upgrades.ts'
export type Judgeable = IncomingRequest & { caller?: Caller | null }
export type Answerable = {
  statusCode: number
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}
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
      return judging((request: Asking) => checks.check(request, route), handler)
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
    /** Around an `upgrade` listener of the server: no other layer sees a WebSocket's handshake. */
    upgrades: upgrading(checks),
    /** The caller where a route required one. */
    callerOf: (request: { caller?: Found }): Caller => knownCaller(request.caller),
    /** The caller, or null for nobody, wherever the request was judged. */
    callerOrNull: (request: { caller?: Found }): Found => request.caller ?? null,
  }
}

function judging<Asking extends Judgeable, Answering extends Answerable>(
  judge: Judge<Asking>,
  handler: Handler<Asking, Answering>,
): (request: Asking, response: Answering) => void {
  function enter(caller: Found, request: Asking, response: Answering): unknown {
    request.caller = caller
    return handler(request, response)
  }
  return function judgeRequest(request, response) {
    try {
      const found = judge(request)
      const done =
        found instanceof Promise
          ? found.then((caller) => enter(caller, request, response))
          : enter(found, request, response)
      if (done instanceof Promise) done.catch((error) => stop(error, request, response))
    } catch (error) {
      stop(error, request, response)
    }
  }
}

function stop(error: unknown, request: Judgeable, response: Answerable & { headersSent?: boolean }): void {
  // Too late for another answer, or nothing that may be shown.
  if (response.headersSent === true || !isAnswered(error, request, response)) throw error
}

/** Answers a refusal, and says whether it was one. */
export function isAnswered(error: unknown, request: Judgeable, response: Answerable): boolean {
  const problem = problemFor(error, request)
  if (problem === null) return false
  response.statusCode = problem.status
  for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value)
  response.end(problem.body)
  return true
}
