/** How much a route wants to know before it believes a caller. */
export type RouteOptions = {
  /** Seconds, at least 1: how long ago a revocation may have been committed without our knowing. At most the verifier's own. */
  readonly maxStale?: number
  /** 3 seconds. */
  readonly critical?: true
  /** Where the server cannot be asked, a statement is believed until its end. */
  readonly lenient?: true
}

/** The same, in milliseconds, as checks compare it. */
export type Limit = { readonly maxStale: number; readonly isLenient: boolean }

const criticalSeconds = 3

/** One object for each kind of route, so that a check makes none. */
export function createLimits(maxStale: number): (route: RouteOptions | undefined) => Limit {
  if (!(maxStale >= 1 && maxStale <= 3600)) throw new RangeError('maxStale is between 1 and 3600 seconds')
  const usual: Limit = { maxStale: maxStale * 1000, isLenient: false }
  const lenient: Limit = { maxStale: maxStale * 1000, isLenient: true }
  const critical: Limit = { maxStale: Math.min(criticalSeconds, maxStale) * 1000, isLenient: false }

  function own(seconds: number, isLenient: boolean): Limit {
    // The server was told the longest; it counts on nobody trusting anything for longer.
    if (seconds >= 1 && seconds <= maxStale) return { maxStale: seconds * 1000, isLenient }
    throw new RangeError(`a route's maxStale is between 1 and the verifier's own ${maxStale} seconds`)
  }

  return function limitOf(route) {
    if (route === undefined) return usual
    if (route.critical === true) return critical
    if (route.maxStale !== undefined) return own(route.maxStale, route.lenient === true)
    return route.lenient === true ? lenient : usual
  }
}
