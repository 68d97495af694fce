import { end, enter, succeed } from './crowd.ts'
import { bounds, count, hold, isRenewable, type Known, type Renewable, violate } from './ledger.ts'
import type { Node } from './nodes.ts'
import { settle } from './processes.ts'
import { endSession, look, ready, refresh, signIn } from './requests.ts'
import { isAccepted, type World } from './world.ts'

const repeatMilliseconds = 25_000

/** How long until every node is ready, lets somebody in and out, and the verifier is connected again. No process is started for it. */
export async function recover(world: World, given: { scenario: string; within: number }): Promise<void> {
  const { ledger, nodes, verifier } = world
  const began = performance.now()
  const limit = AbortSignal.timeout(given.within * 2)
  const waits = [...nodes.map((node) => works(world, node)), connected()]
  async function connected(): Promise<string> {
    while (!limit.aborted) {
      const { connected, age } = verifier.status()
      if (connected && age !== null && age < 2500) return ''
      await settle(50)
    }
    const { connected, age } = verifier.status()
    const said = world.verifierLines.slice(-5).join('; ')
    return `the verifier (${connected ? 'connected' : 'not connected'}, ${age} ms old; ${said})`
  }
  const late = (await Promise.all(waits)).filter((name) => name !== '')
  const taken = performance.now() - began
  ledger.recoveries.set(given.scenario, [...(ledger.recoveries.get(given.scenario) ?? []), Math.round(taken)])
  if (late.length > 0) violate(ledger, `${given.scenario}: ${late.join(', ')} did not recover`)
  else if (taken > given.within) violate(ledger, `${given.scenario}: recovered after ${Math.round(taken)} ms`)

  async function works(world: World, node: Node): Promise<string> {
    const email = [...ledger.members][0] ?? ''
    while (!limit.aborted) {
      const isReady = (await ready(ledger, node.origin))?.status === 200
      const answer = isReady ? await signIn(ledger, node.origin, email) : null
      if (answer?.status === 200) {
        const known = enter(world, email, answer)
        await end(world, known, node)
        if (known.state === 'ended') return ''
      }
      await settle(50)
    }
    return `node ${node.index}`
  }
}

async function each<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const lanes = Array.from({ length: 9 }, async () => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await work(item)
  })
  await Promise.all(lanes)
}

/** What a node says of a session now: 200, 401, or what it goes on saying instead. */
async function verdict(world: World, node: Node, known: Known, wanted: readonly number[]): Promise<number> {
  const began = performance.now()
  for (;;) {
    const answer = await look(world.ledger, node.origin, { shown: known.shown, within: 5000 })
    const status = answer?.status ?? 0
    if (wanted.includes(status) || performance.now() - began > bounds.safe) return status
    await settle(100)
  }
}

/** Nothing that was acknowledged is lost, and all nodes are of one mind. The crowd is to be still. */
export async function checkAll(world: World, scenario: string): Promise<void> {
  const { ledger, nodes } = world
  const all = hold(ledger, 'ended')
  const older = all.filter(({ isChecked }) => isChecked)
  // What ended since the last time, and some of the others again.
  const ended = all.filter(({ isChecked }) => !isChecked)
  for (let again = Math.min(30, older.length); again > 0; again--) ended.push(world.chance.pick(older))
  for (const known of ended) known.isChecked = true
  const pairs = (list: readonly Known[]) => list.flatMap((known) => nodes.map((node) => ({ known, node })))
  await each(pairs(ended), async ({ known, node }) => {
    const status = await verdict(world, node, known, [401])
    if (status !== 401)
      violate(ledger, `${scenario}: node ${node.index} says ${status} of ${known.id}, which ended`)
  })
  await each(ended, async (known) => {
    if (!(await isAccepted(world, known.shown))) return
    if (performance.now() - known.endedAt > bounds.verifier)
      violate(ledger, `${scenario}: the verifier accepts ${known.id}, which ended`)
  })
  await each(hold(ledger, 'unknown'), (known) => agree(world, scenario, known))
  await each(pairs(hold(ledger, 'live')), async ({ known, node }) => {
    const status = await verdict(world, node, known, [200, 401])
    if (status !== 200)
      violate(ledger, `${scenario}: node ${node.index} says ${status} of ${known.id}, which lives`)
  })
  await each(
    hold(ledger, 'live')
      .filter(isRenewable)
      .filter(({ unansweredAt }) => unansweredAt !== null),
    (known) => repeatRefresh(world, scenario, known),
  )
  count(ledger, 'checks of all that was acknowledged')
}

/** Whether it ended nobody was told; but it is one or the other, and the same everywhere. */
async function agree(world: World, scenario: string, known: Known): Promise<void> {
  const began = performance.now()
  for (;;) {
    const statuses = await Promise.all(
      world.nodes.map(
        async ({ origin }) => (await look(world.ledger, origin, { shown: known.shown }))?.status,
      ),
    )
    const [first] = statuses
    if ((first === 200 || first === 401) && statuses.every((status) => status === first)) {
      known.state = first === 200 ? 'live' : 'ended'
      known.endedAt = first === 200 ? Number.POSITIVE_INFINITY : performance.now()
      count(world.ledger, first === 200 ? 'unanswered ends: not done' : 'unanswered ends: done')
      return
    }
    if (performance.now() - began > bounds.safe) {
      known.state = 'gone'
      violate(world.ledger, `${scenario}: the nodes say ${statuses.join(' ')} of ${known.id}`)
      return
    }
    await settle(100)
  }
}

async function repeatRefresh(world: World, scenario: string, known: Renewable): Promise<void> {
  const isTooLate = performance.now() - (known.unansweredAt ?? 0) > repeatMilliseconds
  // Later than that a repeat is taken for a theft, as it should be: it is not tried.
  if (isTooLate) {
    known.state = 'gone'
    return
  }
  const answer = await refresh(world.ledger, world.chance.pick(world.nodes).origin, known.refresh)
  if (answer?.status === 200) {
    count(world.ledger, 'unanswered refreshes repeated')
    succeed(world, known, new Set([String(answer.body.refresh_token)]))
  } else violate(world.ledger, `${scenario}: repeating the refresh of ${known.id} answered ${answer?.status}`)
}

/** At the end of a round: every member can sign in, what ended cannot be refreshed, and of a chain only the last link holds. */
export async function checkLastly(world: World): Promise<void> {
  const { ledger, nodes, chance } = world
  await each([...ledger.members], async (email) => {
    const answer = await signIn(ledger, chance.pick(nodes).origin, email)
    if (answer?.status !== 200) violate(ledger, `${email} signed up and now gets ${answer?.status}`)
  })
  await each(hold(ledger, 'ended').filter(isRenewable).slice(-30), async (known) => {
    const answer = await refresh(ledger, chance.pick(nodes).origin, known.refresh)
    if (answer?.status !== 400) violate(ledger, `${known.id} ended, and its refresh got ${answer?.status}`)
  })
  const chains = hold(ledger, 'live')
    .filter(isRenewable)
    .filter(({ email, unansweredAt }) => !isKept(email) && unansweredAt === null)
  await each(chains.slice(0, 12), async (known) => {
    for (let link = known.replaced.length; link < 2; link++) {
      const answer = await refresh(ledger, chance.pick(nodes).origin, known.refresh)
      if (answer?.status !== 200) violate(ledger, `refreshing ${known.id} lastly answered ${answer?.status}`)
      else succeed(world, known, new Set([String(answer.body.refresh_token)]))
    }
    const [oldest = ''] = known.replaced
    const old = await refresh(ledger, chance.pick(nodes).origin, oldest)
    const last = await refresh(ledger, chance.pick(nodes).origin, known.refresh)
    known.state = 'gone'
    count(ledger, 'stolen refresh tokens tried')
    if (old?.status !== 400 || last?.status !== 400)
      violate(
        ledger,
        `an old refresh token of ${known.id} got ${old?.status}, the last one then ${last?.status}`,
      )
  })
}

export const isKept = (email: string) => email.startsWith('kept')

/** While the database is away: whatever changes something is refused with 503, by every node that is up, and soon. */
export async function checkWrites(
  world: World,
  given: { kept: Known; nodes: readonly Node[] },
): Promise<void> {
  const { ledger } = world
  await each(given.nodes, async ({ origin, index }) => {
    const { shown, email } = given.kept
    const asked = { shown, id: 'AAAAAAAAAAAAAAAAAAAAAA', within: 30_000 }
    for (const [what, answer] of [
      ['an ending', await endSession(ledger, origin, asked)],
      ['a sign-in', await signIn(ledger, origin, email)],
    ] as const) {
      count(ledger, 'writes while the database was away')
      if (answer?.status !== 503)
        violate(ledger, `${what} at node ${index} without a database answered ${answer?.status}`)
    }
  })
}

/** Warm reads went on at these nodes from one moment to the other, as far as they were decided in it. */
export function checkReads(
  world: World,
  given: { from: number; to: number; nodes: readonly Node[]; scenario: string },
): void {
  const indexes = new Set(given.nodes.map(({ index }) => index))
  const reads = world.ledger.reads.filter(
    ({ node, sentAt, at }) => indexes.has(node) && sentAt >= given.from && at <= given.to,
  )
  count(world.ledger, 'warm reads during outages', reads.length)
  const bad = reads.filter(({ status }) => status !== 200)
  if (reads.length === 0) violate(world.ledger, `${given.scenario}: nobody read`)
  if (bad.length > 0)
    violate(
      world.ledger,
      `${given.scenario}: ${bad.length} of ${reads.length} warm reads failed, the first with ${bad[0]?.status} after ${Math.round((bad[0]?.sentAt ?? 0) - given.from)} ms`,
    )
}
