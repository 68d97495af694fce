import { availableParallelism } from 'node:os'
import { calmest, quantile, type Row, ratiosOf, rowOf, type Target } from './figures.ts'
import { say } from './report.ts'

export type ReadRound = {
  foreign: number
  /** Microseconds of processor time for a request. */
  one: number
  three: number
  many: number
  few: number
  /** Statements that these requests caused, and answers that were none. */
  statements: number
  wrong: number
}
export type SignInRound = {
  foreign: number
  /** In a second. */
  hashes: number
  signIns: number
  /** Milliseconds, of requests that carry a session. */
  quiet: readonly number[]
  flooded: readonly number[]
  wrong: number
}
export type Revoked = {
  one: readonly number[]
  sustained: { asked: number; perSecond: number; wrong: number; behind: number; values: readonly number[] }
  during: readonly number[]
}
export type Stopped = {
  acceptedFor: number
  wrong: number
  writes: number
  unclear: number
  slowest: number
  backAfter: number
}

type Sizes = { many: number; few: number; over: number; first: number }

const most = (bound: number, text: string): Target => ({ of: 'median', most: bound, text })
const none = most(0, '0')
/** Cores that others may use in a round that counts. */
const mostForeign = 0.25

function keep<Round extends { readonly foreign: number }>(what: string, rounds: readonly Round[]): Round[] {
  // Where none is calm, most of them say more than the few that were a little calmer.
  const least = Math.ceil((rounds.length * 2) / 3)
  const { kept, dropped, isNoisy } = calmest(rounds, { most: mostForeign, least })
  say(`${what}: ${kept.length} rounds count, ${dropped} were dropped${isNoisy ? '; NOISY' : ''}`)
  return kept
}

export function readRows(rounds: readonly ReadRound[], sizes: Sizes): Row[] {
  const kept = keep('requests', rounds)
  const of = (which: 'one' | 'three' | 'many' | 'few') => kept.map((round) => round[which])
  const nodes = { question: 'what a warm request costs, processor time of the servers', unit: 'us' }
  const stored = {
    question: 'requests in a second of processor time, by sessions in the database',
    unit: '1/s',
  }
  const rates = (which: 'many' | 'few') => of(which).map((microseconds) => 1e6 / microseconds)
  const { many, few, over, first } = sizes
  const shown = (count: number) => count.toLocaleString('en')
  const counted = (values: number[]) => ({ values, counted: Math.max(...values) })
  return [
    rowOf({ ...nodes, candidate: '1 server', values: of('one') }),
    rowOf({
      ...{ ...nodes, candidate: '3 servers', values: of('three'), against: of('one') },
      target: { of: 'ratio', most: 1.2, text: '<= 1.2 x 1 server' },
    }),
    rowOf({
      ...{ ...nodes, candidate: 'statements that these requests caused', unit: 'statements' },
      ...counted(kept.map(({ statements }) => statements)),
      target: none,
    }),
    rowOf({ ...stored, candidate: `load over ${shown(few)} of ${shown(few)}`, values: rates('few') }),
    rowOf({
      ...{ ...stored, candidate: `load over ${shown(over)} of ${shown(many)}`, values: rates('many') },
      against: rates('few'),
      target: { of: 'ratio', least: 0.85, text: '>= 0.85 x the few' },
    }),
    rowOf({
      ...stored,
      candidate: 'each for the first time, so one read of the database',
      values: [first],
    }),
    rowOf({
      ...{ ...stored, candidate: 'requests that were not answered as they should', unit: 'requests' },
      ...counted(kept.map(({ wrong }) => wrong)),
      target: none,
    }),
  ]
}

export function signInRows(rounds: readonly SignInRound[], inFlight: number): Row[] {
  const kept = keep('sign-ins', rounds)
  const signIns = { question: `sign-ins, ${inFlight} at once`, unit: '1/s' }
  const beside = { question: 'requests that carry a session, while people sign in', unit: 'ms' }
  const hashes = kept.map((round) => round.hashes)
  const lateOf = (which: 'quiet' | 'flooded') => kept.map((round) => quantile(round[which], 0.99))
  const atOnce = Math.max(1, availableParallelism() - 1)
  return [
    rowOf({ ...signIns, candidate: `the hash alone, ${atOnce} at once as in the server`, values: hashes }),
    rowOf({
      ...{ ...signIns, candidate: 'sign-ins', values: kept.map((round) => round.signIns), against: hashes },
      target: { of: 'ratio', least: 0.8, text: '>= 0.8 x the hash' },
    }),
    rowOf({ ...beside, candidate: 'p99 without sign-ins', values: lateOf('quiet') }),
    rowOf({
      ...{
        ...beside,
        candidate: 'p99 in a flood of them',
        values: lateOf('flooded'),
        against: lateOf('quiet'),
      },
      target: { of: 'ratio', most: 3, text: '<= 3 x without' },
    }),
    rowOf({
      ...{ ...beside, candidate: 'requests that were not answered as they should', unit: 'requests' },
      values: kept.map(({ wrong }) => wrong),
      counted: Math.max(...kept.map(({ wrong }) => wrong)),
      target: none,
    }),
  ]
}

export function revocationRows({ one, during, sustained }: Revoked): Row[] {
  const refused = {
    question: 'from the acknowledgement on server A to the refusal on B and C, under load',
    unit: 'ms',
  }
  const many = {
    question: `${sustained.asked.toLocaleString('en')} sign-outs, each session of its own, commits with sync`,
    unit: 'ms',
  }
  const { values, perSecond, wrong, behind } = sustained
  const p = (share: number, given: readonly number[]) => ({ values: given, counted: quantile(given, share) })
  return [
    rowOf({ ...refused, candidate: 'p50', ...p(0.5, one) }),
    rowOf({ ...refused, candidate: 'p99', ...p(0.99, one), target: most(50, '<= 50 ms') }),
    rowOf({
      ...{ ...many, candidate: 'acknowledged', unit: '1/s', values: [perSecond] },
      target: { of: 'median', least: 1000, text: '>= 1,000/s' },
    }),
    rowOf({ ...many, candidate: 'not acknowledged', unit: 'requests', values: [wrong], target: none }),
    rowOf({
      ...many,
      candidate: 'the others were behind the last one for',
      values: [behind],
      target: most(250, '<= 250 ms'),
    }),
    rowOf({ ...many, candidate: 'from when it was due to the answer, p50', ...p(0.5, values) }),
    rowOf({ ...many, candidate: 'from when it was due to the answer, p99', ...p(0.99, values) }),
    rowOf({ ...many, candidate: 'refused on B and C meanwhile, p99', ...p(0.99, during) }),
  ]
}

export function stoppedRows({ acceptedFor, wrong, writes, unclear, slowest, backAfter }: Stopped): Row[] {
  const stopped = { question: 'the database stops', unit: 's' }
  return [
    rowOf({
      ...{
        ...stopped,
        candidate: 'reads by sessions in memory went on for, at least',
        values: [acceptedFor],
      },
      target: { of: 'median', least: 15, text: '>= 15 s' },
    }),
    rowOf({
      ...{ ...stopped, candidate: 'reads by sessions in memory went on for, at most', values: [acceptedFor] },
      target: most(20.5, '<= 20 s'),
    }),
    rowOf({
      ...stopped,
      candidate: 'answers before and after that which were neither',
      unit: 'answers',
      values: [wrong],
      target: none,
    }),
    rowOf({ ...stopped, candidate: 'writes that were asked for', unit: 'writes', values: [writes] }),
    rowOf({
      ...stopped,
      candidate: 'writes that were not refused clearly',
      unit: 'writes',
      values: [unclear],
      target: none,
    }),
    rowOf({ ...stopped, candidate: 'the slowest of these refusals', values: [slowest] }),
    rowOf({
      ...stopped,
      candidate: 'accepted again after the database came back',
      values: [backAfter],
      target: most(10, '<= 10 s'),
    }),
  ]
}

export const ratioText = (ours: readonly number[], theirs: readonly number[]) =>
  quantile(ratiosOf(ours, theirs), 0.5).toFixed(2)
