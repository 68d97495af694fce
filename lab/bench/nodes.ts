// The question: what do requests cost at 1, 2 and 4 nodes on one PostgreSQL, in the nodes and in the database?
import { type Load, openLoad } from './adapter-load.ts'
import type { Application } from './application.ts'
import { keepCalm, mostForeign } from './contenders.ts'
import { usedBy } from './cores.ts'
import { type Row, rowOf } from './figures.ts'
import { lookAtLoad, shareBetween } from './foreign-load.ts'
import { startOurs } from './ours.ts'
import { startPeer } from './peer.ts'
import { makePostgres } from './postgres-accounts.ts'
import { type Asked, answer } from './question.ts'
import { say } from './report.ts'
import { openStores, type Stores } from './stores.ts'

type Plan = { rounds: number; attempts: number; requests: number }
const plans: Record<'full' | 'quick', Plan> = {
  full: { rounds: 4, attempts: 6, requests: 1200 },
  quick: { rounds: 2, attempts: 3, requests: 300 },
}
const counts = [1, 2, 4] as const
const credentials = 50

type Kind = {
  name: string
  start(url: string, isFirst: boolean): Promise<Application>
  prepare(url: string): Promise<void>
}
const nothing = async () => {}
const kinds: readonly Kind[] = [
  {
    name: 'node, counterfoil by cookie',
    start: (database) => startOurs('node', 'counterfoil', { database }),
    prepare: (url) => makePostgres(url),
  },
  {
    name: 'express, express-session with PostgreSQL',
    start: (url) => startPeer('express-session', { variant: 'postgres', url }),
    prepare: nothing,
  },
  {
    name: 'node, Better Auth with PostgreSQL',
    start: (url, isNew) => startPeer('better-auth', { variant: 'pg', url, isNew }),
    prepare: nothing,
  },
]

type Cluster = { name: string; nodes: { application: Application; load: Load }[] }
/** Microseconds of processor time for a request: of the nodes, and of the database. */
type Cost = { nodes: number; database: number }
type Round = { foreign: number; costs: Map<string, Cost> }

async function open({ undo }: Asked<Plan>, stores: Stores): Promise<Cluster[]> {
  const clusters: Cluster[] = []
  for (const [index, { name, start, prepare }] of kinds.entries()) {
    const url = await stores.database(`nodes${index}`)
    await prepare(url)
    const nodes: Cluster['nodes'] = []
    let lines: string[] = []
    for (let at = 0; at < Math.max(...counts); at++) {
      const application = await start(url, at === 0)
      undo.push(application.close)
      // Every node is asked with the same sessions.
      if (at === 0) lines = await application.credentials(credentials)
      const load = await openLoad({ port: application.port, lines, connections: 8 })
      undo.push(load.close)
      await load.run(2000)
      nodes.push({ application, load })
    }
    clusters.push({ name, nodes })
  }
  return clusters
}

async function costOf(
  { nodes }: Cluster,
  count: number,
  { stores, each }: { stores: Stores; each: number },
): Promise<Cost> {
  const asked = nodes.slice(0, count)
  const used = () => asked.reduce((sum, { application }) => sum + usedBy(application.pid), 0)
  const before = [used(), stores.postgresUsed()] as const
  await Promise.all(asked.map(({ load }) => load.run(each)))
  const requests = each * count
  return {
    nodes: ((used() - before[0]) * 1000) / requests,
    database: ((stores.postgresUsed() - before[1]) * 1000) / requests,
  }
}

async function measure(asked: Asked<Plan>): Promise<Row[]> {
  const { plan, undo } = asked
  const stores = await openStores({})
  undo.push(stores.close)
  const clusters = await open(asked, stores)
  const rounds: Round[] = []
  for (let calm = 0; calm < plan.rounds && rounds.length < plan.attempts; ) {
    const before = lookAtLoad()
    const costs = new Map<string, Cost>()
    for (const cluster of clusters)
      for (const count of counts)
        costs.set(`${cluster.name}, ${count}`, await costOf(cluster, count, { stores, each: plan.requests }))
    const { foreign } = shareBetween(before, lookAtLoad())
    rounds.push({ foreign, costs })
    if (foreign <= mostForeign) calm++
    say(`round ${rounds.length}: others used ${foreign.toFixed(2)} cores`)
  }
  return rowsOf(keepCalm(rounds, plan.rounds))
}

function rowsOf(rounds: readonly Round[]): Row[] {
  const values = (name: string, count: number, which: keyof Cost) =>
    rounds.map(({ costs }) => costs.get(`${name}, ${count}`)?.[which] ?? Number.NaN)
  return (['nodes', 'database'] as const).flatMap((which) =>
    kinds.flatMap(({ name }) =>
      counts.map((count) =>
        rowOf({
          question: `microseconds of processor time for a request at several nodes: ${which === 'nodes' ? 'the nodes' : 'PostgreSQL'}`,
          ...{ candidate: `${name}, ${count} ${count === 1 ? 'node' : 'nodes'}`, unit: 'us' },
          values: values(name, count, which),
          ...(which === 'nodes' && count > 1 ? { against: values(name, 1, which) } : {}),
        }),
      ),
    ),
  )
}

process.exitCode = await answer('nodes', plans, measure)
