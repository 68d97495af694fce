import { lookAtLoad, shareBetween } from './foreign-load.ts'

/** `run` does `count` operations; `batch`: how many between two looks at the clock. */
export type Candidate = {
  readonly name: string
  readonly batch: number
  /** What has to be there before a slot begins, and is no part of it. */
  prepare?(): void
  run(count: number): void | Promise<void>
}

/** Operations in a second of processor time, by candidate. */
export type Round = { readonly foreign: number; readonly rates: ReadonlyMap<string, number> }

const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 1))

/** One slot for each in turn: what the machine does to one, it does to its neighbours. */
export async function measureRound(
  candidates: readonly Candidate[],
  given: { slotMilliseconds: number; index: number },
): Promise<Round> {
  const { slotMilliseconds, index } = given
  const before = lookAtLoad()
  const rates = new Map<string, number>()
  // Another first one each time, so that nobody always follows the same neighbour.
  const turned = candidates.map((_, at) => candidates[(at + index) % candidates.length])
  for (const candidate of turned) {
    if (candidate === undefined) continue
    // Streams are heard between the slots.
    await pause()
    rates.set(candidate.name, await rateOf(candidate, slotMilliseconds))
  }
  return { foreign: shareBetween(before, lookAtLoad()).foreign, rates }
}

/**
 * Counted by the time that our threads were running, helpers included: whoever else uses the machine then costs rounds,
 * and not the truth. On a machine of our own it is the time on the wall, or a little less flattering.
 */
export async function rateOf({ run, batch, prepare }: Candidate, milliseconds: number): Promise<number> {
  prepare?.()
  const start = process.cpuUsage()
  let count = 0
  let used = 0
  while (used < milliseconds) {
    await run(batch)
    count += batch
    const { user, system } = process.cpuUsage(start)
    used = (user + system) / 1000
  }
  return (count * 1000) / used
}

/** Until the compiler has done with it: a check is slow in its first thousands of times, whoever made it. */
export async function warmUp(candidates: readonly Candidate[], milliseconds: number): Promise<void> {
  const slot = 80
  for (const candidate of candidates)
    for (let used = 0; used < milliseconds; used += slot) await rateOf(candidate, slot)
}

export const ratesOf = (rounds: readonly Round[], name: string) =>
  rounds.map(({ rates }) => rates.get(name) ?? Number.NaN)
