import { AsyncLocalStorage } from 'node:async_hooks'
import type { Cause, Statements } from '../machine.ts'

const causes = new AsyncLocalStorage<Cause>()

/**
 * Requests are what is left over, so a request never enters a context of its own: one that asks the database nothing
 * pays nothing for being counted.
 */
export function createStatements(): Statements {
  const counts: Record<Cause, number> = { request: 0, feed: 0, chore: 0, start: 0, scrape: 0 }
  const cause = () => causes.getStore() ?? 'request'
  return {
    during: (cause, work) => causes.run(cause, work),
    cause,
    note() {
      counts[cause()] += 1
    },
    counts: () => counts,
  }
}
