import { type Cache, createCache } from '@counterfoil/verifier'
import type { Primary } from '../db/primary.ts'
import type { Db } from '../db/schema.ts'
import { afterCommit, transact } from '../db/transact.ts'
import { isUnavailable } from '../db/unavailable.ts'
import type { Events, NewEvent } from '../events.ts'
import type { Ending, Feed } from '../feed/index.ts'
import { createGathering } from '../gathering.ts'
import type { Watch } from '../machine.ts'
import { refusal } from '../refusals.ts'
import * as store from './store.ts'

/** An end that is asked for: of one session, by its account. */
export type AskedEnd = {
  id: string
  accountId: string
  reason: string
  /** Somebody waits until every verifier knows. */
  wantsAck: boolean
  /** Its refresh token was misused, which is an event of its own, also where the session had ended before. */
  misuse: Misuse | null
}
export type Misuse = { kind: 'refresh_reused' | 'refresh_repeats_exhausted'; network: string | null }

export type Ends = {
  /** The position that tells it. Those that come while others are being committed share a commit. */
  end(asked: AskedEnd): Promise<number>
  /** In a transaction of its own; `accountId: null`: whosever it is. `false` where it had ended before. */
  endAlone(asked: AskedAlone): Promise<{ isEnded: boolean; position: number }>
  /** As part of `tx`, which has to append what is returned. `null` where the session had ended already. */
  endWithin(tx: Db, given: { id: string; accountId: string | null; reason: string }): Promise<Ending | null>
}

type AskedAlone = Omit<AskedEnd, 'accountId'> & { accountId: string | null }
type Needs = { db: Db; clock: Watch; feed: Feed; events: Events; primary: Primary }

const toldAgainEntries = 10_000
/** More would wait for each other at the head of the feed, and each of them be smaller. */
const groupsAtOnce = 1
/** Far from what the two seconds of a transaction would allow. */
const mostInGroup = 200
/** Some two seconds' worth. */
const longestQueue = 2000
/** A commit that takes so long is one of a database that is not there. */
const patienceMilliseconds = 3000

export function createEnds({ db, clock, feed, events, primary }: Needs): Ends {
  const toldAgain: Cache<number> = createCache(toldAgainEntries)
  const gathering = createGathering<AskedEnd, number>({
    ...{ atOnce: groupsAtOnce, most: mostInGroup, queue: longestQueue, patience: patienceMilliseconds },
    full: () => refusal('busy', { retryAfterSeconds: 1, detail: 'too many sessions are being ended' }),
    late: () => refusal('store_unavailable', { retryAfterSeconds: 1, detail: 'a commit is overdue' }),
    now: () => clock.instant().mono,
    keyOf: (asked) => JSON.stringify(asked),
    together: endTogether,
    alone: async (asked) => (await endAlone(asked)).position,
    isForAll: isUnavailable,
  })

  /** One transaction for all. `null` for whom it did not end: ended before, held by somebody, or asked for twice. */
  async function endTogether(asked: readonly AskedEnd[]): Promise<(number | null)[]> {
    const first = new Map<string, AskedEnd>()
    for (const one of asked) if (!first.has(one.id)) first.set(one.id, one)
    const positions = await transact(db, async (tx) => {
      const ids = await store.endFree(tx, { asked: [...first.values()], at: clock.now(), primary })
      const ended = ids.flatMap((id) => first.get(id) ?? [])
      if (ended.length === 0) return new Map<AskedEnd, number>()
      await events.record(tx, ...ended.flatMap(eventsOf))
      const wantsAck = ended.some((one) => one.wantsAck)
      const last = await feed.append(tx, ended.map(endingOf), { wantsAck })
      return new Map(ended.map((one, index) => [one, last - ended.length + 1 + index]))
    })
    return asked.map((one) => positions.get(one) ?? null)
  }

  async function endWithin(
    tx: Db,
    given: { id: string; accountId: string | null; reason: string },
  ): Promise<Ending | null> {
    const ended = await store.end(tx, { ...given, at: clock.now() })
    if (ended === undefined) return null
    await events.record(tx, endedEvent({ ...given, accountId: ended.account_id }))
    return endingOf(ended)
  }

  async function endAlone(asked: AskedAlone): Promise<{ isEnded: boolean; position: number }> {
    const { id, wantsAck } = asked
    return transact(db, async (tx) => {
      if (asked.misuse !== null) await events.record(tx, misuseEvent(asked, asked.misuse))
      const ending = await endWithin(tx, asked)
      if (ending === null && wantsAck) return { isEnded: false, position: await tellAgain(tx, id) }
      const position = await feed.append(tx, ending === null ? [] : [ending], { wantsAck })
      return { isEnded: ending !== null, position }
    })
  }

  /**
   * Somebody waits for an end that was told before, perhaps without asking to have it confirmed. Once for each, or
   * whoever asks in a loop would fill the log.
   */
  async function tellAgain(tx: Db, id: string): Promise<number> {
    const position = toldAgain.get(id) ?? (await feed.append(tx, [endingOf({ id })], { wantsAck: true }))
    afterCommit(tx, async () => toldAgain.set(id, position))
    return position
  }

  return { end: gathering.add, endAlone, endWithin }
}

function endingOf({ id }: { id: string }): Ending {
  return { kind: 'session', id }
}

function eventsOf(asked: AskedEnd): NewEvent[] {
  const ended = endedEvent(asked)
  return asked.misuse === null ? [ended] : [misuseEvent(asked, asked.misuse), ended]
}

function endedEvent({ id, accountId, reason }: Pick<AskedEnd, 'id' | 'accountId' | 'reason'>): NewEvent {
  return { kind: 'session_ended', outcome: 'done', accountId, sessionId: id, detail: reason }
}

function misuseEvent({ id, accountId }: Pick<AskedAlone, 'id' | 'accountId'>, misuse: Misuse): NewEvent {
  return { ...misuse, outcome: 'refused', accountId, sessionId: id }
}
