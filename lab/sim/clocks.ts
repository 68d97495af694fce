import type { Instant } from '@counterfoil/verifier'
import type { Chance } from './chance.ts'

/** Both clocks of one machine, as functions of real time: each with a rate of its own, until something happens to it. */
export type Clocks = {
  /** Real time at which the two bases hold. */
  at: number
  mono: number
  monoRate: number
  wall: number
  wallRate: number
  isSuspended: boolean
}

/** Real time 0, by a clock that is right. Not on a whole second. */
export const wallStart = 1_800_000_000_123

/** The worst clocks that are allowed for: 100 parts per million off, either way. */
const worstRate = 1e-4

export function createClocks(chance: Chance, wallOffset: number): Clocks {
  return {
    at: 0,
    mono: chance.between(1e3, 1e9),
    monoRate: 1 + chance.between(-worstRate, worstRate),
    wall: wallStart + wallOffset,
    wallRate: 1 + chance.between(-worstRate, worstRate),
    isSuspended: false,
  }
}

export function instantOf(clocks: Clocks, time: number): Instant {
  const passed = time - clocks.at
  return {
    mono: clocks.isSuspended ? clocks.mono : clocks.mono + passed * clocks.monoRate,
    // Read in whole milliseconds, as every wall clock is.
    wall: Math.floor(clocks.wall + passed * clocks.wallRate),
  }
}

export const secondsOf = (clocks: Clocks, time: number) =>
  Math.floor((clocks.wall + (time - clocks.at) * clocks.wallRate) / 1000)

function settle(clocks: Clocks, time: number): void {
  const passed = time - clocks.at
  if (!clocks.isSuspended) clocks.mono += passed * clocks.monoRate
  clocks.wall += passed * clocks.wallRate
  clocks.at = time
}

/** How far the wall clock is from the real time. */
export const offsetOf = (clocks: Clocks, time: number) =>
  clocks.wall + (time - clocks.at) * clocks.wallRate - wallStart - time

export function stepWall(clocks: Clocks, time: number, by: number): void {
  settle(clocks, time)
  clocks.wall += by
}

/** A suspended machine's monotonic clock stops, the one on the wall runs on. */
export function setSuspended(clocks: Clocks, time: number, isSuspended: boolean): void {
  settle(clocks, time)
  clocks.isSuspended = isSuspended
}

/** A process that starts on a machine that started anew. */
export function restartMono(clocks: Clocks, time: number, mono: number): void {
  settle(clocks, time)
  clocks.mono = mono
}
