import type { Db } from '../db/schema.ts'
import { afterCommit } from '../db/transact.ts'
import { type Ending, type ListedVerifier, logged, type Receipt, receiptOf } from './feed.ts'
import { createHubRunner, type HubNeeds, type HubRunner } from './hub-operations.ts'
import { createQuestion, type Question } from './questions.ts'
import { append, prune, readHead } from './store.ts'
import {
  acknowledge,
  countBehind,
  listVerifiers,
  prove,
  registerVerifier,
  removeVerifier,
} from './verifier-store.ts'

export type Feed = {
  /**
   * Writes endings into the log as part of `tx` and returns the position of the last one. Call it once per
   * transaction and after every other lock was taken: the head row is what all revocations queue for.
   * `wantsAck`: somebody is going to wait until every verifier has applied them.
   */
  append(tx: Db, endings: readonly Ending[], given?: { wantsAck?: boolean }): Promise<number>
  /** The position that everything committed so far has reached. */
  position(db: Db): Promise<number>
  /** Waits until every verifier that could trust itself has applied this position, or cannot trust itself any more. */
  applied(position: number): Promise<Receipt>
  /** Writes down who may trust themselves, before they are served. `false`: that id is somebody else's. */
  register(given: { id: string; name: string; maxStale: number; applied: number }): Promise<boolean>
  acknowledge(given: { id: string; name: string; position: number }): Promise<void>
  /** A verifier has ended and accepts nobody any more: nobody waits for it from here on. */
  signOff(given: { id: string; name: string }): Promise<void>
  /** Begins to serve, and to hear of what other nodes write. */
  start(): Promise<void>
  /** Looks for what others have written, and whether those who wait have waited enough. */
  poll(): Promise<void>
  /** Whether every server that runs on this database has read up to this position. */
  isHeard(position: number): Promise<boolean>
  prune(): Promise<void>
  readonly ask: Question
  readonly hub: HubRunner
}

type Waiting = {
  position: number
  asked: readonly ListedVerifier[]
  done: (receipt: Receipt) => void
}

/** Rows that nobody can ask for any more: far longer than any window, for whoever looks into an incident. */
const keptSeconds = 48 * 3600

export function createFeed(needs: HubNeeds): Feed {
  const { db, clock, primary, log } = needs
  const hub = createHubRunner(needs)
  const ask = createQuestion({
    ...{ log, reached: () => hub.reached().position },
    prove: () => prove(db, { id: hub.instance, primary }),
  })
  const waiting = new Set<Waiting>()
  /** A file can be put back while nobody runs: who writes first, the command line perhaps, begins another life, as a start does. */
  let isOurLife = primary.mayBeFenced

  async function settle(): Promise<void> {
    if (waiting.size === 0) return
    const { verifiers, now } = await listVerifiers(db, primary)
    const seen = new Map(verifiers.map((one) => [one.id, one]))
    for (const one of waiting) {
      const receipt = receiptOf(one.position, one.asked, { seen, now })
      if (receipt === null) continue
      waiting.delete(one)
      one.done(receipt)
    }
  }

  async function poll(): Promise<void> {
    await hub.poll()
    await settle()
  }

  /** A hint came. What fails is tried again by the next poll, which tells of it. */
  const onHint = () => void poll().catch(() => {})

  return {
    hub,
    // A file has no other copy that could have taken over.
    ask: primary.mayBeFenced ? ask : (read) => read(),
    async start() {
      await hub.start(onHint)
      isOurLife = true
    },
    async append(tx, endings, { wantsAck = false } = {}) {
      if (endings.length === 0) return (await readHead(tx)).position
      const about = { at: clock.now(), wantsAck, primary, isOurLife }
      const position = await append(tx, endings.map(logged), about)
      afterCommit(tx, () => {
        isOurLife = true
        primary.hints?.send()
        return hub.hear(position)
      })
      return position
    },
    async position(on) {
      return (await readHead(on)).position
    },
    async applied(position) {
      const { verifiers, now } = await listVerifiers(db, primary)
      const isHere = (id: string) => id === hub.instance && hub.hasApplied(position)
      const asked = verifiers.filter(({ id, lapses_at }) => lapses_at > now && !isHere(id))
      const receipt = new Promise<Receipt>((done) => waiting.add({ position, asked, done }))
      await settle()
      return receipt
    },
    async register({ id, name, maxStale, applied }) {
      return registerVerifier(db, { id, name, maxStale, applied, primary })
    },
    async acknowledge(given) {
      await acknowledge(db, given)
      // Whoever waits may be another node's.
      primary.hints?.send()
      await settle()
    },
    async signOff(given) {
      await removeVerifier(db, given)
      primary.hints?.send()
      await settle()
    },
    poll,
    isHeard: async (position) => (await countBehind(db, position, primary)) === 0,
    async prune() {
      const now = clock.now()
      await prune(db, { rowsBefore: now - keptSeconds, lapsedBefore: now - keptSeconds })
    },
  }
}
