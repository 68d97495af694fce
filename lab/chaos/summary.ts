import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { Ledger } from './ledger.ts'

/** What one round did and saw. Times are in milliseconds. */
export type Round = {
  seed: number
  endedAt: string
  seconds: number
  /** Faults in the order in which they were played. */
  faults: string[]
  violations: string[]
  /** Said yes to, and looked for after each fault. */
  acknowledged: Record<'ends' | 'sign-ups' | 'sign-ins' | 'refreshes', number>
  /** The longest time between an acknowledged end and the last acceptance of it. */
  latestAcceptance: Record<string, number>
  recovery: Record<string, number[]>
  /** Answers that were not a yes, by their code. */
  refusals: Record<string, number>
  counts: Record<string, number>
}

export type Summary = {
  command: string
  machine: string
  notes: string[]
  total: Omit<Round, 'seed' | 'endedAt' | 'recovery'> & {
    rounds: number
    recovery: Record<string, { times: number; median: number; longest: number }>
  }
  rounds: Round[]
}

export function describeRound(
  ledger: Ledger,
  given: { seed: number; seconds: number; endedAt: string },
): Round {
  const counted = (name: string) => ledger.counts.get(name) ?? 0
  const isRefusal = (name: string) => /^\d{3} /.test(name)
  const sorted = (wanted: boolean) =>
    Object.fromEntries(
      [...ledger.counts].filter(([name]) => isRefusal(name) === wanted).sort(([a], [b]) => (a < b ? -1 : 1)),
    )
  return {
    ...given,
    faults: [...ledger.recoveries.keys()],
    violations: ledger.violations,
    acknowledged: {
      ends: counted('acknowledged ends'),
      'sign-ups': counted('acknowledged sign-ups'),
      'sign-ins': counted('acknowledged sign-ins'),
      refreshes: counted('acknowledged refreshes'),
    },
    latestAcceptance: Object.fromEntries([...ledger.longest].map(([place, lag]) => [place, Math.round(lag)])),
    recovery: Object.fromEntries(ledger.recoveries),
    refusals: sorted(true),
    counts: sorted(false),
  }
}

/** Rounds that were written down before, so that a run which was broken off goes on where it was. */
export function readRounds(path: string): { rounds: Round[]; notes: string[] } {
  if (!existsSync(path)) return { rounds: [], notes: [] }
  const { rounds, notes } = JSON.parse(readFileSync(path, 'utf8')) as Summary
  return { rounds, notes }
}

export function summarize(given: { command: string; notes: string[]; rounds: Round[] }): Summary {
  const { command, notes, rounds } = given
  const machine = `${cpus().length} processors, Node ${process.versions.node}, ${process.platform}`
  return { command, machine, notes, total: totalOf(rounds), rounds }
}

function totalOf(rounds: readonly Round[]): Summary['total'] {
  const add = (a: number, b: number) => a + b
  const recoveries = merge(
    rounds.map(({ recovery }) => recovery),
    (a: number[], b: number[]) => [...a, ...b],
  )
  return {
    rounds: rounds.length,
    seconds: rounds.reduce((sum, { seconds }) => sum + seconds, 0),
    faults: [...new Set(rounds.flatMap(({ faults }) => faults))],
    violations: rounds.flatMap(({ violations }) => violations),
    acknowledged: merge(
      rounds.map(({ acknowledged }) => acknowledged),
      add,
    ) as Round['acknowledged'],
    latestAcceptance: merge(
      rounds.map(({ latestAcceptance }) => latestAcceptance),
      Math.max,
    ),
    recovery: Object.fromEntries(
      Object.entries(recoveries).map(([name, times]) => {
        const sorted = times.toSorted((a, b) => a - b)
        const median = sorted[sorted.length >> 1] ?? 0
        return [name, { times: sorted.length, median, longest: sorted.at(-1) ?? 0 }]
      }),
    ),
    refusals: merge(
      rounds.map(({ refusals }) => refusals),
      add,
    ),
    counts: merge(
      rounds.map(({ counts }) => counts),
      add,
    ),
  }
}

function merge<Value>(
  all: readonly Record<string, Value>[],
  join: (a: Value, b: Value) => Value,
): Record<string, Value> {
  const merged = new Map<string, Value>()
  for (const one of all)
    for (const [name, value] of Object.entries(one)) {
      const before = merged.get(name)
      merged.set(name, before === undefined ? value : join(before, value))
    }
  return Object.fromEntries([...merged].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** All of it or nothing: whoever reads the file meanwhile, or ends this program, finds the last whole one. */
export function writeSummary(path: string, summary: Summary): void {
  // Times of one recovery on one line, as the formatter wants it.
  const text = JSON.stringify(summary, null, 2).replace(
    /\[\s+(\d[\d,\s]*?)\s+\]/g,
    (_, list: string) => `[${list.replace(/\s+/g, ' ')}]`,
  )
  writeFileSync(`${path}.new`, `${text}\n`)
  renameSync(`${path}.new`, path)
}
