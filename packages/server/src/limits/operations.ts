import { encodeBase64url } from '@counterfoil/verifier'
import type { Primary } from '../db/primary.ts'
import type { Db } from '../db/schema.ts'
import type { Clock, Secrets } from '../machine.ts'
import { refuse } from '../refusals.ts'
import { decide, type Limit, remainingAt } from './gcra.ts'
import { advance, dropPast, readArrival, stepBack } from './store.ts'

export type Limits = {
  /**
   * Counts one attempt by `subject` (an account id, a network, an address). Refuses with `too_many_attempts` and the
   * seconds to wait; a refused attempt does not count, so waiting that long is enough. Not inside a transaction: a
   * rollback would forget the attempt.
   */
  take(limit: Limit, subject: string): Promise<{ remaining: number }>
  /** Takes one counted attempt back: it turned out to be a right one. */
  giveBack(limit: Limit, subject: string): Promise<void>
  /** Drops what counts for nothing any more. */
  prune(): Promise<void>
}

export function createLimits(given: { db: Db; primary: Primary; clock: Clock; secrets: Secrets }): Limits {
  const { db, primary, clock, secrets } = given
  // Under a key: there are few enough networks to try them all against a plain hash.
  const keyOf = (limit: Limit, subject: string) =>
    `${limit.name}:${encodeBase64url(secrets.derive('limit', limit.name, subject))}`

  return {
    async take(limit, subject) {
      const key = keyOf(limit, subject)
      const now = clock.now()
      const arrivalAt = await advance(db, { key, limit, now, primary })
      if (arrivalAt !== null) return { remaining: remainingAt({ limit, arrivalAt, now }) }
      const { retryAfterSeconds } = decide({ limit, arrivalAt: await readArrival(db, key), now })
      // Someone may have given an attempt back since: then the next second will do.
      return refuse('too_many_attempts', {
        retryAfterSeconds: Math.max(1, retryAfterSeconds),
        detail: limit.name,
      })
    },
    giveBack: (limit, subject) => stepBack(db, { key: keyOf(limit, subject), limit, primary }),
    prune: () => dropPast(db, clock.now()),
  }
}
