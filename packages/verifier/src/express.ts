import { afterJudging, type Checks, type Judge, knownCaller, requiring } from './adapter.ts'
import type { Caller } from './caller.ts'
import { type Answerable, adapt as adaptNode, isAnswered, type Judgeable } from './node.ts'
import type { Requirements } from './required.ts'
import { upgrading } from './upgrades.ts'

declare global {
  namespace Express {
    interface Request {
      /** Undefined until `authenticate` or `required` has judged the request; null for nobody. */
      caller?: Caller | null
    }
  }
}

export type { Answerable, Judgeable } from './node.ts'
export type { UpgradeSocket } from './upgrades.ts'

type Next = (error?: unknown) => void
export type Middleware = (request: Judgeable, response: Answerable, next: Next) => void
/** An application of Express or Connect, whatever it calls node's two messages. */
export type Application = (request: never, response: never) => unknown
export type Listener = (request: Judgeable, response: Answerable) => void
export type CallerHandler<Asking, Answering> = (
  request: Asking,
  response: Answering,
  caller: Caller,
) => unknown

/** For Express and Connect. `checks`: a verifier, or the server itself. */
export function adapt<Route>(checks: Checks<Route>) {
  const around = adaptNode<Route>(checks).authenticate

  /**
   * Once for the application, before its routes and after whatever changes a request's method: guards every request,
   * and puts `caller` on it, null for nobody. Around the application itself, as in `createServer(authenticate(app))`, it
   * does the same for less: each layer costs a request more than the check.
   */
  function authenticate(route?: Route): Middleware
  function authenticate(application: Application, route?: Route): Listener
  function authenticate(first?: Application | Route, second?: Route) {
    if (typeof first === 'function') return around(first as Listener, second)
    return middleware((request) => checks.check(request, first))
  }

  /** Before a route, or around its handler: its caller is somebody, and all that is required. Stands alone as well. */
  function required(requirements?: Requirements): Middleware
  function required<Asking extends Judgeable, Answering extends Answerable>(
    requirements: Requirements,
    handler: CallerHandler<Asking, Answering>,
  ): (request: Asking, response: Answering, next: Next) => unknown
  function required<Asking extends Judgeable, Answering extends Answerable>(
    requirements: Requirements = {},
    handler?: CallerHandler<Asking, Answering>,
  ) {
    const judgeRequired = requiring(checks, requirements)
    const judge = (request: Judgeable) => judgeRequired(request, request.caller)
    return handler === undefined ? middleware(judge) : handling(judge, handler)
  }

  return {
    authenticate,
    required,
    /** Around an `upgrade` listener of the server: no other layer sees a WebSocket's handshake. */
    upgrades: upgrading(checks),
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
    const stop = (error: unknown) => refuse(error, { request, response, next })
    afterJudging(judge, request, { enter, stop })
  }
}

/** What the handler throws or rejects with is Express's own to deal with, as if it stood alone. */
function handling<Asking extends Judgeable, Answering extends Answerable>(
  judge: (request: Asking) => Caller | Promise<Caller>,
  handler: CallerHandler<Asking, Answering>,
): (request: Asking, response: Answering, next: Next) => unknown {
  function handle(caller: Caller, request: Asking, response: Answering): unknown {
    request.caller = caller
    return handler(request, response, caller)
  }
  return function handleRequest(request, response, next) {
    let found: ReturnType<typeof judge>
    try {
      found = judge(request)
    } catch (error) {
      return refuse(error, { request, response, next })
    }
    if (!(found instanceof Promise)) return handle(found, request, response)
    const stop = (error: unknown) => refuse(error, { request, response, next })
    // Express 4 hears of no promise that is rejected.
    return found.then((caller) => handle(caller, request, response), stop).catch(next)
  }
}

/** `next` hears of what is broken. */
function refuse(error: unknown, given: { request: Judgeable; response: Answerable; next: Next }): void {
  const { request, response, next } = given
  if (!isAnswered(error, request, response)) next(error)
}
