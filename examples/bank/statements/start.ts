import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** So long is a month here, in seconds, so that nobody has to wait for one. */
export const monthSeconds = 10

const program = fileURLToPath(new URL('./worker.ts', import.meta.url))
const counterfoil = fileURLToPath(new URL('../bin/counterfoil.js', import.meta.resolve('counterfoil')))

/**
 * The worker as an operator makes it known: it has a key of its own, and the server is told the public half and how far it
 * may ever go. The id of its client.
 */
export async function registerWorker(given: { folder: string; database: string }): Promise<string> {
  const { folder, database } = given
  const known = join(folder, 'statements-client')
  if (existsSync(known)) return readFileSync(known, 'utf8')
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const [secret, shown] = [keyFile(folder), join(folder, 'statements-public.json')]
  writeFileSync(secret, JSON.stringify(privateKey.export({ format: 'jwk' })), { mode: 0o600 })
  writeFileSync(shown, JSON.stringify(publicKey.export({ format: 'jwk' })))
  const about = ['Monthly statements', '--auth', 'private_key_jwt', '--jwks', shown]
  const args = ['clients', 'add', ...about, '--scope', 'statement.read']
  const where = ['--data', folder, '--database', database, '--json']
  const { stdout } = await promisify(execFile)(process.execPath, [counterfoil, ...args, ...where])
  const { client_id: id } = JSON.parse(stdout) as { client_id: string }
  writeFileSync(known, id)
  return id
}

export type RunningWorker = { close(): Promise<void> }

/** Starts it. What it says goes to our own output, and it ends with us. */
export function startWorker(given: {
  folder: string
  bank: string
  client: string
  queue: string
}): RunningWorker {
  const { folder, bank, client, queue } = given
  const args = ['--bank', bank, '--client', client, '--key', keyFile(folder), '--queue', queue]
  const stdio = ['ignore', 'pipe', 'inherit', 'ipc'] as const
  const child = spawn(process.execPath, [program, ...args, '--month', String(monthSeconds)], {
    stdio: [...stdio],
  })
  child.stdout?.on('data', (chunk) => process.stderr.write(`worker: ${chunk}`))
  return { close: () => ended(child) }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

const keyFile = (folder: string) => join(folder, 'statements-key.json')
