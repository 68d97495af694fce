import type { RawBuilder } from 'kysely'

/** What the database itself can say and do beyond the SQL that both engines share. */
export type Primary = {
  /** Which copy of which database this is; empty where the engine cannot tell. */
  readonly identity: RawBuilder<string>
  /** For whoever holds the feed's head row: from here on its transaction ends soon, or is ended. Its value says nothing. */
  readonly briefly: RawBuilder<unknown>
  /** For a statement outside of transactions: its commit does not wait for the disk. Its value says nothing. */
  readonly undurably: RawBuilder<unknown>
  /** Whether a statement may hold others that write (`with x as (update …)`). */
  readonly nestsWrites: boolean
  /** Ends a select within a change: its sessions are held until the commit, but for those that somebody else holds: they are left out. */
  readonly holdFreeSessions: RawBuilder<unknown>
  /** The same for a select from one table. */
  readonly holdFree: RawBuilder<unknown>
  /** Whether another copy may have taken over while this one still answers reads. */
  readonly mayBeFenced: boolean
  /** Milliseconds since 1970, by the database's own clock. */
  wall(): RawBuilder<number>
  /** `null` where every process that writes can be heard of by looking. */
  readonly hints: Hints | null
}

/** Word that something may have been committed. It can be lost, repeated or late: whoever needs to know looks as well. */
export type Hints = {
  /** Never throws and never waits. Many at once are one. */
  send(): void
  /** Calls `onHint` when others have sent one, and when some may have been missed. Answers how to stop. */
  listen(onHint: () => void): () => void
}
