// The question: what do several servers on one PostgreSQL cost, and what do they keep up with? It needs Linux, which
// counts the processor time of each process.
import { parseArgs } from 'node:util'
import { settle } from '../chaos/processes.ts'
import {
  type ReadRound,
  type Revoked,
  ratioText,
  readRows,
  revocationRows,
  type SignInRound,
  type Stopped,
  signInRows,
  stoppedRows,
} from './cluster-rows.ts'
import { quantile } from './figures.ts'
import { lookAtLoad, shareBetween } from './foreign-load.ts'
import type { Outcome } from './load.ts'
import { drawCluster } from './picture.ts'
import { conclude, describeMachine, say } from './report.ts'
import { type Load, type Node, openSite, type Site, within } from './site.ts'
import { readsWithoutDatabase } from './stopped.ts'

type Plan = {
  many: number
  rounds: number
  /** Rounds in which people sign in: the latest hundredth of 900 requests is nine of them. */
  floods: number
  requests: number
  slot: number
  /** Milliseconds of sign-ins before the first round: at so few a second, new servers run them uncompiled that long. */
  warm: number
  ends: number
  watched: number
}

const plans: Record<'full' | 'quick', Plan> = {
  full: {
    many: 1_000_000,
    rounds: 5,
    floods: 5,
    requests: 8000,
    slot: 3000,
    warm: 12_000,
    ends: 15_000,
    watched: 200,
  },
  quick: {
    many: 50_000,
    rounds: 2,
    floods: 2,
    requests: 3000,
    slot: 1500,
    warm: 1500,
    ends: 3000,
    watched: 30,
  },
}
const few = 1000
const over = 20_000
const inFlight = 16
/** Requests a second for each server, where one is compared with three. */
const perServer = 800
/** Requests a second beside what is measured. */
const beside = 300
const sustained = 1050
const cause = 'counterfoil_db_statements_total{cause="request"}'

const portsOf = (nodes: readonly Node[]) => nodes.map(({ port }) => port)
const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0)

async function foreignDuring(work: () => Promise<void>): Promise<number> {
  const before = lookAtLoad()
  await work()
  return shareBetween(before, lookAtLoad()).foreign
}

/** Requests with sessions that these servers have in memory, shared out among them. */
async function readWith(
  load: Load,
  nodes: readonly Node[],
  { requests, count, isPaced }: { requests: number; count: number; isPaced: boolean },
) {
  const statements = async () => sum(await Promise.all(nodes.map((node) => node.metric(cause))))
  const asked = await statements()
  const before = sum(nodes.map((node) => node.used()))
  const asking = { ports: portsOf(nodes), from: 1, count }
  // As many a second for each server, so that each wakes up as often for a request, however many there are.
  const perSecond = perServer * nodes.length
  const { done, wrong } = await (isPaced
    ? load({ kind: 'pace', ...asking, perSecond, within: (requests * 1000) / perSecond })
    : load({ kind: 'read', ...asking, requests }))
  const each = ((sum(nodes.map((node) => node.used())) - before) * 1000) / done
  return { each, wrong, statements: (await statements()) - asked }
}

async function measureReads({ nodes, small, loads: [load] }: Site, plan: Plan): Promise<ReadRound[]> {
  const [first, ...others] = nodes
  // Each server sees each session once, and is past its slow first thousands of requests.
  await load({ kind: 'read', ports: [first.port], from: 1, count: over, requests: over })
  for (const node of [...others, small]) {
    await load({ kind: 'read', ports: [node.port], from: 1, count: few, requests: over })
  }
  say('every server has its sessions in memory')
  const rounds: ReadRound[] = []
  const { requests } = plan
  for (let index = 0; index < plan.rounds; index++) {
    const found: Record<string, Awaited<ReturnType<typeof readWith>>> = {}
    const slots: [string, readonly Node[], number][] = [
      ['one', [first], few],
      ['three', nodes, few],
      ['few', [small], few],
      ['many', [first], over],
    ]
    const foreign = await foreignDuring(async () => {
      for (const [name, asked, count] of index % 2 === 0 ? slots : slots.toReversed())
        found[name] = await readWith(load, asked, {
          requests,
          count,
          isPaced: name === 'one' || name === 'three',
        })
    })
    const each = (name: string) => found[name]?.each ?? Number.NaN
    const all = Object.values(found)
    const [statements, wrong] = [sum(all.map((one) => one.statements)), sum(all.map((one) => one.wrong))]
    rounds.push({
      foreign,
      one: each('one'),
      three: each('three'),
      many: each('many'),
      few: each('few'),
      statements,
      wrong,
    })
    say(
      `reads ${index + 1}: 3 servers ${ratioText([each('three')], [each('one')])} x 1, ${(each('few') / each('many')).toFixed(2)} of the rate with few; others ${foreign.toFixed(2)} cores`,
    )
  }
  return rounds
}

/** Sessions that this server sees for the first time, so that each is read from the database. Only there to be seen. */
async function measureFirstSights({ nodes: [first], loads: [load] }: Site, plan: Plan): Promise<number> {
  const count = plan.many - plan.ends * 2
  const before = first.used()
  const { done } = await load({
    kind: 'read',
    ports: [first.port],
    from: 1,
    count,
    requests: 4 * plan.requests,
  })
  return (done * 1000) / (first.used() - before)
}

async function measureSignIns(site: Site, plan: Plan): Promise<SignInRound[]> {
  const { nodes, loads, hash, password } = site
  const [load, other] = loads
  const { port } = nodes[0]
  const { slot, warm } = plan
  const flood = (within = slot) =>
    load({ kind: 'sign in', port, sessions: plan.many, inFlight, within, password })
  const pace = (within = slot) =>
    other({ kind: 'pace', ports: [port], from: 1, count: few, perSecond: beside, within })
  await Promise.all([flood(warm), pace(warm)])
  const rounds: SignInRound[] = []
  for (let index = 0; index < plan.floods; index++) {
    let found: Outcome[] = []
    const foreign = await foreignDuring(async () => {
      const hashed = await load({ kind: 'hash', hash, password, within: slot })
      const alone = await flood()
      const quiet = await pace()
      found = [hashed, alone, quiet, ...(await Promise.all([flood(), pace()]))]
    })
    const [hashed, alone, quiet, , flooded] = found
    if (!hashed || !alone || !quiet || !flooded) throw new Error('not measured')
    const rate = ({ done, within: took }: Outcome) => (done * 1000) / took
    const wrong = sum(found.map((one) => one.wrong))
    rounds.push({
      foreign,
      hashes: rate(hashed),
      signIns: rate(alone),
      quiet: quiet.values,
      flooded: flooded.values,
      wrong,
    })
    const [calm, busy] = [quantile(quiet.values, 0.99), quantile(flooded.values, 0.99)]
    say(
      `sign-ins ${index + 1}: ${rate(alone).toFixed(1)}/s of ${rate(hashed).toFixed(1)} hashes/s; p99 beside ${calm.toFixed(1)} -> ${busy.toFixed(1)} ms; others ${foreign.toFixed(2)} cores`,
    )
  }
  return rounds
}

async function measureEnds(site: Site, plan: Plan): Promise<Revoked> {
  const { nodes, loads } = site
  const [load, other] = loads
  const [first, ...others] = nodes
  const ports = portsOf(nodes)
  // From the far end, so that nobody ends what others read.
  const from = plan.many - plan.ends + 1
  const watching = (at: number) =>
    other({ kind: 'watch', port: first.port, others: portsOf(others), from: at, count: plan.watched })
  const flow = load({
    kind: 'pace',
    ports,
    from: 1,
    count: few,
    perSecond: beside,
    within: plan.watched * 30,
  })
  const one = await watching(from - plan.watched)
  await flow
  say(
    `ended one by one: p50 ${quantile(one.values, 0.5).toFixed(1)} ms, p99 ${quantile(one.values, 0.99).toFixed(1)} ms`,
  )
  const ending = load({ kind: 'end', ports, from, count: plan.ends, perSecond: sustained })
  const during = await other({
    ...{ kind: 'watch', port: first.port, others: portsOf(others) },
    ...{ from: from - 2 * plan.watched, count: Math.round(plan.watched / 2) },
  })
  const ended = await ending
  const head = await site.head()
  const behind = await Promise.all(
    nodes.map((node) => within(5000, async () => (await node.metric('counterfoil_feed_position')) >= head)),
  )
  const { done, wrong, values } = ended
  const perSecond = ((done - wrong) * 1000) / ended.within
  say(`sustained: ${perSecond.toFixed(0)}/s, p99 ${quantile(values, 0.99).toFixed(0)} ms`)
  return {
    one: one.values,
    during: during.values,
    sustained: { asked: done, perSecond, wrong, behind: Math.max(...behind), values },
  }
}

async function measure(plan: Plan) {
  say(
    `a PostgreSQL with ${plan.many.toLocaleString('en')} sessions, three servers, and another one with ${few}`,
  )
  const site = await openSite({ many: plan.many, few })
  try {
    const reads = await measureReads(site, plan)
    const first = await measureFirstSights(site, plan)
    const signIns = await measureSignIns(site, plan)
    const ends = await measureEnds(site, plan)
    await settle(1000)
    const stopped: Stopped = await readsWithoutDatabase(site)
    return { reads, first, signIns, ends, stopped }
  } finally {
    await site.close()
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, out: { type: 'string' } } })
  const isQuick = values.quick === true
  const plan = plans[isQuick ? 'quick' : 'full']
  const machine = describeMachine()
  say(machine)
  const { reads, first, signIns, ends, stopped } = await measure(plan)
  const rows = [
    ...readRows(reads, { many: plan.many, few, over, first }),
    ...signInRows(signIns, inFlight),
    ...revocationRows(ends),
    ...stoppedRows(stopped),
  ]
  drawCluster(rows, { machine, path: isQuick ? '.cache/bench/cluster.svg' : 'docs/pictures/cluster.svg' })
  return conclude(rows, values.out ?? '.cache/bench/cluster.json')
}

process.exitCode = await main()
