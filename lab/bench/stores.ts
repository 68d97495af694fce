import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../tools/free-port.ts'
import { ask, create, run } from '../chaos/instance.ts'
import { makeFolder, removeFolder } from '../chaos/processes.ts'
import { pin, usedByFamily } from './cores.ts'
import { say } from './report.ts'

/** A PostgreSQL of our own, and a Redis where the machine has one: both beside the load, away from the servers. */
export type Stores = {
  /** A new database, by its address. */
  database(name: string): Promise<string>
  postgresPort: number
  /** Milliseconds of its processor time so far. */
  postgresUsed(): number
  /** Null where there is no redis-server. */
  redis: { url: string; port: number } | null
  close(): Promise<void>
}

export async function openStores({
  core = 1,
  withRedis = false,
}: {
  core?: number | null
  withRedis?: boolean
}): Promise<Stores> {
  const root = makeFolder('counterfoil-bench-')
  // The account that PostgreSQL runs as has to come through.
  chmodSync(root, 0o755)
  const instance = await create(join(root, 'database'))
  await run(instance)
  const pid = instance.process?.child.pid
  if (core !== null) pin(pid, core)
  const redis = withRedis ? await startRedis(core) : null
  return {
    async database(name) {
      await ask(instance, `create database ${name}`)
      return instance.url.replace(/postgres$/, name)
    },
    postgresPort: instance.port,
    postgresUsed: () => usedByFamily(pid ?? 0),
    redis,
    async close() {
      await redis?.close()
      await instance.process?.end('SIGKILL')
      removeFolder(root)
    },
  }
}

async function startRedis(core: number | null) {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const found = await Promise.race([
    ready(child),
    once(child, 'error').then(() => false),
    once(child, 'exit').then(() => false),
  ])
  if (!found) {
    say('SKIPPED: there is no redis-server on this machine (apt-get install redis-server), so what needs one')
    return null
  }
  if (core !== null) pin(child.pid, core)
  const url = `redis://127.0.0.1:${port}`
  return {
    ...{ url, port },
    async close() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function ready(child: ChildProcess): Promise<boolean> {
  for await (const text of child.stdout ?? []) if (String(text).includes('Ready to accept')) return true
  return false
}
