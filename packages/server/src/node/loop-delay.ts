import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { LoopDelay } from '../machine.ts'

const resolutionMilliseconds = 10
const nanosecondsPerSecond = 1e9
let histogram: ReturnType<typeof monitorEventLoopDelay> | null = null

/**
 * How late timers were since this was asked last, in seconds. It begins to look when it is asked first, since looking
 * wakes the process a hundred times a second: `null` then.
 */
export function loopDelay(): LoopDelay | null {
  if (histogram === null) {
    histogram = monitorEventLoopDelay({ resolution: resolutionMilliseconds })
    histogram.enable()
    return null
  }
  const { count, max } = histogram
  const [median, slow] = [histogram.percentile(50), histogram.percentile(99)]
  if (count === 0) return null
  histogram.reset()
  return { median: late(median), slow: late(slow), worst: late(max) }
}

/** It measures from one look to the next, which takes as long as the resolution where nothing is late. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / nanosecondsPerSecond - resolutionMilliseconds / 1000)
}
