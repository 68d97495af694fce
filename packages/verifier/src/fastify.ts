import { type Checks, type Judge, knownCaller, requiring } from './adapter.ts'
import type { Caller } from './caller.ts'
import type { IncomingRequest } from './incoming.ts'
import { problemFor } from './problem.ts'
import type { Requirements } from './required.ts'
import { upgrading } from './upgrades.ts'

export type { UpgradeSocket } from './upgrades.ts'
export type Judgeable = { readonly raw: IncomingRequest; caller?: Caller | null }
export type Answerable = {
  code(status: number): Answerable
  headers(values: Record<string, string>): Answerable
  send(body: string): unknown
}
type Done = (error?: Error) => void
export type Hook = (request: Judgeable, reply: Answerable, done: Done) => void

/** For Fastify, as `onRequest` hooks: a caller is judged before its body is parsed. `checks`: a verifier, or the server. */
export function adapt<Route>(checks: Checks<Route>) {
  return {
    /** Once for the application: `app.addHook('onRequest', authenticate())`. Guards every request and gives it `caller`. */
    authenticate: (route?: Route): Hook => hook(({ raw }) => checks.check(raw, route)),
    /** For a route, as its `onRequest`: its caller is somebody, and all that is required. Stands alone as well. */
    required(requirements: Requirements = {}): Hook {
      const judge = requiring(checks, requirements)
      return hook(({ raw, caller }) => judge(raw, caller))
    },
    /** Around an `upgrade` listener of the server: no other layer sees a WebSocket's handshake. */
    upgrades: upgrading(checks),
    /** The caller where a route required one. */
    callerOf: (request: Judgeable): Caller => knownCaller(request.caller),
    /** The caller, or null for nobody, wherever the request was judged. */
    callerOrNull: (request: Judgeable): Caller | null => request.caller ?? null,
  }
}

function hook(judge: Judge<Judgeable>): Hook {
  // Like `afterJudging`, without the closures that nearly no request needs: there are two hooks on the way of each.
  return function judgeRequest(request, reply, done) {
    let found: ReturnType<typeof judge>
    try {
      found = judge(request)
    } catch (error) {
      answer(error, { request, reply, done })
      return
    }
    if (found instanceof Promise)
      void found.then(
        (caller) => enter(caller, request, done),
        (error: unknown) => answer(error, { request, reply, done }),
      )
    else enter(found, request, done)
  }
}

function enter(caller: Caller | null, request: Judgeable, done: Done): void {
  request.caller = caller
  done()
}

/** A hook that has answered does not call `done`. */
function answer(error: unknown, given: { request: Judgeable; reply: Answerable; done: Done }): void {
  const { request, reply, done } = given
  const problem = problemFor(error, request.raw)
  if (problem === null) {
    done(error instanceof Error ? error : new Error('broken', { cause: error }))
    return
  }
  const { status, headers, body } = problem
  reply
    .code(status)
    .headers({ ...headers })
    .send(body)
}
