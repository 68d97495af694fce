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
type Answer = Response | Promise<Response>
/** `app.fetch`, and whatever a platform gives it beside the request. */
export type Fetch<Rest extends unknown[]> = (request: Request, ...rest: Rest) => Answer
export type CallerHandler<Context> = (context: Context, caller: Caller) => Answer

/** For Hono. `checks`: a verifier, or the server itself. */
export function adapt<Route>(checks: Checks<Route>) {
  /**
   * Once for the application, before its routes: guards every request; in the routes there is `c.get('caller')`. Around
   * `app.fetch` it does the same for less, since Hono answers a route without middleware in one step.
   */
  function authenticate(route?: Route): Middleware
  function authenticate<Rest extends unknown[]>(application: Fetch<Rest>, route?: Route): Fetch<Rest>
  function authenticate<Rest extends unknown[]>(first?: Fetch<Rest> | Route, second?: Route) {
    if (typeof first === 'function') return around(first as Fetch<Rest>, (one) => checks.check(one, second))
    return middleware(({ req }) => checks.check(req.raw, first))
  }

  /** Before a route, or around its handler: its caller is somebody, and all that is required. Stands alone as well. */
  function required(requirements?: Requirements): Middleware
  function required<Context extends Judgeable>(
    requirements: Requirements,
    handler: CallerHandler<Context>,
  ): (context: Context) => Answer
  function required<Context extends Judgeable>(
    requirements: Requirements = {},
    handler?: CallerHandler<Context>,
  ) {
    const judgeRequired = requiring(checks, requirements)
    const judge = (context: Judgeable) => judgeRequired(context.req.raw, callerIn(context))
    if (handler === undefined) return middleware(judge)
    return (context: Context) =>
      afterJudging(judge, context, context.req.raw, (caller) => handler(context, knownCaller(caller)))
  }

  return {
    authenticate,
    required,
    /** The caller where a route required one. */
    callerOf: (context: Shown): Caller => knownCaller(callerIn(context)),
    /** The caller, or null for nobody, wherever the request was judged. */
    callerOrNull: (context: Shown): Caller | null => callerIn(context) ?? null,
  }
}

const judgedBefore = Symbol('caller')
type Judged = Request & { [judgedBefore]?: Caller | null }

type Shown = Pick<Judgeable, 'get' | 'req'>

/** Undefined: nobody has judged this request. */
function callerIn(context: Shown): Caller | null | undefined {
  const request: Judged = context.req.raw
  const before = request[judgedBefore]
  return before === undefined ? context.get('caller') : before
}

function around<Rest extends unknown[]>(application: Fetch<Rest>, judge: Judge<Request>): Fetch<Rest> {
  return (request: Judged, ...rest) =>
    afterJudging(judge, request, request, (caller) => {
      request[judgedBefore] = caller
      return application(request, ...rest)
    })
}

function middleware(judge: Judge<Judgeable>): Middleware {
  return async function judgeRequest(context, next) {
    let found: Awaited<ReturnType<typeof judge>>
    try {
      const judged = judge(context)
      found = judged instanceof Promise ? await judged : judged
    } catch (error) {
      return refusal(error, context.req.raw)
    }
    context.set('caller', found)
    await next()
    return undefined
  }
}

/** Goes on at once where the caller is known. What is thrown later on is Hono's own to deal with. */
function afterJudging<Seen>(
  judge: Judge<Seen>,
  seen: Seen,
  request: Request,
  enter: (caller: Caller | null) => Answer,
): Answer {
  let found: ReturnType<typeof judge>
  try {
    found = judge(seen)
  } catch (error) {
    return refusal(error, request)
  }
  return found instanceof Promise
    ? found.then(enter, (error: unknown) => refusal(error, request))
    : enter(found)
}

/** Throws again what is no refusal. */
function refusal(error: unknown, request: Request): Response {
  const problem = problemFor(error, request)
  if (problem === null) throw error
  const { status, headers, body } = problem
  return new Response(body, { status, headers })
}
