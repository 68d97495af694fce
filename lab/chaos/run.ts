// Why: what is promised about faults is tried on real processes, again and again.
//   npm run chaos -- --rounds 20             that many rounds, each with a world of its own
//   npm run chaos -- --only cut --short      one scenario, whose name holds the word; in short form
//   npm run chaos -- --asynchronous --seed 2 --only takes   commits do not wait for the standby: the loss has to be found
//   npm run chaos -- --seed 7                the choices of one round; the timing is the machine's
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Ledger, openLedger } from './ledger.ts'
import { playRound } from './round.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    short: { type: 'boolean', default: false },
    asynchronous: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})

function merge(all: Ledger, one: Ledger): void {
  all.violations.push(...one.violations)
  for (const [name, value] of one.counts) all.counts.set(name, (all.counts.get(name) ?? 0) + value)
  for (const [name, value] of one.longest)
    all.longest.set(name, Math.max(all.longest.get(name) ?? 0, Math.round(value)))
  for (const [name, value] of one.recoveries)
    all.recoveries.set(name, [...(all.recoveries.get(name) ?? []), ...value])
}

function recoveriesOf({ recoveries }: Ledger): Record<string, object> {
  return Object.fromEntries(
    [...recoveries].map(([name, times]) => {
      const sorted = times.toSorted((a, b) => a - b)
      return [name, { times: sorted.length, median: sorted[sorted.length >> 1], longest: sorted.at(-1) }]
    }),
  )
}

const first = Number(values.seed)
const rounds = Number(values.rounds)
const all = openLedger()
const began = performance.now()
for (let index = 0; index < rounds; index++) {
  const seed = first + index
  console.log(`round ${index + 1} of ${rounds}, seed ${seed}`)
  const given = {
    seed,
    round: seed,
    isShort: values.short,
    isAsynchronous: values.asynchronous,
    only: values.only ?? null,
  }
  merge(all, await playRound({ ...given, say: (line) => console.log(line) }))
}
const summary = {
  command: `npm run chaos -- ${process.argv.slice(2).join(' ')}`.trim(),
  machine: `${cpus().length} processors, Node ${process.versions.node}, ${process.platform}`,
  rounds,
  seconds: Math.round((performance.now() - began) / 1000),
  violations: all.violations,
  longestAcceptanceAfterAcknowledgementMilliseconds: Object.fromEntries(all.longest),
  recoveryMilliseconds: recoveriesOf(all),
  counts: Object.fromEntries([...all.counts].sort(([a], [b]) => (a < b ? -1 : 1))),
}
console.log(JSON.stringify(summary, null, 2))
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(summary, null, 2)}\n`)
process.exit(all.violations.length > 0 ? 1 : 0)
