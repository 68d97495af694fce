/** One look at both clocks: milliseconds of a clock that never steps, and of the one on the wall. */
export type Instant = {
  /** Milliseconds since any fixed moment; stops while a machine is suspended. */
  readonly mono: number
  /** Milliseconds since 1970; may step either way. */
  readonly wall: number
}

/** A clock to measure ages with, in milliseconds: never slower than real time, whatever one of the two clocks does. */
export type Steady = {
  at: Instant
  elapsed: number
  /** The latest wall time that was seen: what ends a statement never un-ends it. */
  wall: number
}

/** How much slower than real time a monotonic clock may run: 200 parts per million. */
const drift = 2e-4
/** Milliseconds by which a wall clock may seem ahead in one step for no other reason than that it is read in whole ones. */
const grain = 2
/** Shorter steps would count the grain more often than a heartbeat does. */
const shortestStep = 250

/** Not 0, so that what was known shortly before the start still has a positive time. */
const start = 1e6

export function startSteady(now: Instant): Steady {
  return { at: now, elapsed: start, wall: now.wall }
}

/**
 * Milliseconds since the start: of each step the larger of what the two clocks say, since a suspended machine's
 * monotonic clock stops and a wall clock may be set back.
 */
export function steadyAt({ at, elapsed }: Steady, now: Instant): number {
  return elapsed + (1 + drift) * Math.max(now.mono - at.mono, now.wall - at.wall - grain, 0)
}

/** Ends one step and begins the next, unless it is too short to be one. Called at heartbeats and ticks. */
export function beat(steady: Steady, now: Instant): void {
  steady.wall = Math.max(steady.wall, now.wall)
  const { mono, wall } = steady.at
  if (Math.max(now.mono - mono, now.wall - wall) >= shortestStep) stamp(steady, now)
}

/**
 * A moment that something will be measured from. The step ends with it, however short: if the wall clock is ahead for
 * an instant and goes back, the moment would lie in the future, and all time up to it would be hidden.
 */
export function stamp(steady: Steady, now: Instant): number {
  steady.wall = Math.max(steady.wall, now.wall)
  steady.elapsed = steadyAt(steady, now)
  steady.at = now
  return steady.elapsed
}

/** Whole seconds since 1970 by a clock that never goes back. */
export function wallSeconds(steady: Steady, now: Instant): number {
  return Math.floor(Math.max(steady.wall, now.wall) / 1000)
}
