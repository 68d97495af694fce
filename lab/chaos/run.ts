// Why: what is promised about faults is tried on real processes, again and again.
//   npm run chaos -- --rounds 20             that many rounds, each with a world of its own
//   npm run chaos -- --rounds 20 --out FILE  the result is written after each round; the same command again goes on
//   npm run chaos -- --only cut --short      one scenario, whose name holds the word; in short form
//   npm run chaos -- --asynchronous --seed 2 --only takes   commits do not wait for the standby: the loss has to be found
//   npm run chaos -- --seed 7                the choices of one round; the timing is the machine's
import { parseArgs } from 'node:util'
import { playRound } from './round.ts'
import { describeRound, readRounds, summarize, writeSummary } from './summary.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    short: { type: 'boolean', default: false },
    asynchronous: { type: 'boolean', default: false },
    out: { type: 'string' },
    note: { type: 'string' },
  },
})

const { out, note } = values
const command = `npm run chaos -- ${process.argv.slice(2).join(' ')}`.trim()
const before = out === undefined ? { rounds: [], notes: [] } : readRounds(out)
const { rounds } = before
const notes = note === undefined ? before.notes : [...before.notes, note]
const first = Number(values.seed)
const wanted = Number(values.rounds)
for (let seed = first; seed < first + wanted; seed++) {
  if (rounds.some((round) => round.seed === seed)) {
    console.log(`seed ${seed} was played before`)
    continue
  }
  console.log(`round ${seed - first + 1} of ${wanted}, seed ${seed}`)
  const began = performance.now()
  const ledger = await playRound({
    seed,
    round: seed,
    isShort: values.short,
    isAsynchronous: values.asynchronous,
    only: values.only ?? null,
    say: (line) => console.log(line),
  })
  const seconds = Math.round((performance.now() - began) / 1000)
  rounds.push(describeRound(ledger, { seed, seconds, endedAt: new Date().toISOString() }))
  rounds.sort((a, b) => a.seed - b.seed)
  if (out !== undefined) writeSummary(out, summarize({ command, notes, rounds }))
}
const { rounds: _, ...rest } = summarize({ command, notes, rounds })
console.log(JSON.stringify(rest, null, 2))
process.exit(rest.total.violations.length > 0 ? 1 : 0)
