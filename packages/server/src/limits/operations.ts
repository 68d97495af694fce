import { encodeBase64url } from '@counterfoil/verifier'
import type { Primary } from '../db/primary.ts'
import type { Db } from '../db/schema.ts'
import type { Clock, Secrets } from '../machine.ts'
import { refuse } from '../refusals.ts'
import { decide, type Limit, remainingAt } from './gcra.ts'
import { createCounting, dropPast, type Count as Keyed, readArrival } from './store.ts'

/** `subject`: an account id, a network, an address. */
export type Count = { limit: Limit; subject: string }

export type Limits = {
  /**
   * Counts one attempt by `subject`. Refuses with `too_many_attempts` and the seconds to wait; a refused attempt does not
   * count, so waiting that long is enough. Not inside a transaction: a rollback would forget the attempt.
   */
  take(limit: Limit, subject: string): Promise<{ remaining: number }>
  /**
   * Counts one attempt by each of several, or by none where one of them is held back: those behind it are not touched.
   * Everybody names them in one order, or two wait for each other. `remaining`: of whichever has the fewest.
   */
  takeAll(counts: readonly Count[]): Promise<{ remaining: number }>
  /** Takes counted attempts back, named in the same order: it turned out to be a right one. */
  giveBack(counts: readonly Count[]): Promise<void>
  /** Drops what counts for nothing any more. */
  prune(): Promise<void>
}

export function createLimits(given: { db: Db; primary: Primary; clock: Clock; secrets: Secrets }): Limits {
  const { db, primary, clock, secrets } = given
  // Under a key: there are few enough networks to try them all against a plain hash.
  const keyOf = (limit: Limit, subject: string) =>
    `${limit.name}:${encodeBase64url(secrets.derive('limit', limit.name, subject))}`
  const { advance, stepBack } = createCounting(primary)
  // What is given back was counted a moment ago, under the same keys.
  const known = new WeakMap<readonly Count[], readonly Keyed[]>()

  function keyed(counts: readonly Count[]): readonly Keyed[] {
    const all =
      known.get(counts) ?? counts.map(({ limit, subject }) => ({ limit, key: keyOf(limit, subject) }))
    known.set(counts, all)
    return all
  }

  async function takeAll(counts: readonly Count[]): Promise<{ remaining: number }> {
    const all = keyed(counts)
    const now = clock.now()
    const arrivals = await advance(db, all, now)
    const held = all[arrivals.length]
    if (held === undefined) {
      const left = all.map(({ limit }, at) => remainingAt({ limit, arrivalAt: arrivals[at] ?? now, now }))
      return { remaining: Math.min(...left) }
    }
    // Held back by one count, it was no attempt for the others either.
    const taken = all.slice(0, arrivals.length)
    if (taken.length > 0) await stepBack(db, taken)
    const { limit, key } = held
    const { retryAfterSeconds } = decide({ limit, arrivalAt: await readArrival(db, key), now })
    // Someone may have given an attempt back since: then the next second will do.
    return refuse('too_many_attempts', {
      retryAfterSeconds: Math.max(1, retryAfterSeconds),
      detail: limit.name,
    })
  }

  return {
    take: (limit, subject) => takeAll([{ limit, subject }]),
    takeAll,
    giveBack: (counts) => stepBack(db, keyed(counts)),
    prune: () => dropPast(db, clock.now(), primary),
  }
}
