import { fork } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hash } from '@node-rs/argon2'
import { run as runCommand } from 'counterfoil/house'
import { ask, create, type Instance, run as runDatabase } from '../chaos/instance.ts'
import { makeFolder, removeFolder, settle, start } from '../chaos/processes.ts'
import { usedBy } from './cores.ts'
import type { Order, Outcome } from './load.ts'
import type { Reply } from './load-process.ts'
import { cookieOf, seed } from './seeds.ts'
import { openLine } from './socket.ts'

/** A server of the site: where it listens, and what its process has used and asked so far. */
export type Node = {
  readonly port: number
  /** Milliseconds of processor time, all threads. */
  used(): number
  metric(line: string): Promise<number>
}

type Unaddressed<Kind> = Kind extends Order ? Omit<Kind, 'secret' | 'issuer'> : never
export type Load = (order: Unaddressed<Order>) => Promise<Outcome>

export type Site = {
  /** Three on one database with many sessions, and one on a database with few. */
  readonly nodes: readonly [Node, Node, Node]
  readonly small: Node
  readonly loads: readonly [Load, Load]
  readonly hash: string
  readonly password: string
  /** A request with the session of this number. */
  headersOf(index: number): Record<string, string>
  head(): Promise<number>
  /** As a power cut would, and back. */
  stopDatabase(): Promise<void>
  startDatabase(): Promise<void>
  close(): Promise<void>
}

export type Sizes = { many: number; few: number }

const command = fileURLToPath(new URL('../bin/counterfoil.js', import.meta.resolve('counterfoil')))
const issuer = 'http://localhost:3000'
const password = 'a long walk by the quiet river'
/** As the server hashes. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const policy = { attemptsPerAccount: 100, attemptsPerNetwork: 100_000, sessionsPerAccount: 1000 }

export async function openSite(sizes: Sizes): Promise<Site> {
  const undo: (() => unknown)[] = []
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    return { ...(await build(sizes, undo)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function build(sizes: Sizes, undo: (() => unknown)[]): Promise<Omit<Site, 'close'>> {
  const root = makeFolder('counterfoil-bench-')
  undo.push(() => removeFolder(root))
  // The account that PostgreSQL runs as has to come through.
  chmodSync(root, 0o755)
  const data = join(root, 'data')
  mkdirSync(data)
  writeFileSync(join(data, 'policy.json'), JSON.stringify(policy))
  const database = await create(join(root, 'database'))
  await runDatabase(database)
  undo.push(() => database.process?.end('SIGKILL'))
  await ask(database, 'create database small')
  const urls = { many: database.url, few: database.url.replace(/postgres$/, 'small') }
  await mustRun('init', data, urls.many)
  const hashed = await hash(password, cost)
  for (const which of ['many', 'few'] as const) {
    await mustRun('migrate', data, urls[which])
    await seed(urls[which], { count: sizes[which], hash: hashed })
  }
  const nodes: Node[] = []
  for (const url of [urls.many, urls.many, urls.many, urls.few]) nodes.push(await startNode(data, url, undo))
  const [a, b, c, small] = nodes
  if (!a || !b || !c || !small) throw new Error('There are four.')
  const secret = readFileSync(join(data, 'secret'), 'utf8').trim()
  return {
    ...{ nodes: [a, b, c], small, hash: hashed, password },
    loads: [startLoad(secret, undo), startLoad(secret, undo)],
    headersOf: (index) => ({ cookie: `__Host-Http-session=${cookieOf(secret, index)}`, origin: issuer }),
    head: async () => Number((await ask<{ seq: string }>(database, 'select seq from feed_head'))[0]?.seq),
    stopDatabase: async () => database.process?.end('SIGQUIT'),
    startDatabase: () => restart(database),
  }
}

async function restart(database: Instance): Promise<void> {
  await runDatabase(database)
}

async function mustRun(verb: string, data: string, url: string): Promise<void> {
  const { code, out, err } = await runCommand([verb, '--data', data, '--database', url])
  if (code !== 0) throw new Error(`${verb}: ${out}${err}`)
}

async function startNode(data: string, url: string, undo: (() => unknown)[]): Promise<Node> {
  const args = [command, 'serve', '--port', '0', '--data', data, '--database', url, '--issuer', issuer]
  const child = start(process.execPath, args, { env: { PATH: process.env.PATH } })
  undo.push(() => child.end('SIGKILL'))
  const [, found] = await child.says(/listening {2}\S*:(\d+)/)
  const port = Number(found)
  return {
    port,
    used: () => usedBy(child.child.pid ?? 0),
    async metric(line) {
      const { body } = await askOnce(port, '/metrics')
      const text = body.split('\n').find((one) => one.startsWith(`${line} `))
      return Number(text?.slice(line.length + 1) ?? 0)
    },
  }
}

export async function askOnce(port: number, path: string, headers: Record<string, string> = {}) {
  const line = await openLine(port)
  try {
    return await line.ask({ method: 'GET', path, headers })
  } finally {
    line.close()
  }
}

function startLoad(secret: string, undo: (() => unknown)[]): Load {
  const child = fork(join(import.meta.dirname, 'load-process.ts'))
  undo.push(() => child.kill('SIGKILL'))
  const waiting = new Map<number, PromiseWithResolvers<Outcome>>()
  child.on('message', (reply: Reply) => {
    const found = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('error' in reply) found?.reject(new Error(reply.error))
    else found?.resolve(reply.outcome)
  })
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the load ended'))
  })
  let next = 0
  return (order) => {
    const id = next++
    const asked = Promise.withResolvers<Outcome>()
    waiting.set(id, asked)
    child.send({ id, order: { ...order, secret, issuer } })
    return asked.promise
  }
}

/** Until it is so; the milliseconds that took, or infinity. */
export async function within(most: number, isSo: () => Promise<boolean>): Promise<number> {
  const began = performance.now()
  while (!(await isSo())) {
    if (performance.now() - began > most) return Number.POSITIVE_INFINITY
    await settle(5)
  }
  return performance.now() - began
}
