import { accepted, bounds, count, hold, type Known } from './ledger.ts'
import type { Node } from './nodes.ts'
import { settle } from './processes.ts'
import { endSession, look } from './requests.ts'
import { isAccepted, type World } from './world.ts'

const nobody = 'AAAAAAAAAAAAAAAAAAAAAA'

/**
 * Shows sessions that are over to everybody, all the time, and reads sessions that are to stay. `pace`: how many times the
 * usual pause lies between two looks. Answers how to stop.
 */
export function startWatch(
  world: World,
  { kept, pace }: { kept: readonly Known[]; pace: number },
): () => Promise<void> {
  const { ledger } = world
  let isOver = false

  async function repeat(act: () => Promise<void>, pause: number): Promise<void> {
    while (!isOver) {
      await act()
      await settle(pause * pace)
    }
  }

  /** Those that ended of late: later than the bound nobody may accept them, and until then it is measured. */
  function some(number: number): Known[] {
    const late = hold(ledger, 'ended').filter(({ endedAt }) => performance.now() - endedAt < 40_000)
    return Array.from({ length: Math.min(number, late.length) }, () => world.chance.pick(late))
  }

  async function showTo(node: Node, known: Known): Promise<void> {
    const { origin } = node
    const changing = { shown: known.shown, id: nobody, within: 4000 }
    const [read, change] = await Promise.all([
      look(ledger, origin, { shown: known.shown, within: 4000 }),
      endSession(ledger, origin, changing),
    ])
    count(ledger, 'ended sessions shown', 2)
    const decided = (sentAt: number) => (node.origin === origin ? Math.max(sentAt, node.thawedAt) : sentAt)
    if (read?.status === 200) {
      const decidedAt = Math.min(decided(read.sentAt), read.at)
      accepted(ledger, { place: 'a read at a node', known, decidedAt, bound: bounds.safe })
    }
    if (change !== null && [204, 404].includes(change.status)) {
      const decidedAt = Math.min(decided(change.sentAt), change.at)
      accepted(ledger, { place: 'a change at a node', known, decidedAt, bound: bounds.changing })
    }
  }

  async function showToVerifier(known: Known): Promise<void> {
    const sentAt = performance.now()
    count(ledger, 'ended sessions shown')
    if (await isAccepted(world, known.shown))
      accepted(ledger, { place: 'the verifier', known, decidedAt: sentAt, bound: bounds.verifier })
  }

  async function readKept(node: Node): Promise<void> {
    const known = world.chance.pick(kept)
    const answer = await look(ledger, node.origin, { shown: known.shown, within: 2000 })
    if (answer !== null) ledger.reads.push({ node: node.index, status: answer.status, ...timesOf(answer) })
  }

  const loops = world.nodes.flatMap((node) => [
    repeat(async () => void (await Promise.all(some(2).map((known) => showTo(node, known)))), 120),
    repeat(() => readKept(node), 150),
  ])
  loops.push(repeat(async () => void (await Promise.all(some(4).map(showToVerifier))), 60))
  return async () => {
    isOver = true
    await Promise.all(loops)
  }
}

const timesOf = ({ sentAt, at }: { sentAt: number; at: number }) => ({ sentAt, at })
