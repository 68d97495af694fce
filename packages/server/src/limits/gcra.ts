/** `burst` attempts at once, then one more every `intervalSeconds`. `name` is part of what is stored: permanent. */
export type Limit = { name: string; burst: number; intervalSeconds: number }

export type Decision = {
  allowed: boolean
  /** What to store: unchanged where the attempt was refused. */
  arrivalAt: number
  /** How many more attempts would be allowed right now. */
  remaining: number
  /** 0 where the attempt was allowed; otherwise at least 1. */
  retryAfterSeconds: number
}

/**
 * The generic cell rate algorithm: one number a key, the time at which the next attempt would arrive if all came
 * evenly spaced. `arrivalAt` is `null` for a key that nobody has used.
 */
export function decide(given: { limit: Limit; arrivalAt: number | null; now: number }): Decision {
  const { limit, now } = given
  const stored = given.arrivalAt ?? now
  const latest = latestAllowed(limit, now)
  if (stored > latest) {
    return { allowed: false, arrivalAt: stored, remaining: 0, retryAfterSeconds: stored - latest }
  }
  const arrivalAt = Math.max(stored, now) + limit.intervalSeconds
  return { allowed: true, arrivalAt, remaining: remainingAt({ limit, arrivalAt, now }), retryAfterSeconds: 0 }
}

/** An attempt is allowed while the stored arrival is no later than this. */
export function latestAllowed(limit: Limit, now: number): number {
  return now + (limit.burst - 1) * limit.intervalSeconds
}

export function remainingAt(given: { limit: Limit; arrivalAt: number; now: number }): number {
  const { limit, arrivalAt, now } = given
  const used = Math.max(0, arrivalAt - now)
  return Math.max(0, Math.floor((limit.burst * limit.intervalSeconds - used) / limit.intervalSeconds))
}
