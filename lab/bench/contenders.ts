import type { Load } from './adapter-load.ts'
import type { Application } from './application.ts'
import { usedBy } from './cores.ts'
import { calmest } from './figures.ts'
import { lookAtLoad, shareBetween } from './foreign-load.ts'
import { say } from './report.ts'
import type { Round } from './rounds.ts'

/** An application that is asked, in turn with others. */
export type Contender = { readonly name: string; readonly application: Application; readonly load: Load }

export type ContenderPlan = {
  rounds: number
  /** Rounds at most, if others keep disturbing. */
  attempts: number
  /** How often each has its turn in a round: what disturbs for a moment then disturbs its neighbours as well. */
  turns: number
  slotMilliseconds: number
  /** Of processor time, and twice as long where that was not so many requests: compilers count calls. */
  warmMilliseconds: number
  warmRequests?: number
}

/** Cores that others may use in a round that counts. */
export const mostForeign = 0.15
const atLeast = 50

type Rated = { contender: Contender; perSecond: number }

/** Requests in a second of the processor time of its server, or on the clock. */
export async function measureContenders(
  contenders: readonly Contender[],
  plan: ContenderPlan,
  by: 'processor' | 'clock' = 'processor',
): Promise<Round[]> {
  const rated: Rated[] = []
  for (const contender of contenders) rated.push({ contender, perSecond: await warm(contender, plan) })
  const rounds: Round[] = []
  for (let calm = 0; calm < plan.rounds && rounds.length < plan.attempts; ) {
    const before = lookAtLoad()
    const rates = await measureRound(rated, { plan, by, index: rounds.length })
    const { foreign } = shareBetween(before, lookAtLoad())
    rounds.push({ foreign, rates })
    if (foreign <= mostForeign) calm++
    say(`round ${rounds.length}: others used ${foreign.toFixed(2)} cores`)
  }
  return keepCalm(rounds, plan.rounds)
}

async function measureRound(
  rated: readonly Rated[],
  { plan, by, index }: { plan: ContenderPlan; by: 'processor' | 'clock'; index: number },
): Promise<Map<string, number>> {
  const { turns, slotMilliseconds } = plan
  const spent = new Map<string, number>()
  for (let turn = 0; turn < turns; turn++) {
    for (let at = 0; at < rated.length; at++) {
      // Another first one each time, so that nobody always follows the same neighbour.
      const one = rated[(at + turn + index) % rated.length]
      if (one === undefined) continue
      const { contender, perSecond } = one
      const count = countFor(perSecond, slotMilliseconds)
      const milliseconds = await spend(contender, count, by)
      spent.set(contender.name, (spent.get(contender.name) ?? 0) + milliseconds / count)
    }
  }
  return new Map([...spent].map(([name, each]) => [name, (turns * 1000) / each]))
}

const countFor = (perSecond: number, milliseconds: number) =>
  Math.max(atLeast, Math.round((perSecond * milliseconds) / 1000))

/** Until the compiler has done with it, in processor time, so that nobody is warm by having waited; its rate on the clock. */
async function warm(contender: Contender, plan: ContenderPlan): Promise<number> {
  const { warmMilliseconds, warmRequests = 0 } = plan
  let used = 0
  let perSecond = 0
  let asked = 0
  while (used < warmMilliseconds || (asked < warmRequests && used < 2 * warmMilliseconds)) {
    const count = countFor(perSecond, warmMilliseconds / 8)
    asked += count
    const began = performance.now()
    used += await spend(contender, count, 'processor')
    perSecond = (count * 1000) / (performance.now() - began)
  }
  return perSecond
}

async function spend(
  { application, load }: Contender,
  count: number,
  by: 'processor' | 'clock',
): Promise<number> {
  const look = () => (by === 'clock' ? performance.now() : usedBy(application.pid))
  const before = look()
  await load.run(count)
  return look() - before
}

export function keepCalm<Some extends { readonly foreign: number }>(
  rounds: readonly Some[],
  wanted: number,
): Some[] {
  const { kept, dropped, isNoisy } = calmest(rounds, { most: mostForeign, least: Math.ceil(wanted / 3) })
  const noise = isNoisy ? '; NOISY' : ''
  say(`${kept.length} rounds count, ${dropped} were dropped since others used the machine${noise}`)
  return kept
}
