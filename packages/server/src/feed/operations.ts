import type { Db } from '../db/schema.ts'
import { afterCommit } from '../db/transact.ts'
import { type Ending, type ListedVerifier, logged, type Receipt, receiptOf } from './feed.ts'
import { createHubRunner, type HubNeeds, type HubRunner } from './hub-operations.ts'
import {
  acknowledge,
  append,
  countBehind,
  listVerifiers,
  prune,
  readHead,
  registerVerifier,
} from './store.ts'

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
  /** Looks for what others have written, and whether those who wait have waited enough. */
  poll(): Promise<void>
  /** Whether every server that runs on this database has read up to this position. */
  isHeard(position: number): Promise<boolean>
  prune(): Promise<void>
  readonly hub: HubRunner
}

type Waiting = {
  position: number
  asked: readonly ListedVerifier[]
  done: (receipt: Receipt) => void
}

/** Rows that nobody can ask for any more: far longer than any window, for whoever looks into an incident. */
const keptSeconds = 48 * 3600
/** A verifier that is on its way to being written down may be served a moment later. */
const graceSeconds = 3
/** A server that has not written for so long does not run any more, or trusts nothing that it holds. */
const silentSeconds = 3

export function createFeed(needs: HubNeeds): Feed {
  const { db, clock } = needs
  const hub = createHubRunner(needs)
  const waiting = new Set<Waiting>()

  async function settle(): Promise<void> {
    if (waiting.size === 0) return
    const seen = new Map((await listVerifiers(db)).map((one) => [one.id, one]))
    for (const one of waiting) {
      const receipt = receiptOf(one.position, one.asked, { seen, now: clock.now() })
      if (receipt === null) continue
      waiting.delete(one)
      one.done(receipt)
    }
  }

  return {
    hub,
    async append(tx, endings, { wantsAck = false } = {}) {
      if (endings.length === 0) return (await readHead(tx)).position
      const position = await append(tx, endings.map(logged), { at: clock.now(), wantsAck })
      afterCommit(tx, () => hub.hear(position))
      return position
    },
    async position(on) {
      return (await readHead(on)).position
    },
    async applied(position) {
      const now = clock.now()
      const asked = (await listVerifiers(db)).filter(({ lapses_at }) => lapses_at > now)
      const receipt = new Promise<Receipt>((done) => waiting.add({ position, asked, done }))
      await settle()
      return receipt
    },
    async register({ id, name, maxStale, applied }) {
      const lapsesAt = clock.now() + maxStale + graceSeconds
      return registerVerifier(db, { id, name, maxStale, applied, lapsesAt })
    },
    async acknowledge(given) {
      await acknowledge(db, given)
      await settle()
    },
    async poll() {
      await hub.poll()
      await settle()
    },
    isHeard: async (position) =>
      (await countBehind(db, { position, since: clock.now() - silentSeconds })) === 0,
    async prune() {
      const now = clock.now()
      await prune(db, { rowsBefore: now - keptSeconds, lapsedBefore: now - keptSeconds })
    },
  }
}
