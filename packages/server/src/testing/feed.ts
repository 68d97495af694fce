import { type Checker, createChecker } from '@counterfoil/verifier'
import type { Primary } from '../db/primary.ts'
import type { Db } from '../db/schema.ts'
import { createFeed, type Feed } from '../feed/index.ts'
import type { Secrets } from '../machine.ts'
import { systemEntropy } from '../node/entropy.ts'
import { createLog } from '../node/log.ts'
import type { HandClock } from './machine.ts'
import { handPrimary } from './primary.ts'

/** The feed alone, over a database that is open: it appends, and serves once its hub is started. */
export function openFeed(given: {
  db: Db
  clock: HandClock
  secrets: Secrets
  lines?: string[]
  primary?: Primary
  checker?: Checker
}): Feed {
  const { db, clock, secrets, lines = [] } = given
  return createFeed({
    ...{ db, clock, secrets, entropy: systemEntropy },
    primary: given.primary ?? handPrimary(clock),
    checker: given.checker ?? createChecker({ now: clock.instant(), entries: 100 }),
    log: createLog({ clock, write: (line) => lines.push(line) }),
  })
}
