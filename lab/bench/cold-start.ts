// The question: how long does a program take from its start to its first authenticated answer, and how much memory is it
// then? Ours runs as it is published: compiled, with nothing of the checkout. Everybody starts with no compile cache, as a new
// container does; what one that is kept would change is told beside it, for both.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../tools/free-port.ts'
import { makeDatabase, secret } from './accounts.ts'
import { exchange } from './adapter-load.ts'
import { keepCalm, mostForeign } from './contenders.ts'
import { pin } from './cores.ts'
import { type Row, rowOf, type Target } from './figures.ts'
import { lookAtLoad, shareBetween } from './foreign-load.ts'
import { startOurs } from './ours.ts'
import { startPeer } from './peer.ts'
import { type Asked, answer, type Folder } from './question.ts'
import { say } from './report.ts'

type Plan = { rounds: number; attempts: number }
const plans: Record<'full' | 'quick', Plan> = {
  full: { rounds: 11, attempts: 16 },
  quick: { rounds: 3, attempts: 4 },
}

/** A program that takes its port as its last argument, and the line of a header that it knows. */
type Program = { name: string; file: string; args: string[]; line: string; cache: string | null }
type Started = { milliseconds: number; megabytes: number }
type Round = { foreign: number; found: Map<string, Started> }

const root = join(import.meta.dirname, '../..')
const names = {
  bare: 'node:http, no check',
  ours: 'counterfoil on node:http, compiled',
  theirs: 'Better Auth with SQLite',
}
const cached = (name: string) => `${name}, compile cache warm`

/** Node's own, in whose absence it is told to do without: the environment of whoever runs this decides nothing. */
const cacheOf = ({ cache }: Program) =>
  cache === null ? { NODE_DISABLE_COMPILE_CACHE: '1' } : { NODE_COMPILE_CACHE: cache }

async function startOnce(program: Program): Promise<Started> {
  const { name, file, args, line } = program
  const port = await freePort()
  const began = performance.now()
  const child = spawn(process.execPath, [file, ...args, String(port)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', ...cacheOf(program) },
  })
  pin(child.pid, 0)
  try {
    for (;;) {
      const found = await exchange(port, line).catch(() => null)
      if (found?.answer.startsWith('HTTP/1.1 200')) break
      if (found !== null || child.exitCode !== null) throw new Error(`${name}: ${found?.answer ?? 'ended'}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const milliseconds = performance.now() - began
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    return { milliseconds, megabytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024 }
  } finally {
    const ended = once(child, 'exit')
    // Not by force: what Node has compiled is kept by a process that ends in order.
    child.kill()
    await ended
  }
}

/** The packages as they are published, beside what they depend on. */
async function compile(folder: Folder): Promise<string> {
  const modules = folder.path('installed/node_modules')
  mkdirSync(join(modules, '@counterfoil'), { recursive: true })
  for (const [name, to] of [
    ['verifier', '@counterfoil/verifier'],
    ['server', 'counterfoil'],
  ] as const) {
    const args = [join(root, 'tools/pack.ts'), name]
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error(`${name} was not compiled`)
    cpSync(join(root, 'packages', name, 'dist'), join(modules, to), { recursive: true })
  }
  const { dependencies } = JSON.parse(readFileSync(join(modules, 'counterfoil/package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const name of Object.keys(dependencies).filter((one) => !one.startsWith('@counterfoil/'))) {
    mkdirSync(join(modules, name, '..'), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  return folder.path('installed/start.js')
}

async function programs({ folder, undo }: Asked<Plan>): Promise<Program[]> {
  const database = await makeDatabase(folder.path('ours'))
  const known = await startOurs('node', 'counterfoil', { database })
  const [line = ''] = await known.by('cookie', 1)
  await known.close()
  const file = await compile(folder)
  cpSync(join(import.meta.dirname, 'peers/start-ours.js'), file)
  const url = folder.path('theirs')
  const peer = await startPeer('better-auth', { variant: 'sqlite', url })
  undo.push(peer.close)
  const [theirs = ''] = await peer.credentials(1)
  await peer.close()
  const start = (name: string) => join(import.meta.dirname, 'peers', name)
  const cache = folder.path('compiled')
  const ours = { file, args: [database, secret], line }
  const others = { file: start('start-better-auth.js'), args: [url], line: theirs }
  return [
    { name: names.bare, file: start('start-bare.js'), args: [], line: '', cache: null },
    { name: names.ours, ...ours, cache: null },
    { name: names.theirs, ...others, cache: null },
    { name: cached(names.ours), ...ours, cache },
    { name: cached(names.theirs), ...others, cache },
  ]
}

async function measure(asked: Asked<Plan>): Promise<Row[]> {
  const { plan } = asked
  const all = await programs(asked)
  // Files are read once, and whoever keeps compiled code keeps it from here on.
  for (const program of all) await startOnce(program)
  const rounds: Round[] = []
  for (let calm = 0; calm < plan.rounds && rounds.length < plan.attempts; ) {
    const before = lookAtLoad()
    const found = new Map<string, Started>()
    for (const program of rounds.length % 2 === 0 ? all : all.toReversed())
      found.set(program.name, await startOnce(program))
    const { foreign } = shareBetween(before, lookAtLoad())
    rounds.push({ foreign, found })
    if (foreign <= mostForeign) calm++
    const each = [...found].map(([name, { milliseconds }]) => `${name} ${milliseconds.toFixed(0)} ms`)
    say(`round ${rounds.length}: ${each.join(', ')}; others used ${foreign.toFixed(2)} cores`)
  }
  return rowsOf(keepCalm(rounds, plan.rounds))
}

function rowsOf(rounds: readonly Round[]): Row[] {
  const values = (name: string, which: keyof Started) =>
    rounds.map(({ found }) => found.get(name)?.[which] ?? Number.NaN)
  const start = {
    question: 'milliseconds from the start of the process to its first authenticated answer',
    unit: 'ms',
  }
  const memory = { question: 'resident memory after that answer', unit: 'MiB' }
  const most = (bound: number, text: string): Target => ({ of: 'ratio', most: bound, text })
  const ours = values(names.ours, 'milliseconds')
  const against = (name: string) => values(name, 'milliseconds')
  return [
    rowOf({ ...start, candidate: names.bare, values: against(names.bare) }),
    rowOf({
      ...{ ...start, candidate: `${names.ours} / node:http, no check`, values: ours },
      ...{ against: against(names.bare), target: most(3, '<= 3 x node:http, no check') },
    }),
    rowOf({ ...start, candidate: names.theirs, values: against(names.theirs) }),
    rowOf({
      ...{ ...start, candidate: `${names.ours} / Better Auth`, values: ours },
      ...{ against: against(names.theirs), target: most(0.5, '<= 0.5 x Better Auth') },
    }),
    ...[names.ours, names.theirs].map((name) =>
      rowOf({ ...start, candidate: cached(name), values: against(cached(name)) }),
    ),
    ...Object.values(names).map((name) =>
      rowOf({ ...memory, candidate: name, values: values(name, 'megabytes') }),
    ),
  ]
}

process.exitCode = await answer('cold-start', plans, measure)
