// The question: what becomes of requests when the store is 5 ms away, as it is in another building?
import { type Load, openLoad } from './adapter-load.ts'
import type { Application } from './application.ts'
import { type Contender, type ContenderPlan, measureContenders } from './contenders.ts'
import { quantile, type Row, rowOf, type Target } from './figures.ts'
import { startOurs } from './ours.ts'
import { startPeer } from './peer.ts'
import { makePostgres } from './postgres-accounts.ts'
import { type Asked, answer } from './question.ts'
import { type Round, ratesOf } from './rounds.ts'
import { openStores } from './stores.ts'
import { startProxy } from './wire-proxy.ts'

type Plan = ContenderPlan & { delays: number; perDelay: number }
const plans: Record<'full' | 'quick', Plan> = {
  full: {
    rounds: 5,
    attempts: 8,
    turns: 6,
    slotMilliseconds: 40,
    warmMilliseconds: 800,
    warmRequests: 20_000,
    delays: 12,
    perDelay: 60,
  },
  quick: {
    rounds: 2,
    attempts: 3,
    turns: 3,
    slotMilliseconds: 40,
    warmMilliseconds: 400,
    warmRequests: 10_000,
    delays: 6,
    perDelay: 40,
  },
}
const away = 5
const credentials = 50
const question = `GET /me in a second on the clock, 16 at once, the PostgreSQL ${away} ms away`

type Kind = { name: string; start(url: string): Promise<Application>; prepare?(url: string): Promise<void> }

const all: readonly Kind[] = [
  {
    name: 'node, counterfoil by cookie',
    start: (database) => startOurs('node', 'counterfoil', { database }),
    prepare: (url) => makePostgres(url),
  },
  {
    name: 'express, express-session with PostgreSQL',
    start: (url) => startPeer('express-session', { variant: 'postgres', url }),
  },
  {
    name: 'node, Better Auth with PostgreSQL',
    start: (url) => startPeer('better-auth', { variant: 'pg', url }),
  },
  {
    name: 'node, Better Auth with PostgreSQL, cookie cache',
    start: (url) => startPeer('better-auth', { variant: 'pg cache', url, seconds: 900 }),
  },
]

async function measure(asked: Asked<Plan>): Promise<Row[]> {
  const { plan, isQuick, undo } = asked
  const kinds = isQuick ? all.slice(0, 2) : all
  const stores = await openStores({})
  undo.push(stores.close)
  const proxy = await startProxy(stores.postgresPort, away)
  undo.push(proxy.close)
  const contenders: Contender[] = []
  for (const [index, { name, start, prepare }] of kinds.entries()) {
    for (const place of ['near', 'far'] as const) {
      const url = await stores.database(`${place}${index}`)
      await prepare?.(url)
      const own = place === 'near' ? url : url.replace(`:${stores.postgresPort}/`, `:${proxy.port}/`)
      const application = await start(own)
      undo.push(application.close)
      const load = await openLoad({
        port: application.port,
        lines: await application.credentials(credentials),
      })
      undo.push(load.close)
      contenders.push({ name: `${name}, ${place}`, application, load })
    }
  }
  const rounds = await measureContenders(contenders, plan, 'clock')
  return [...rateRows(kinds, rounds), ...(await delayRows(contenders, asked))]
}

function rateRows(kinds: readonly Kind[], rounds: readonly Round[]): Row[] {
  return kinds.flatMap(({ name }) => {
    const [near, far] = [ratesOf(rounds, `${name}, near`), ratesOf(rounds, `${name}, far`)]
    return [
      rowOf({ question, candidate: `${name}, near`, unit: '1/s', values: near }),
      rowOf({
        ...{ question, candidate: `${name}, ${away} ms away`, unit: '1/s', values: far, against: near },
      }),
    ]
  })
}

/** One request after the other, nobody else: what a person waits for. */
async function delayRows(contenders: readonly Contender[], { plan, undo }: Asked<Plan>): Promise<Row[]> {
  const values = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  const loads: [name: string, load: Load][] = []
  for (const { name, application } of contenders) {
    const lines = await application.credentials(1)
    const load = await openLoad({ port: application.port, lines, connections: 1 })
    undo.push(load.close)
    await load.run(50)
    loads.push([name, load])
  }
  for (let round = 0; round < plan.delays; round++)
    for (const [name, load] of round % 2 === 0 ? loads : loads.toReversed())
      values.get(name)?.push(quantile(await load.time(plan.perDelay), 0.5))
  const asked = 'milliseconds of a request, one after the other, the middle one of each round'
  const target: Target = { of: 'ratio', most: 1.1, text: '<= 1.1 x near' }
  return contenders.map(({ name }, index) => {
    const own = values.get(name) ?? []
    const near = name.endsWith('far') ? values.get(contenders[index - 1]?.name ?? '') : undefined
    return rowOf({
      ...{ question: asked, candidate: name.replace(/far$/, `${away} ms away`), unit: 'ms', values: own },
      ...(near === undefined ? {} : { against: near, ...(index === 1 ? { target } : {}) }),
    })
  })
}

process.exitCode = await answer('distance', plans, measure)
