// The question: what becomes of requests when the store is 5 ms away, as it is in another building?
import { openLoad } from './adapter-load.ts'
import type { Application } from './application.ts'
import { type Contender, type ContenderPlan, measureContenders } from './contenders.ts'
import { quantile, type Row, rowOf, type Target } from './figures.ts'
import { startOurs } from './ours.ts'
import { startPeer } from './peer.ts'
import { makePostgres } from './postgres-accounts.ts'
import { type Asked, answer, type Undo } from './question.ts'
import { type Round, ratesOf } from './rounds.ts'
import { openStores } from './stores.ts'
import { startProxy } from './wire-proxy.ts'

const plans: Record<'full' | 'quick', ContenderPlan> = {
  full: { rounds: 8, attempts: 12, turns: 6, slotMilliseconds: 40, warmMilliseconds: 800 },
  quick: { rounds: 2, attempts: 3, turns: 3, slotMilliseconds: 40, warmMilliseconds: 400 },
}
const away = 5
const credentials = 50
const isSame: Target = { of: 'ratio', least: 0.9, text: '>= 0.9 x near' }
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

async function measure({ plan, isQuick, undo }: Asked<ContenderPlan>): Promise<Row[]> {
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
  return [...rateRows(kinds, rounds), ...(await delayRows(contenders, undo))]
}

function rateRows(kinds: readonly Kind[], rounds: readonly Round[]): Row[] {
  return kinds.flatMap(({ name }, index) => {
    const [near, far] = [ratesOf(rounds, `${name}, near`), ratesOf(rounds, `${name}, far`)]
    return [
      rowOf({ question, candidate: `${name}, near`, unit: '1/s', values: near }),
      rowOf({
        ...{ question, candidate: `${name}, ${away} ms away`, unit: '1/s', values: far, against: near },
        ...(index === 0 ? { target: isSame } : {}),
      }),
    ]
  })
}

/** One request after the other, nobody else: what a person waits for. */
async function delayRows(contenders: readonly Contender[], undo: Undo): Promise<Row[]> {
  const rows: Row[] = []
  for (const { name, application } of contenders) {
    const lines = await application.credentials(1)
    const load = await openLoad({ port: application.port, lines, connections: 1 })
    undo.push(load.close)
    await load.run(50)
    const values = await load.time(200)
    const asked = 'milliseconds of a request, one after the other'
    rows.push(
      rowOf({
        question: asked,
        candidate: `${name}, p50`,
        unit: 'ms',
        values,
        counted: quantile(values, 0.5),
      }),
    )
  }
  return rows
}

process.exitCode = await answer('distance', plans, measure)
