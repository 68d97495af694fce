import type { Caller } from './caller.ts'
import { isSafe } from './guard.ts'
import type { IncomingRequest } from './incoming.ts'
import { checkedRequirements, type Requirements } from './required.ts'

/** What an adapter stands on: a verifier, or the server itself. `Route`: how a check may be told to look closer. */
export type Checks<Route> = {
  check(request: IncomingRequest, route?: Route): Caller | null | Promise<Caller | null>
  demand(caller: Caller | null, requirements?: Requirements): Caller
  /** The guard alone, for a place that only looks on: a check uses the proof of a bound token up. */
  guard(request: IncomingRequest): void
}

/** Who asks, at once or later. Undefined is somebody who was not judged yet. */
export type Judge<Seen> = (request: Seen) => Caller | null | Promise<Caller | null>

/**
 * What routes want, said of a request in two ways: as it came, and with who it was found to be from before. A request is
 * checked once, since the proof of a bound token is good for one check alone, but guarded again.
 */
export function requiring<Route>(checks: Checks<Route>, given: Requirements) {
  const requirements = checkedRequirements(given)
  return function judgeRequired(
    request: IncomingRequest,
    known: Caller | null | undefined,
  ): Caller | Promise<Caller> {
    // The method may be another one by now: a method override that runs after the first check makes a POST of a GET.
    if (known !== undefined && !isSafe({ method: request.method ?? '', upgrade: false }))
      checks.guard(request)
    const found = known === undefined ? checks.check(request) : known
    return found instanceof Promise
      ? found.then((caller) => checks.demand(caller, requirements))
      : checks.demand(found, requirements)
  }
}

/** Goes on with who asks, at once where that is known, or stops with what was thrown. */
export function afterJudging<Seen>(
  judge: Judge<Seen>,
  request: Seen,
  { enter, stop }: { enter: (caller: Caller | null) => void; stop: (error: unknown) => void },
): void {
  let found: ReturnType<typeof judge>
  try {
    found = judge(request)
  } catch (error) {
    stop(error)
    return
  }
  if (found instanceof Promise) void found.then(enter, stop)
  else enter(found)
}

/** The caller of a request that a route required one for. Anything else is a mistake in the application. */
export function knownCaller(caller: Caller | null | undefined): Caller {
  if (caller) return caller
  throw new Error('no caller is known here: put required() before this handler')
}
