import { fileURLToPath } from 'node:url'
import { type Started, start } from './processes.ts'
import { openWire, type Wire } from './wire.ts'

const command = fileURLToPath(new URL('../bin/counterfoil.js', import.meta.resolve('counterfoil')))

/** A server as any other, with its own way to the database. */
export type Node = {
  index: number
  wire: Wire
  origin: string
  process: Started | null
  /** Whatever it decides, it decides after this: until then it was frozen. */
  thawedAt: number
  state: 'up' | 'killed' | 'frozen'
  /** What all its processes have said so far. */
  said(): string
}

export async function createNode(index: number, databasePort: number): Promise<Node> {
  const wire = await openWire(databasePort)
  const node: Node = { index, wire, origin: '', process: null, thawedAt: 0, state: 'killed', said: () => '' }
  return node
}

/** What cannot begin, since the database does not answer in time, is started again, as a supervisor does it. */
export async function startNode(node: Node, given: Site): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      return await tryToStart(node, given)
    } catch (error) {
      if (attempt === 5) throw error
    }
}

type Site = { data: string; database: string; issuer: string }

async function tryToStart(node: Node, given: Site): Promise<void> {
  const url = new URL(given.database)
  url.port = String(node.wire.port)
  const args = [command, 'serve', '--port', '0', '--data', given.data]
  const settings = ['--database', url.href, '--issuer', given.issuer]
  const process_ = start(process.execPath, [...args, ...settings], { env: { PATH: process.env.PATH } })
  const before = node.said()
  node.said = () => before + process_.output()
  node.process = process_
  const [, port] = await process_.says(/listening {2}\S*:(\d+)/)
  node.origin = `http://127.0.0.1:${port}`
  node.state = 'up'
}

export async function killNode(node: Node): Promise<void> {
  node.state = 'killed'
  await node.process?.end('SIGKILL')
}

export function freezeNode(node: Node): void {
  node.process?.signal('SIGSTOP')
  node.state = 'frozen'
}

export function thawNode(node: Node): void {
  node.thawedAt = performance.now()
  node.process?.signal('SIGCONT')
  node.state = 'up'
}
