import type { Watch } from '../machine.ts'

/** A clock that stands still until it is moved. */
export type HandClock = Watch & {
  /** Moves it on, by whole seconds: nothing is waited for. */
  advance(seconds: number): void
}

export function handClock(start = 1_800_000_000): HandClock {
  let at = start
  return {
    now: () => at,
    instant: () => ({ mono: at * 1000, wall: at * 1000 }),
    advance(seconds) {
      at += seconds
    },
  }
}
