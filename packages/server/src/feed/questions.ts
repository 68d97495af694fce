import type { Log } from '../machine.ts'
import { refuse } from '../refusals.ts'
import { oneAtATime } from './one-at-a-time.ts'

/**
 * Answers by a reading of the primary that begins after now, or refuses (`feed_stale`): never from a copy that another one
 * has replaced. `asOf`: the position that was read with it, `null` where nothing was found that could be believed.
 */
export type Question = <Found>(
  read: () => Promise<Found>,
  asOf: (found: Found) => number | null,
) => Promise<Found>

/**
 * An old primary that is fenced off goes on answering reads, and only a write shows it. So one is committed that began after
 * the question, and what is read then has to have come as far as that write saw, and as far as we had `reached` before: an
 * older copy may have been put back. Whoever asks at once shares the write.
 */
export function createQuestion(given: {
  prove: () => Promise<number>
  reached: () => number
  log: Log
}): Question {
  const { prove, reached, log } = given
  const proven = oneAtATime(prove, { failsTogether: true })
  return async (read, asOf) => {
    const known = reached()
    const head = await proven().catch((error: unknown) => {
      log.error('the store takes no writes, so what it reads is not believed', error)
      refuse('feed_stale', { retryAfterSeconds: 1, detail: 'the store takes no writes' })
    })
    const found = await read()
    const position = asOf(found)
    if (position !== null && position < Math.max(known, head))
      refuse('feed_stale', { retryAfterSeconds: 1, detail: 'an older copy of the store answered' })
    return found
  }
}
