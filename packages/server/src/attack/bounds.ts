import type { Watch } from '../machine.ts'
import { unjudged } from './check.ts'
import type { Wire } from './wire.ts'

export type Bounds = { requests: number; seconds: number }

export type Bounded = {
  send: Wire
  /** What was used, beside what was allowed. */
  spent(): {
    requests: number
    most_requests: number
    seconds: number
    most_seconds: number
    exhausted: boolean
  }
}

/** Past either bound nothing is sent any more; the checks that would have are skipped. */
export function bounded(given: { wire: Wire; clock: Watch; bounds: Bounds }): Bounded {
  const { wire, clock, bounds } = given
  const begun = clock.instant().mono
  const seconds = () => (clock.instant().mono - begun) / 1000
  let requests = 0
  let exhausted = false
  return {
    async send(sent) {
      if (requests >= bounds.requests || seconds() >= bounds.seconds) {
        exhausted = true
        throw unjudged(
          `the run's bound of ${bounds.requests} requests and ${bounds.seconds} seconds is used up`,
        )
      }
      requests += 1
      return wire(sent)
    },
    spent: () => ({
      requests,
      most_requests: bounds.requests,
      seconds: Math.round(seconds()),
      most_seconds: bounds.seconds,
      exhausted,
    }),
  }
}
