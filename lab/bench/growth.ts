// The question: how does a verifier grow with the number of sessions that end in a second?
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { type Row, rowOf } from './figures.ts'
import type { Grown } from './growth-process.ts'
import { type Asked, answer } from './question.ts'
import { say } from './report.ts'

type Plan = { rates: readonly number[]; rounds: number }
const plans: Record<'full' | 'quick', Plan> = {
  full: { rates: [11.6, 100, 500], rounds: 1 },
  quick: { rates: [11.6, 100], rounds: 1 },
}

const measures: readonly [question: string, unit: string, of: (grown: Grown) => number][] = [
  ['ends that a verifier keeps', 'ends', ({ entries }) => entries],
  ['memory of these ends', 'MiB', ({ bytes }) => bytes / 2 ** 20],
  ['a warm check while nothing ends', 'ns', ({ still }) => still],
  ['a warm check while sessions end, 10,000 checks a second', 'ns', ({ moving }) => moving],
  ['to take in one end', 'us', ({ taken }) => taken],
  ['the longest pause, which is to forget old ends', 'ms', ({ longest }) => longest],
]

function grow(rate: number): Grown {
  const args = ['--expose-gc', '--max-old-space-size=8192', join(import.meta.dirname, 'growth-process.ts')]
  const grown = JSON.parse(
    execFileSync(process.execPath, [...args, String(rate)], { encoding: 'utf8' }),
  ) as Grown
  say(
    `${rate} ends a second: ${Object.entries(grown)
      .map(([name, value]) => `${name} ${Math.round(value)}`)
      .join(', ')}`,
  )
  return grown
}

async function measure({ plan }: Asked<Plan>): Promise<Row[]> {
  const found = plan.rates.map((rate) => ({
    rate,
    grown: Array.from({ length: rate < 500 ? plan.rounds : 1 }, () => grow(rate)),
  }))
  return measures.flatMap(([question, unit, of]) =>
    found.map(({ rate, grown }) =>
      rowOf({
        ...{ question: `an hour of ends: ${question}`, unit, values: grown.map(of) },
        candidate: `${rate.toLocaleString('en')} ends a second${rate === 11.6 ? ' (100 million sessions, one in a hundred a day)' : ''}`,
      }),
    ),
  )
}

process.exitCode = await answer('growth', plans, measure)
