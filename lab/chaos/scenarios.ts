import { checkReads, checkWrites, recover } from './checks.ts'
import { end, enter, warm } from './crowd.ts'
import { ask, copy, promote, restore, run } from './instance.ts'
import { count, hold, type Known, violate } from './ledger.ts'
import { freezeNode, killNode, type Node, thawNode } from './nodes.ts'
import { enterCrowded, fillPools } from './pools.ts'
import { settle, until } from './processes.ts'
import { look, signIn } from './requests.ts'
import { addStandby, isAccepted, type World } from './world.ts'

export type Scene = {
  world: World
  kept: readonly Known[]
  isShort: boolean
  round: number
  crowd: { pause(): Promise<void> }
}
export type Scenario = { name: string; play(scene: Scene): Promise<void> }

/** Two seconds where nothing else runs. A round takes what the machine leaves it, and a short one runs beside other tests. */
const recoverWithin = (isShort: boolean) => (isShort ? 40_000 : 30_000)
/** A node knows for certain that it is fresh for this long after the last beat, with room for a slow machine. */
const warmFor = 17_000

/** Many ends at once at one node, and in the middle of them something happens. */
async function burst(world: World, node: Node, strike: () => Promise<void>): Promise<void> {
  const { ledger, chance } = world
  const emails = [...ledger.members].filter((email) => !email.startsWith('kept'))
  const begun = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const email = chance.pick(emails)
      const answer = await signIn(ledger, chance.pick(world.nodes).origin, email)
      return answer?.status === 200 ? enter(world, email, answer) : null
    }),
  )
  const known = begun.filter((session) => session !== null)
  await Promise.all(known.map((session) => warm(world, session)))
  const enough = chance.below(known.length)
  let done = 0
  const ends = known.map((session) => end(world, session, node).then(() => done++))
  const began = performance.now()
  // Some have been acknowledged, some are committed and not told yet, some wait.
  while (done < enough && performance.now() - began < 1000) await new Promise(setImmediate)
  const before = known.filter(({ state }) => state === 'ended').length
  await strike()
  count(ledger, 'ends acknowledged in bursts before the strike', before)
  await Promise.all(ends)
  count(ledger, 'ends in bursts', known.length)
}

const kill: Scenario = {
  name: 'a node is killed in the middle of revocations',
  async play({ world, isShort }) {
    for (let time = 0; time < (isShort ? 1 : 4); time++) {
      const node = world.chance.pick(world.nodes)
      await burst(world, node, () => killNode(node))
      await settle(300)
      await world.startNode(node)
    }
    await recover(world, { scenario: this.name, within: recoverWithin(isShort) })
  },
}

const restart: Scenario = {
  name: 'PostgreSQL is killed and started again',
  async play({ world, kept, isShort }) {
    const from = performance.now()
    await burst(
      world,
      world.chance.pick(world.nodes),
      () => world.primary.process?.end('SIGKILL') ?? settle(0),
    )
    const killedAt = performance.now()
    await checkWrites(world, { kept: kept[0] ?? raise(), nodes: world.nodes })
    await settle(isShort ? 500 : 3000)
    checkReads(world, {
      from,
      to: Math.min(performance.now(), killedAt + warmFor),
      nodes: world.nodes,
      scenario: this.name,
    })
    await run(world.primary)
    await recover(world, { scenario: this.name, within: recoverWithin(isShort) })
  },
}

const failover: Scenario = {
  name: 'the standby takes over while ends are acknowledged',
  async play({ world, kept, round, isShort }) {
    const { standby, primary } = world
    if (standby === null) throw new Error('There is no standby.')
    const from = performance.now()
    const move = () => {
      for (const { wire } of world.nodes) wire.moveTo(standby.port)
    }
    if (world.isAsynchronous) await standby.process?.end('SIGKILL')
    await burst(world, world.chance.pick(world.nodes), async () => {
      // The old primary is gone, or goes on by itself: then nothing that it is asked for is ever acknowledged.
      if (round % 2 === 0) await primary.process?.end('SIGKILL')
      else {
        await promote(standby)
        await settle(300)
        move()
      }
    })
    if (round % 2 === 0) {
      await checkWrites(world, { kept: kept[0] ?? raise(), nodes: world.nodes })
      if (world.isAsynchronous) await settle(2000)
      if (world.isAsynchronous) await run(standby)
      await promote(standby)
      move()
    }
    checkReads(world, {
      from,
      to: Math.min(performance.now(), from + warmFor),
      nodes: world.nodes,
      scenario: this.name,
    })
    world.primary = standby
    world.standby = null
    await recover(world, { scenario: this.name, within: recoverWithin(isShort) })
    await primary.process?.end('SIGKILL')
    // Whatever else a short round plays, it does not need another one.
    if (!isShort) await addStandby(world)
  },
}

const cut: Scenario = {
  name: 'a node is cut off from the database',
  async play({ world, kept, isShort, round }) {
    const node = world.chance.pick(world.nodes)
    const others = world.nodes.filter((other) => other !== node)
    const from = performance.now()
    node.wire.cut(round % 2 === 0 ? 'refuse' : 'silence')
    const writes =
      round % 2 === 0 ? checkWrites(world, { kept: kept[0] ?? raise(), nodes: [node] }) : settle(0)
    await settle(isShort ? 5000 : 24_000)
    await writes
    checkReads(world, {
      from,
      to: Math.min(performance.now(), from + warmFor),
      nodes: [node],
      scenario: this.name,
    })
    checkReads(world, { from, to: performance.now(), nodes: others, scenario: this.name })
    if (!isShort) await refusesReads(world, { node, known: kept[0] ?? raise(), scenario: this.name })
    node.wire.mend()
    await recover(world, { scenario: this.name, within: recoverWithin(isShort) })
  },
}

/** Beyond the bound a node that hears nothing believes nobody. */
async function refusesReads(
  world: World,
  given: { node: Node; known: Known; scenario: string },
): Promise<void> {
  const answer = await look(world.ledger, given.node.origin, { shown: given.known.shown })
  if (answer?.status !== 503)
    violate(world.ledger, `${given.scenario}: beyond the bound a read got ${answer?.status}`)
}

const freeze: Scenario = {
  name: 'a node is frozen for longer than anything may be believed',
  async play({ world, isShort }) {
    const node = world.chance.pick(world.nodes)
    const others = world.nodes.filter((other) => other !== node)
    const from = performance.now()
    await burst(world, node, async () => freezeNodeFor(world, node, isShort ? 5500 : 22_000))
    checkReads(world, { from: from + 3000, to: performance.now(), nodes: others, scenario: this.name })
    await recover(world, { scenario: this.name, within: recoverWithin(isShort) })
  },
}

async function freezeNodeFor(world: World, node: Node, milliseconds: number): Promise<void> {
  freezeNode(node)
  await settle(milliseconds - 500)
  // What waits at its door when it comes back is what it must not answer from memory.
  const late = hold(world.ledger, 'ended').slice(-20)
  const { origin } = node
  const looks = late.map((known) => look(world.ledger, origin, { shown: known.shown, within: 10_000 }))
  await settle(500)
  thawNode(node)
  const answers = await Promise.all(looks)
  const bound = 20_000
  for (const [index, answer] of answers.entries()) {
    const known = late[index]
    if (known !== undefined && answer?.status === 200 && node.thawedAt - known.endedAt > bound)
      violate(world.ledger, `node ${node.index} accepted ${known.id} as it woke up`)
  }
  count(world.ledger, 'ended sessions shown to a node that wakes up', late.length)
}

const slow: Scenario = {
  name: 'the database is slow, and the pool is full',
  async play({ world, kept, isShort }) {
    const crowded = await enterCrowded(world)
    const from = performance.now()
    // Whoever ends something waits for this row, with a connection in hand.
    const holding = ask(
      world.primary,
      'begin',
      'select * from feed_head for update',
      'select pg_sleep(5)',
      'rollback',
    )
    await settle(300)
    const bursts = world.nodes.map((node) => burst(world, node, () => settle(0)))
    await fillPools(world, { crowded, kept: kept[0] ?? raise(), scenario: this.name })
    await Promise.all([holding, ...bursts])
    for (const { wire } of world.nodes) wire.pause()
    const more = world.nodes.map((node) => burst(world, node, () => settle(0)))
    await settle(isShort ? 2000 : 4000)
    checkReads(world, { from, to: performance.now(), nodes: world.nodes, scenario: this.name })
    for (const { wire } of world.nodes) wire.mend()
    await Promise.all(more)
    await recover(world, { scenario: this.name, within: recoverWithin(isShort) })
  },
}

const backup: Scenario = {
  name: 'an older copy of the database is put back',
  async play({ world, crowd, round, isShort }) {
    const older = await copy(world.primary, world.folder())
    await burst(world, world.chance.pick(world.nodes), () => settle(0))
    await settle(1500)
    await crowd.pause()
    const before = [
      ...hold(world.ledger, 'live'),
      ...hold(world.ledger, 'ended').slice(-60),
      ...hold(world.ledger, 'unknown'),
    ]
    for (const { process } of [world.primary, world.standby ?? world.primary]) await process?.end('SIGKILL')
    await restore(older, round % 2 === 0 ? 'same' : 'new')
    world.primary = older
    world.standby = null
    const movedAt = performance.now()
    for (const { wire } of world.nodes) wire.moveTo(older.port)
    // Nobody has acknowledged that the others ended: until they are seen to be over, nothing is promised of them.
    for (const known of before) known.state = 'ended'
    const isOver = async (known: Known) => {
      const statuses = await Promise.all(
        world.nodes.map(
          async ({ origin }) => (await look(world.ledger, origin, { shown: known.shown }))?.status,
        ),
      )
      const isOver = !(await isAccepted(world, known.shown)) && statuses.every((status) => status === 401)
      if (isOver) known.endedAt = Math.min(known.endedAt, performance.now())
      return isOver
    }
    for (const known of before)
      await until(`${known.id} is signed out after the restore`, 20_000, () => isOver(known)).catch((error) =>
        violate(world.ledger, error.message),
      )
    count(world.ledger, 'sessions ended by a restore', before.length)
    const taken = Math.round(performance.now() - movedAt)
    world.say(`    everybody (${before.length}) was signed out within ${taken} ms`)
    // Who signed up after the copy was made is not in it.
    world.ledger.members.clear()
    world.ledger.members.add('kept@example.org')
    await recover(world, { scenario: this.name, within: recoverWithin(isShort) })
  },
}

function raise(): never {
  throw new Error('Nobody was kept.')
}

export const scenarios: readonly Scenario[] = [failover, kill, restart, cut, freeze, slow]
/** Those that a short round never leaves out. */
export const always: readonly Scenario[] = [failover, kill, freeze]
export const last = backup
