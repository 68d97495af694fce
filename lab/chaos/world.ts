import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createVerifier, type Verifier } from '@counterfoil/verifier'
import { run as runCommand } from 'counterfoil/house'
import { type Chance, createChance } from '../sim/chance.ts'
import { type Relay, startRelay } from '../verifier/relay.ts'
import { copy, create, follow, type Instance, run as runDatabase } from './instance.ts'
import { bounds, type Ledger, openLedger, type Shown } from './ledger.ts'
import { createNode, type Node, startNode } from './nodes.ts'
import { makeFolder, removeFolder, settle } from './processes.ts'
import { ready } from './requests.ts'

/** Two databases, three servers, one verifier, and everything between them. */
export type World = {
  ledger: Ledger
  chance: Chance
  nodes: readonly [Node, Node, Node]
  primary: Instance
  standby: Instance | null
  /** A known mistake: commits do not wait for the standby, which falls behind. */
  isAsynchronous: boolean
  verifier: Verifier
  verifierLines: string[]
  relay: Relay
  startNode(node: Node): Promise<void>
  /** A folder for another copy of the database. */
  folder(): string
  say(line: string): void
  close(): Promise<void>
}

type Given = { seed: number; say: (line: string) => void; isAsynchronous: boolean }

const policy = {
  attemptsPerAccount: 100,
  attemptIntervalSeconds: 1,
  attemptsPerNetwork: 100_000,
  signUpsPerNetwork: 100_000,
  sessionsPerAccount: 1000,
}

export async function openWorld(given: Given): Promise<World> {
  const root = makeFolder('counterfoil-chaos-')
  const undo: (() => unknown)[] = [() => removeFolder(root)]
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    return await build({ ...given, root, undo, close })
  } catch (error) {
    await close()
    throw error
  }
}

type Site = Given & {
  root: string
  undo: (() => unknown)[]
  close: () => Promise<void>
}

async function build({ seed, say, isAsynchronous, root, undo, close }: Site): Promise<World> {
  // The account that PostgreSQL runs as has to reach its folders, and ours are next to them.
  const databases = makeFolder('counterfoil-chaos-db-')
  undo.push(() => removeFolder(databases))
  chmodSync(databases, 0o755)
  let copies = 0
  const folder = () => join(databases, `copy-${++copies}`)
  const primary = await create(join(databases, 'first'))
  await runDatabase(primary)
  undo.push(() => world.primary.process?.end('SIGKILL'))
  const data = join(root, 'data')
  mkdirSync(data)
  writeFileSync(join(data, 'policy.json'), JSON.stringify(policy))
  const relay = await startRelay()
  undo.push(() => relay.close())
  await command(['init', '--data', data])
  const nodes = [0, 1, 2].map((index) => createNode(index, primary.port))
  const [a, b, c] = await Promise.all(nodes)
  if (a === undefined || b === undefined || c === undefined) throw new Error('There are three nodes.')
  const settings = { data, database: primary.url, issuer: relay.origin }
  const world: World = {
    ledger: openLedger(),
    chance: createChance(seed),
    nodes: [a, b, c],
    primary,
    standby: null,
    isAsynchronous,
    relay,
    verifier: undefined as unknown as Verifier,
    verifierLines: [],
    startNode: (node) => startNode(node, settings),
    folder,
    say,
    close,
  }
  undo.push(() => world.standby?.process?.end('SIGKILL'))
  for (const node of world.nodes) {
    undo.push(() => node.wire.close())
    undo.push(() => node.process?.end('SIGKILL'))
  }
  // On an empty database, all at once: one of them makes the tables, and one the signing keys.
  await Promise.all(world.nodes.map(world.startNode))
  undo.push(balance(world))
  const [client] = await Promise.all([addClient(data, primary.url), addStandby(world)])
  world.verifier = await createVerifier({
    issuer: relay.origin,
    audience: relay.origin,
    origin: relay.origin,
    client,
    maxStale: bounds.verifier / 1000,
    log: ({ message }) => world.verifierLines.push(`${Math.round(performance.now())} ${message}`),
  })
  undo.push(() => world.verifier.close())
  return world
}

/** Whether the verifier accepts it; it may refuse at once or later. */
export async function isAccepted({ verifier }: World, { carrier, value }: Shown): Promise<boolean> {
  try {
    const caller = await (carrier === 'token' ? verifier.verify(value) : verifier.verifyCookie(value))
    return caller !== null
  } catch {
    return false
  }
}

async function command(args: readonly string[]): Promise<string> {
  const { code, err, out } = await runCommand(args)
  if (code !== 0) throw new Error(`${args[0]}: ${out}${err}`)
  return out
}

async function addClient(data: string, database: string): Promise<{ id: string; secret: string }> {
  const out = await command(['clients', 'add', 'api', '--data', data, '--database', database])
  const id = /client_id\s+(\S+)/.exec(out)?.[1]
  const secret = /client_secret\s+(\S+)/.exec(out)?.[1]
  if (id === undefined || secret === undefined) throw new Error(`no client: ${out}`)
  return { id, secret }
}

export async function addStandby(world: World): Promise<void> {
  const standby = await copy(world.primary, world.folder())
  world.standby = standby
  await follow(standby, world.primary, world.isAsynchronous)
}

/** As a load balancer does: the address of the issuer leads to a node that says it is ready. Answers how to stop. */
function balance(world: World): () => Promise<void> {
  let isOver = false
  let index = 0
  const origin = () => world.nodes[index]?.origin ?? ''
  world.relay.moveTo(Number(new URL(origin()).port))
  async function look(): Promise<void> {
    let current = origin()
    let pointsTo = current
    while (!isOver) {
      const isSame = world.nodes[index]?.origin === current
      const isGood = isSame && (await ready(world.ledger, current))?.status === 200
      if (isGood && pointsTo !== current) {
        world.relay.moveTo(Number(new URL(current).port))
        pointsTo = current
      } else if (!isGood) {
        index = (index + 1) % world.nodes.length
        current = origin()
      }
      // Nothing is led to while it looks for another one, so it does not rest.
      await settle(isGood ? 300 : 20)
    }
  }
  const looking = look()
  return () => {
    isOver = true
    return looking
  }
}
