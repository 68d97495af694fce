import { lookAtLoad, shareBetween } from './foreign-load.ts'

/** `run` does `count` operations; `batch`: how many between two looks at the clock. */
export type Candidate = {
  readonly name: string
  readonly batch: number
  run(count: number): void | Promise<void>
}

/** Operations a second, by candidate. */
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

export async function rateOf({ run, batch }: Candidate, milliseconds: number): Promise<number> {
  const start = performance.now()
  let count = 0
  let elapsed = 0
  while (elapsed < milliseconds) {
    await run(batch)
    count += batch
    elapsed = performance.now() - start
  }
  return (count * 1000) / elapsed
}

export const ratesOf = (rounds: readonly Round[], name: string) =>
  rounds.map(({ rates }) => rates.get(name) ?? Number.NaN)
