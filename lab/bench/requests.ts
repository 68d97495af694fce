// The question: what does a request cost whose sender is known, beside what others would run for the same answer?
import { parseArgs } from 'node:util'
import { makeDatabase, openFolder } from './accounts.ts'
import { openLoad } from './adapter-load.ts'
import type { Framework } from './adapter-process.ts'
import { type Contender, type ContenderPlan, measureContenders } from './contenders.ts'
import { pin } from './cores.ts'
import { openHouse } from './house.ts'
import { startOurs, startVerifier } from './ours.ts'
import { startPeer } from './peer.ts'
import { conclude, describeMachine, say } from './report.ts'
import { requestRows } from './request-rows.ts'
import { openStores, type Stores } from './stores.ts'

const plans: Record<'full' | 'quick', ContenderPlan> = {
  full: {
    rounds: 6,
    attempts: 9,
    turns: 4,
    slotMilliseconds: 40,
    warmMilliseconds: 1300,
    warmRequests: 40_000,
  },
  quick: {
    rounds: 3,
    attempts: 4,
    turns: 5,
    slotMilliseconds: 30,
    warmMilliseconds: 900,
    warmRequests: 30_000,
  },
}
const credentials = 50
/** Longer than this takes. */
const seconds = 900

type Undo = (() => unknown)[]
type Scene = { folder: ReturnType<typeof openFolder>; isQuick: boolean; undo: Undo }

/** What targets name. `--quick` measures nothing else. */
const named = new Set(['memory', 'postgres', 'redis', 'sqlite', 'sqlite cache'])

const nobody = [''] as const

const frameworksOf = (isQuick: boolean): Framework[] =>
  isQuick ? ['node', 'express'] : ['node', 'hono', 'fastify', 'express']

async function floors({ folder, isQuick, undo }: Scene): Promise<Contender[]> {
  const found: Contender[] = []
  for (const framework of frameworksOf(isQuick)) {
    const database = await makeDatabase(folder.path(`${framework}-bare`))
    const application = await startOurs(framework, 'bare', { database })
    undo.push(application.close)
    found.push(await contend(`${framework}, no check`, { application, lines: nobody }, undo))
  }
  return found
}

type Asked = {
  application: Contender['application']
  lines: readonly string[]
  fresh?: (count: number) => string[]
}

async function contend(name: string, { application, lines, fresh }: Asked, undo: Undo): Promise<Contender> {
  const load = await openLoad({ port: application.port, lines, ...(fresh === undefined ? {} : { fresh }) })
  undo.push(load.close)
  return { name, application, load }
}

/** The server inside the application. */
async function embedded({ folder, isQuick, undo }: Scene): Promise<Contender[]> {
  const found: Contender[] = []
  for (const framework of frameworksOf(isQuick)) {
    const database = await makeDatabase(folder.path(`${framework}-ours`))
    const application = await startOurs(framework, 'counterfoil', { database })
    undo.push(application.close)
    for (const carrier of ['cookie', 'bearer'] as const) {
      const lines = await application.by(carrier, credentials)
      found.push(await contend(`${framework}, counterfoil by ${carrier}`, { application, lines }, undo))
    }
    if (framework !== 'node') continue
    const fresh = await application.bound()
    found.push(await contend('node, counterfoil by DPoP', { application, lines: [], fresh }, undo))
  }
  return found
}

/** The server in a process of its own, and an application that checks by its feed. */
async function apart(undo: Undo): Promise<Contender[]> {
  const house = await openHouse({ ends: 0 })
  undo.push(house.close)
  const application = await startVerifier(house)
  undo.push(application.close)
  const found: Contender[] = []
  for (const carrier of ['cookie', 'bearer'] as const) {
    const lines = await application.by(carrier, credentials)
    found.push(await contend(`node, counterfoil verifier by ${carrier}`, { application, lines }, undo))
  }
  const fresh = await application.bound()
  found.push(await contend('node, counterfoil verifier by DPoP', { application, lines: [], fresh }, undo))
  return found
}

async function peers(stores: Stores, { folder, isQuick, undo }: Scene): Promise<Contender[]> {
  const { redis } = stores
  const file = (name: string) => () => folder.path(name)
  const database = (name: string) => () => stores.database(name)
  const all: [name: string, peer: string, variant: string, url: () => string | Promise<string>][] = [
    ['express, express-session in memory', 'express-session', 'memory', () => ''],
    ['express, express-session with PostgreSQL', 'express-session', 'postgres', database('sessions')],
    ...(redis === null
      ? []
      : ([
          ['express, express-session with Redis', 'express-session', 'redis', () => redis.url],
        ] as typeof all)),
    ['fastify, @fastify/secure-session', 'secure-session', '', () => ''],
    ['node, iron-session', 'iron-session', '', () => ''],
    ['node, Better Auth with SQLite', 'better-auth', 'sqlite', file('default')],
    ['node, Better Auth with SQLite, cookie cache', 'better-auth', 'sqlite cache', file('cache')],
    ['node, Better Auth with PostgreSQL', 'better-auth', 'pg', database('ba')],
    ['node, Better Auth with PostgreSQL, cookie cache', 'better-auth', 'pg cache', database('bacache')],
    ['node, Better Auth, bearer plugin', 'better-auth', 'sqlite bearer', file('bearer')],
    ['node, Better Auth, JWT plugin and jose', 'better-auth', 'sqlite jwt', file('jwt')],
    ['fastify, fast-jwt (@fastify/jwt)', 'fast-jwt', '', () => ''],
    ['fastify, fast-jwt (@fastify/jwt), its cache on', 'fast-jwt', 'cache', () => ''],
    ['hono, jose', 'jose', '', () => ''],
    ['express, jsonwebtoken', 'jsonwebtoken', '', () => ''],
    ['express, passport-jwt', 'passport-jwt', '', () => ''],
  ]
  const found: Contender[] = []
  for (const [name, peer, variant, url] of all) {
    if (isQuick && !named.has(variant)) continue
    const application = await startPeer(peer, { variant, url: await url(), seconds })
    undo.push(application.close)
    const lines = await application.credentials(credentials)
    found.push(await contend(name, { application, lines }, undo))
  }
  return found
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, out: { type: 'string' } } })
  const isQuick = values.quick === true
  say(describeMachine())
  if (isQuick) say('--quick: on node:http and Express only, beside what the targets name')
  pin(process.pid, 1)
  const undo: Undo = []
  try {
    const stores = await openStores({ withRedis: true })
    undo.push(stores.close)
    const folder = openFolder()
    undo.push(folder.close)
    const scene = { folder, isQuick, undo }
    const contenders = [
      ...(await floors(scene)),
      ...(await peers(stores, scene)),
      ...(isQuick ? [] : await apart(undo)),
      ...(await embedded(scene)),
    ]
    const rounds = await measureContenders(contenders, plans[isQuick ? 'quick' : 'full'])
    return conclude(requestRows(rounds, contenders), values.out ?? '.cache/bench/requests.json')
  } finally {
    for (const step of undo.reverse()) await step()
  }
}

process.exitCode = await main()
