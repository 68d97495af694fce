import type { Watch } from '../machine.ts'

// As a global it would be looked up through a getter each time.
const stopwatch = performance

/** The one place that reads the time. Rounded down: a statement may end early, never late. */
export const systemClock: Watch = {
  now: () => Math.floor(Date.now() / 1000),
  instant: () => ({ mono: stopwatch.now(), wall: Date.now() }),
}

/** Whole seconds since 1970 as RFC 3339 in UTC, for people: logs and pages. */
export function isoInstant(at: number): string {
  return new Date(at * 1000).toISOString()
}
