// Why: one command answers what the house claims to be fast at, beside what others use, on the machine it runs on.
//   npm run bench                       all questions, under 20 minutes on a machine with nothing else to do
//   npm run bench -- --only revocation  one of them
//   npm run bench -- --quick            some of them, in short: under 4 minutes
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type About, aboutMachine } from './about.ts'
import { type Row, tallyOf } from './figures.ts'
import { installPeers } from './peers.ts'
import { barsOf, draw, pictureOf, ratesPicture } from './picture.ts'
import { describeMachine, missedCode, say } from './report.ts'
import { besideNothing } from './request-rows.ts'

const root = join(import.meta.dirname, '../..')
/** One file each. Those with targets that do not need a large database are in `--quick`. */
const questions: readonly [name: string, isQuick: boolean][] = [
  ['requests', true],
  ['adapters', true],
  ['verify', true],
  ['statements', true],
  ['sign-ins', true],
  ['cold-start', true],
  ['distance', true],
  ['revocation', true],
  ['grants', true],
  ['lifetimes', false],
  ['sessions', false],
  ['nodes', false],
  ['refreshes', false],
  ['wire-bytes', false],
  ['growth', false],
  ['cluster', false],
]

/** A process for each, so that none runs code that another one has warmed. Null: it did not come to an end. */
async function answer(question: string, isQuick: boolean): Promise<Row[] | null> {
  const folder = isQuick ? '.cache/bench' : 'lab/bench/results'
  const out = join(root, folder, `${question}.json`)
  const program = join(import.meta.dirname, `${question}.ts`)
  const args = [program, '--out', out, ...(isQuick ? ['--quick'] : [])]
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
  let isStopped = false
  // The one that measures then stops what it has started.
  const stop = () => {
    isStopped = true
    child.kill('SIGTERM')
  }
  process.on('SIGTERM', stop)
  const [code] = await once(child, 'exit')
  process.off('SIGTERM', stop)
  if (isStopped) process.exit(1)
  return code === 0 || code === missedCode ? (JSON.parse(readFileSync(out, 'utf8')) as Row[]) : null
}

function keep(name: string, found: unknown): void {
  const folder = join(root, 'lab/bench/results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(found, null, 2)}\n`)
}

/** All that is known: what was asked now, and where one question was asked alone, what the others were answered before. */
function keepAll({
  startedAt,
  minutes,
  chosen,
}: {
  startedAt: Date
  minutes: number
  chosen: string[]
}): void {
  const results = join(root, 'lab/bench/results')
  const read = <Found>(name: string): Found | null => {
    const path = join(results, `${name}.json`)
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Found) : null
  }
  const rows = questions.flatMap(([name]) => read<Row[]>(name) ?? [])
  const asked = { ...read<About>('about')?.asked }
  // Of an answer that nobody noted the time of, the file tells it.
  for (const [name] of questions) {
    const path = join(results, `${name}.json`)
    if (existsSync(path)) asked[name] ??= `${statSync(path).mtime.toISOString().slice(0, 16)} UTC`
  }
  const at = startedAt.toISOString().slice(0, 16)
  for (const question of chosen) asked[question] = `${at} UTC, in a run of ${minutes.toFixed(1)} minutes`
  keep('full', rows)
  keep('about', aboutMachine(asked))
  drawAll(rows, 'docs/pictures')
}

function drawAll(rows: readonly Row[], folder: string): void {
  const machine = describeMachine()
  const heading = 'GET /me in a second of processor time, beside an application that checks nothing'
  const own = rows.filter(({ question }) => question === besideNothing)
  draw(join(root, folder, 'requests.svg'), ratesPicture(own, { heading, machine, ours: 'counterfoil' }))
  const others = rows.filter(({ target }) => target?.includes(' x ') === true)
  draw(join(root, folder, 'beside-others.svg'), pictureOf(barsOf(others), machine, 'Beside what others use'))
}

function choose(only: string | undefined, isQuick: boolean): string[] {
  const all = questions.map(([name]) => name)
  if (only !== undefined && !all.includes(only)) throw new Error(`--only is one of ${all.join(', ')}`)
  if (only !== undefined) return [only]
  return questions.filter(([, quick]) => quick || !isQuick).map(([name]) => name)
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, only: { type: 'string' } } })
  const isQuick = values.quick === true
  const chosen = choose(values.only, isQuick)
  if (isQuick) say(`--quick: ${chosen.join(', ')}, each in short`)
  const startedAt = new Date()
  installPeers()
  const rows: Row[] = []
  const unanswered: string[] = []
  for (const question of chosen) {
    const began = performance.now()
    say(`\n== ${question}`)
    const found = await answer(question, isQuick)
    if (found === null) unanswered.push(question)
    rows.push(...(found ?? []))
    say(`${question} took ${((performance.now() - began) / 1000).toFixed(0)} s`)
  }
  const minutes = (Date.now() - startedAt.getTime()) / 60_000
  if (isQuick) {
    keep('quick', rows)
    drawAll(rows, '.cache/bench')
  } else keepAll({ startedAt, minutes, chosen: chosen.filter((one) => !unanswered.includes(one)) })
  if (unanswered.length > 0) say(`\nnot answered: ${unanswered.join(', ')}`)
  for (const { question, candidate, target, held } of rows)
    if (held === false) say(`missed: ${candidate}: ${target} (${question})`)
  const { held, of } = tallyOf(rows)
  say(`${minutes.toFixed(1)} minutes`)
  say(`targets: ${held} of ${of} held`)
  return held === of && unanswered.length === 0 ? 0 : 1
}

process.exitCode = await main()
