import type { Db } from '../db/schema.ts'
import type { Clock, Secrets } from '../machine.ts'
import { type Ending, feedKey } from './feed.ts'
import { append, readHead } from './store.ts'

export type Feed = {
  /**
   * Writes endings into the log as part of `tx` and returns the position of the last one. Call it once per
   * transaction and after every other lock was taken: the head row is what all revocations queue for.
   */
  append(tx: Db, endings: readonly Ending[]): Promise<number>
  /** The position that everything committed so far has reached. */
  position(db: Db): Promise<number>
}

export function createFeed({ clock, secrets }: { clock: Clock; secrets: Secrets }): Feed {
  return {
    async append(tx, endings) {
      if (endings.length === 0) return (await readHead(tx)).position
      const entries = endings.map((ending) => ({
        kind: ending.kind,
        key: feedKey(secrets, ending),
        endsEveryone: ending.kind === 'everyone',
      }))
      return append(tx, entries, clock.now())
    },
    async position(db) {
      return (await readHead(db)).position
    },
  }
}
