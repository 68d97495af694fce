import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { Auth, Caller } from 'counterfoil'

/** What one request asked of Counterfoil: to check it, or to answer it as a whole. */
export type Measured = {
  what: 'check' | 'whole' | null
  microseconds: number
  /** `null` on a Node that does not tell of statements: none counted is not none sent. */
  statements: number | null
  caller: Caller | null
}

export const unmeasured = (): Measured => {
  return { what: null, microseconds: 0, statements: isTold ? 0 : null, caller: null }
}

const requests = new AsyncLocalStorage<Measured>()
const asking = new AsyncLocalStorage<Measured>()

// Node tells of every statement that SQLite runs, as it does for tracers: nothing is wrapped or patched.
let isTold = false
subscribe('sqlite.db.query', () => {
  isTold = true
  const measured = asking.getStore()
  if (measured !== undefined) measured.statements = (measured.statements ?? 0) + 1
})

/** Whatever the work asks of an `auth` that is `measuring` is written down. */
export function measured<Result>(into: Measured, work: () => Result): Result {
  return requests.run(into, work)
}

/** The same `auth`, seen at work: of each request the first thing that it is asked. */
export function measuring(auth: Auth): Auth {
  return {
    ...auth,
    check(request, options) {
      const learn = (caller: Caller | null) => {
        const into = requests.getStore()
        if (into !== undefined) into.caller ??= caller
        return caller
      }
      const found = timed('check', () => auth.check(request, options))
      return found instanceof Promise ? found.then(learn) : learn(found)
    },
    fetch: (request, remote) => timed('whole', () => auth.fetch(request, remote)),
  }
}

function timed<Result>(what: 'check' | 'whole', work: () => Result): Result {
  const into = requests.getStore()
  if (into === undefined || into.what !== null) return work()
  into.what = what
  const startedAt = performance.now()
  const stop = () => {
    into.microseconds = Math.round((performance.now() - startedAt) * 1000)
  }
  try {
    const result = asking.run(into, work)
    if (result instanceof Promise) result.then(stop, stop)
    else stop()
    return result
  } catch (refusal) {
    stop()
    throw refusal
  }
}
