// Why: every failure has a number, and the number brings it back.
//   npm run sim -- --seeds 1000             that many seeds, from 1 on or from --seed
//   npm run sim -- --seeds 20 --nodes 1000  with that many verifiers in each
//   npm run sim -- --mutant delete-only     with a known mistake, which has to be found
//   npm run sim -- --explore                everything that can happen in a very small world
//   npm run sim -- --seeds 1000 --out FILE  writes down what came of it, and of which code
//   npm run sim -- --day                    a hundred million sessions on up to 1,000 nodes, for a day
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { repositoryRoot } from '../../tools/source.ts'
import { codeDigest } from './code.ts'
import { dayFiles, reportDay } from './day-report.ts'
import { exploreAll } from './explorations.ts'
import { asBuilt, mutantCalled, mutantNames, trySeed } from './simulate.ts'
import { createTally, merge, summaryOf } from './tally.ts'

const say = (line: string) => console.log(line)

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    nodes: { type: 'string' },
    mutant: { type: 'string' },
    explore: { type: 'boolean', default: false },
    day: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
})

function numberOf(name: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  console.error(`--${name} is a whole number from 1 on, not "${text}"`)
  process.exit(2)
}

/** Of the code as it was when the run began: whoever edits it meanwhile changes nothing of what runs. */
const code = codeDigest(repositoryRoot)

function save(result: object): void {
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify({ ...result, code }, null, 2)}\n`)
}

function runExplorations(): number {
  const results = exploreAll((name, { states, steps, counterExample }) => {
    say(`${name}: ${states} states, ${steps} steps`)
    if (counterExample !== null) say(`  ${counterExample.wrong}\n  ${counterExample.path.join(' > ')}`)
  })
  save({ command: 'npm run sim -- --explore', ...results })
  return results.isAsExpected ? 0 : 1
}

function runSeeds(): number {
  const first = numberOf('seed', values.seed)
  const seeds = numberOf('seeds', values.seeds)
  const nodes = values.nodes === undefined ? null : numberOf('nodes', values.nodes)
  const tried = values.mutant === undefined ? asBuilt : mutantCalled(values.mutant)
  if (tried === null) {
    console.error(`There is no mutant "${values.mutant}", only ${mutantNames.join(', ')}`)
    return 2
  }
  const options = `${nodes === null ? '' : ` --nodes ${nodes}`}${values.mutant === undefined ? '' : ` --mutant ${values.mutant}`}`
  const tally = createTally()
  const startedAt = performance.now()
  let saidAt = startedAt
  let failed = 0
  for (let seed = first; seed < first + seeds; seed++) {
    const one = trySeed(tried, { seed, nodes })
    merge(tally, one)
    if (one.violations.length > 0) failed++
    if (one.violations.length > 0 && failed <= 10) {
      say(`seed ${seed} failed; again: npm run sim -- --seeds 1 --seed ${seed}${options}`)
      for (const { rule, at, detail } of one.violations.slice(0, 3)) say(`  ${at} ms: ${rule}: ${detail}`)
    }
    if (performance.now() - saidAt > 5000) {
      saidAt = performance.now()
      const rate = Math.round((seed - first + 1) / ((saidAt - startedAt) / 1000))
      say(`${seed - first + 1} of ${seeds} seeds, ${rate} a second, ${tally.violations.length} violations`)
    }
  }
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10
  const command = `npm run sim -- --seeds ${seeds} --seed ${first}${options}`
  const summary = { command, node: process.version, seconds, failed_seeds: failed, ...summaryOf(tally) }
  say(JSON.stringify(summary, null, 2))
  save(summary)
  return failed > 0 ? 1 : 0
}

const runDay = () => reportDay(say, { seconds: 86_400, ...dayFiles })

process.exitCode = values.day ? runDay() : values.explore ? runExplorations() : runSeeds()
