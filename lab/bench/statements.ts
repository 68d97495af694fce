// The question: how often is the store asked for a request whose sender is known?
import { connect } from 'node:net'
import { openLoad } from './adapter-load.ts'
import { type Row, rowOf } from './figures.ts'
import { startOurs } from './ours.ts'
import { startPeer } from './peer.ts'
import { makePostgres } from './postgres-accounts.ts'
import { type Asked, answer } from './question.ts'
import { askOnce } from './site.ts'
import { openStores, type Stores } from './stores.ts'
import { startProxy } from './wire-proxy.ts'

type Plan = { requests: number }
const plans = { full: { requests: 1000 }, quick: { requests: 200 } }
const sessions = 20
const question = 'statements in the store for a request whose session is known'
const cause = 'counterfoil_db_statements_total{cause="request"}'

type Scene = Asked<Plan> & { stores: Stores }

async function throughProxy(scene: Scene, name: string) {
  const url = await scene.stores.database(name)
  const proxy = await startProxy(scene.stores.postgresPort)
  scene.undo.push(proxy.close)
  return { url, through: url.replace(`:${scene.stores.postgresPort}/`, `:${proxy.port}/`), proxy }
}

async function peerRow(
  scene: Scene,
  { name, peer, variant }: { name: string; peer: string; variant: string },
): Promise<Row> {
  const { through, proxy } = await throughProxy(scene, `${peer}_${variant}`.replaceAll(/\W/g, '_'))
  const application = await startPeer(peer, { variant, url: through, seconds: 900 })
  scene.undo.push(application.close)
  return countRow(scene, { name, application, statements: async () => proxy.statements() })
}

async function redisRow(scene: Scene, url: string): Promise<Row> {
  const application = await startPeer('express-session', { variant: 'redis', url })
  scene.undo.push(application.close)
  const proxy = await startProxy(Number(new URL(url).port))
  scene.undo.push(proxy.close)
  const statements = async () => commandsOf(url)
  return countRow(scene, { name: 'express-session with Redis', application, statements })
}

/** What Redis says it has done, less what is asked here. */
async function commandsOf(url: string): Promise<number> {
  const { text } = await askRedis(Number(new URL(url).port), 'INFO stats\r\n')
  return Number(/total_commands_processed:(\d+)/.exec(text)?.[1]) - asked++
}
let asked = 1

async function askRedis(port: number, command: string): Promise<{ text: string }> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  socket.write(command)
  try {
    let text = ''
    for await (const data of socket) {
      text += data
      if (text.includes('total_commands_processed')) return { text }
    }
  } finally {
    socket.destroy()
  }
  throw new Error('Redis does not answer')
}

async function countRow(
  { plan }: Scene,
  given: {
    name: string
    application: { port: number; credentials(count: number): Promise<string[]> }
    statements: () => Promise<number>
    isOurs?: boolean
    lines?: string[]
  },
): Promise<Row> {
  const { application, statements } = given
  const lines = given.lines ?? (await application.credentials(sessions))
  const load = await openLoad({ port: application.port, lines })
  await load.run(sessions * 2)
  // What goes on in the background of a request has an end.
  await new Promise((resolve) => setTimeout(resolve, 300))
  const before = await statements()
  await load.run(plan.requests)
  await new Promise((resolve) => setTimeout(resolve, 300))
  const each = ((await statements()) - before) / plan.requests
  load.close()
  return rowOf({
    ...{ question, candidate: given.name, unit: 'statements', values: [each] },
    ...(given.isOurs === true ? { target: { of: 'median', most: 0, text: '0' } as const } : {}),
  })
}

async function ourRows(scene: Scene): Promise<Row[]> {
  const { url, through, proxy } = await throughProxy(scene, 'ours')
  await makePostgres(url)
  const application = await startOurs('node', 'counterfoil', { database: through })
  scene.undo.push(application.close)
  const rows: Row[] = []
  for (const carrier of ['cookie', 'bearer'] as const) {
    const lines = await application.by(carrier, sessions)
    const name = `counterfoil by ${carrier}, counted at its driver`
    rows.push(
      await countRow(scene, {
        name,
        application,
        lines,
        isOurs: true,
        statements: () => counted(application.port),
      }),
    )
  }
  const began = performance.now()
  const before = proxy.statements()
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const perSecond = ((proxy.statements() - before) * 1000) / (performance.now() - began)
  const quiet = { question: 'statements of a server that nobody asks', unit: '1/s' }
  return [
    ...rows,
    rowOf({ ...quiet, candidate: 'counterfoil: its feed and its chores', values: [perSecond] }),
  ]
}

async function counted(port: number): Promise<number> {
  const { body } = await askOnce(port, '/metrics')
  const line = body.split('\n').find((one) => one.startsWith(cause))
  if (line === undefined) throw new Error(`no such metric at ${port}: ${body.slice(0, 200)}`)
  return Number(line.slice(cause.length + 1))
}

async function measure(asked: Asked<Plan>): Promise<Row[]> {
  const stores = await openStores({ withRedis: true })
  asked.undo.push(stores.close)
  const scene = { ...asked, stores }
  const peers = [
    { name: 'express-session with PostgreSQL', peer: 'express-session', variant: 'postgres' },
    { name: 'Better Auth with PostgreSQL', peer: 'better-auth', variant: 'pg' },
    { name: 'Better Auth with PostgreSQL, cookie cache', peer: 'better-auth', variant: 'pg cache' },
  ]
  const rows = await ourRows(scene)
  for (const peer of peers) rows.push(await peerRow(scene, peer))
  if (stores.redis !== null) rows.push(await redisRow(scene, stores.redis.url))
  return rows
}

process.exitCode = await answer('statements', plans, measure)
