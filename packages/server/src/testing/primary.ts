import { sql } from 'kysely'
import type { Primary } from '../db/primary.ts'
import type { HandClock } from './machine.ts'

/** A database whose clock is set by hand too, and whose hints are heard only where a test is about them. */
export function handPrimary(clock: HandClock, real?: Primary): Primary {
  return {
    identity: sql<string>`''`,
    briefly: sql`null`,
    undurably: sql`null`,
    nestsWrites: false,
    holdFreeSessions: sql``,
    holdFree: sql``,
    mayBeFenced: false,
    ...real,
    wall: () => sql<number>`cast(${clock.instant().wall} as bigint)`,
    hints: real?.hints ?? null,
  }
}
