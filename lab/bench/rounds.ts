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

/** How a round goes: so many turns, and in each a short slot for everybody. */
export type Turns = { readonly turns: number; readonly slotMilliseconds: number }
type Slot = { readonly count: number; readonly milliseconds: number }

/**
 * One short slot for each in turn, many times over: a stranger on the other half of a core makes everything slower by a quarter,
 * for a second or two, and so he takes it from everybody. All that was done counts, by all the time that it took, the clearing
 * away of memory included.
 */
export async function measureRound(candidates: readonly Candidate[], given: Turns): Promise<Round> {
  const { turns, slotMilliseconds } = given
  const before = lookAtLoad()
  const sums = new Map<string, Slot>()
  for (let turn = 0; turn < turns; turn++) {
    for (let at = 0; at < candidates.length; at++) {
      // Another first one each time, so that nobody always follows the same neighbour.
      const candidate = candidates[(at + turn) % candidates.length]
      if (candidate === undefined) continue
      candidate.prepare?.()
      // Streams are heard between the slots.
      await pause()
      const { count, milliseconds } = await takeSlot(candidate, slotMilliseconds)
      const sum = sums.get(candidate.name) ?? { count: 0, milliseconds: 0 }
      sums.set(candidate.name, { count: sum.count + count, milliseconds: sum.milliseconds + milliseconds })
    }
  }
  const rates = new Map([...sums].map(([name, slot]) => [name, (slot.count * 1000) / slot.milliseconds]))
  return { foreign: shareBetween(before, lookAtLoad()).foreign, rates }
}

/**
 * Counted by the time that our threads were running, helpers included: whoever else uses the machine then costs rounds,
 * and not the truth. On a machine of our own it is the time on the wall, or a little less flattering.
 */
async function takeSlot({ run, batch }: Candidate, milliseconds: number): Promise<Slot> {
  const start = process.cpuUsage()
  let count = 0
  let used = 0
  while (used < milliseconds) {
    await run(batch)
    count += batch
    const { user, system } = process.cpuUsage(start)
    used = (user + system) / 1000
  }
  return { count, milliseconds: used }
}

/** Until the compiler has done with it: a check is slow in its first thousands of times, whoever made it. */
export async function warmUp(
  candidates: readonly Candidate[],
  given: { milliseconds: number; slotMilliseconds: number },
): Promise<void> {
  const { milliseconds, slotMilliseconds } = given
  const turns = Math.ceil(milliseconds / slotMilliseconds)
  for (const candidate of candidates) await measureRound([candidate], { turns, slotMilliseconds })
}

export const ratesOf = (rounds: readonly Round[], name: string) =>
  rounds.map(({ rates }) => rates.get(name) ?? Number.NaN)
