// The question: what do guard, caller and required() cost an application, beside one that checks nothing, and beside the
// least that a check can be, in one run on one machine?
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeDatabase, openFolder } from './accounts.ts'
import { type Load, openLoad } from './adapter-load.ts'
import type { AdapterHeard, AdapterTold, Framework, Way } from './adapter-process.ts'
import { pin } from './cores.ts'
import { calmest, quantile, type Row, rowOf, type Target } from './figures.ts'
import { lookAtLoad, shareBetween } from './foreign-load.ts'
import { conclude, describeMachine, say } from './report.ts'
import { type Round, ratesOf } from './rounds.ts'

/** `rounds`, and at most `attempts` of them, of processes that were started `launches` times. */
type Plan = { launches: number; rounds: number; attempts: number; turns: number; warmRequests: number }
const plans: Record<'full' | 'quick', Plan> = {
  full: { launches: 5, rounds: 3, attempts: 5, turns: 16, warmRequests: 20_000 },
  quick: { launches: 2, rounds: 3, attempts: 4, turns: 12, warmRequests: 16_000 },
}
/** So few that whatever disturbs one of a pair is still there when the other has its turn. */
const requestsInTurn = 200

/** Cores that others may use in a round that counts. */
const mostForeign = 0.15
/** Tokens live for five minutes, and a round must not meet one that is over. */
const renewedAfter = 150_000

const carriers = ['bearer', 'cookie'] as const
type Carrier = (typeof carriers)[number]
type Site = { name: string; child: ChildProcess; port: number; loads: Record<Carrier, Load> | null }

const chosen: [framework: Framework, ways: Way[]][] = [
  ['node', ['bare', 'counterfoil']],
  ['hono', ['ideal', 'counterfoil']],
  ['fastify', ['ideal', 'counterfoil']],
  ['express', ['ideal', 'counterfoil']],
]
const nameOf = (framework: Framework, way: Way, carrier: Carrier) => `${framework}, ${way}, by ${carrier}`

async function hear<Kind extends AdapterHeard['kind']>(child: ChildProcess, kind: Kind) {
  for (;;) {
    const [heard] = (await once(child, 'message')) as [AdapterHeard]
    if (heard.kind === kind) return heard as Extract<AdapterHeard, { kind: Kind }>
  }
}

function ask<Kind extends AdapterHeard['kind']>(child: ChildProcess, told: AdapterTold, kind: Kind) {
  child.send(told)
  return hear(child, kind)
}

async function start(framework: Framework, way: Way, database: string): Promise<Site> {
  const child = fork(join(import.meta.dirname, 'adapter-process.ts'), [framework, way, database])
  pin(child.pid, 0)
  const { port } = await hear(child, 'listening')
  return { name: `${framework}, ${way}`, child, port, loads: null }
}

async function signIn(site: Site): Promise<void> {
  const { child, port } = site
  const { cookie, token } = await ask(child, { kind: 'sign-in' }, 'signed-in')
  closeLoads(site)
  site.loads = {
    bearer: await openLoad({ port, lines: [`Authorization: Bearer ${token}`] }),
    cookie: await openLoad({ port, lines: [`Cookie: theme=dark; ${cookie}`] }),
  }
}

function closeLoads({ loads }: Site): void {
  for (const load of Object.values(loads ?? {})) load.close()
}

/** Microseconds of the server's processor time. */
async function costOf({ child, loads }: Site, carrier: Carrier, count: number): Promise<number> {
  const before = await ask(child, { kind: 'usage' }, 'usage')
  await loads?.[carrier].run(count)
  const after = await ask(child, { kind: 'usage' }, 'usage')
  return after.microseconds - before.microseconds
}

/** Ours and what it is compared with, turn by turn. A turn that somebody disturbed counts no more than any other. */
async function measurePair(
  pair: readonly Site[],
  carrier: Carrier,
  turns: number,
): Promise<[string, number][]> {
  const costs = pair.map((): number[] => [])
  for (let turn = 0; turn < turns; turn++) {
    for (let at = 0; at < pair.length; at++) {
      const index = (at + turn) % pair.length
      const site = pair[index]
      if (site !== undefined) costs[index]?.push(await costOf(site, carrier, requestsInTurn))
    }
  }
  return pair.map(({ name }, index) => [
    `${name}, by ${carrier}`,
    (requestsInTurn * 1e6) / quantile(costs[index] ?? [], 0.5),
  ])
}

async function measure(plan: Plan, pairs: readonly Site[][]): Promise<Round[]> {
  const rounds: Round[] = []
  let signedInAt = Number.NEGATIVE_INFINITY
  for (let calm = 0; calm < plan.rounds && rounds.length < plan.attempts; ) {
    if (performance.now() - signedInAt > renewedAfter) {
      for (const site of pairs.flat()) await signIn(site)
      const warm = signedInAt === Number.NEGATIVE_INFINITY ? plan.warmRequests : requestsInTurn
      for (const site of pairs.flat()) for (const carrier of carriers) await costOf(site, carrier, warm)
      signedInAt = performance.now()
    }
    const before = lookAtLoad()
    const rates = new Map<string, number>()
    for (const pair of pairs)
      for (const carrier of carriers)
        for (const [name, rate] of await measurePair(pair, carrier, plan.turns)) rates.set(name, rate)
    const { foreign } = shareBetween(before, lookAtLoad())
    rounds.push({ foreign, rates })
    if (foreign <= mostForeign) calm++
    say(`round ${rounds.length}: others used ${foreign.toFixed(2)} cores`)
  }
  return rounds
}

const question = 'GET /me in a second of the processor time of the server'

function rowsOf(rounds: readonly Round[]): Row[] {
  return chosen.flatMap(([framework, [other = 'bare']]) =>
    carriers.flatMap((carrier) => {
      const against = nameOf(framework, other, carrier)
      const ours = nameOf(framework, 'counterfoil', carrier)
      const least = framework === 'node' && carrier === 'cookie' ? 0.8 : 0.9
      const target: Target = { of: 'ratio', least, text: `>= ${least} x ${other}` }
      const row = { question, unit: '1/s' }
      return [
        rowOf({ ...row, candidate: against, values: ratesOf(rounds, against) }),
        rowOf({
          ...row,
          ...{ candidate: ours, values: ratesOf(rounds, ours), against: ratesOf(rounds, against), target },
        }),
      ]
    }),
  )
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, out: { type: 'string' } } })
  const plan = plans[values.quick === true ? 'quick' : 'full']
  say(describeMachine())
  pin(process.pid, 1)
  const rounds: Round[] = []
  for (let launch = 0; launch < plan.launches; launch++) rounds.push(...(await launched(plan)))
  const least = Math.ceil((plan.launches * plan.rounds) / 3)
  const { kept, dropped, isNoisy } = calmest(rounds, { most: mostForeign, least })
  const noise = isNoisy ? '; NOISY' : ''
  say(`${kept.length} rounds count, ${dropped} were dropped since others used the machine${noise}`)
  return conclude(rowsOf(kept), values.out ?? '.cache/bench/adapters.json')
}

/** What a compiler makes of the same code differs by some hundredths from one start to the next, and stays. */
async function launched(plan: Plan): Promise<Round[]> {
  const folder = openFolder()
  const pairs: Site[][] = []
  try {
    for (const [framework, ways] of chosen) {
      const pair: Site[] = []
      pairs.push(pair)
      for (const way of ways)
        pair.push(await start(framework, way, await makeDatabase(folder.path(`${framework}-${way}`))))
    }
    return await measure(plan, pairs)
  } finally {
    for (const site of pairs.flat()) {
      closeLoads(site)
      site.child.disconnect()
    }
    folder.close()
  }
}

process.exitCode = await main()
