// Why: one command answers what the house claims to be fast at, beside its peers, on the machine it runs on.
//   npm run bench                       all questions, about a quarter of an hour on a machine with nothing else to do
//   npm run bench -- --only revocation  one of them
//   npm run bench -- --quick            three minutes; its figures are not kept
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Row, tallyOf } from './figures.ts'
import { installPeers } from './peers.ts'
import { missedCode, say } from './report.ts'

const root = join(import.meta.dirname, '../..')
const questions = ['requests', 'verify', 'revocation', 'cluster', 'adapters'] as const

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

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, only: { type: 'string' } } })
  const chosen = questions.filter((question) => values.only === undefined || values.only === question)
  if (chosen.length === 0) throw new Error(`--only is one of ${questions.join(', ')}`)
  if (chosen.includes('verify')) installPeers()
  const rows: Row[] = []
  let unanswered = 0
  for (const question of chosen) {
    say(`\n== ${question}`)
    const found = await answer(question, values.quick === true)
    if (found === null) unanswered++
    rows.push(...(found ?? []))
  }
  if (unanswered > 0) say(`\n${unanswered} of ${chosen.length} questions were not answered`)
  const { held, of } = tallyOf(rows)
  say(`\ntargets: ${held} of ${of} held`)
  return held === of && unanswered === 0 ? 0 : 1
}

process.exitCode = await main()
