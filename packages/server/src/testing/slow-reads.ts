import type { Db } from '../db/schema.ts'
import type { OpenTestDatabase } from './engines.ts'

/**
 * A database whose answers about sessions can be slow on the way back: what they say was read, and then something else
 * happens before anybody hears it.
 */
export type SlowReads = {
  open: OpenTestDatabase
  /** Runs once, between the next reading of a session and its arrival. */
  beforeArrival: (() => Promise<unknown>) | null
  /** Runs between every reading of a session and its arrival. */
  beforeEach: (() => Promise<unknown>) | null
}

export function slowReads(open: OpenTestDatabase): SlowReads {
  const slow: SlowReads = { open: openSlowly, beforeArrival: null, beforeEach: null }

  async function openSlowly(options: Parameters<OpenTestDatabase>[0]) {
    const database = await open(options)
    return { ...database, db: slowSessions(database.db) }
  }

  function slowSessions(db: Db): Db {
    return proxied(db, (name, call) => {
      if (name === 'selectFrom')
        return (...given) => (given[0] === 'session' ? delayed(call(...given)) : call(...given))
      return name === 'getExecutor' ? (...given) => executing(call(...given)) : call
    })
  }

  /** What is built once is handed to whoever executes it (db/template.ts). */
  function executing<Executor>(executor: Executor): Executor {
    if (typeof executor !== 'object' || executor === null) return executor
    return proxied(executor, (name, call) => {
      if (name !== 'executeQuery') return call
      return (...given) => (isSessionRead(given[0]) ? arriving(call(...given)) : call(...given))
    })
  }

  async function arriving<Read>(reading: Read): Promise<Awaited<Read>> {
    const read = await reading
    const once = slow.beforeArrival
    slow.beforeArrival = null
    await once?.()
    await slow.beforeEach?.()
    return read
  }

  /** Each step of a query is another object; the last one asks for the rows. */
  function delayed<Query>(query: Query): Query {
    if (typeof query !== 'object' || query === null) return query
    return proxied(query, (name, call) => {
      if (name !== 'executeTakeFirst') return (...given) => delayed(call(...given))
      return (...given) => arriving(call(...given))
    })
  }

  return slow
}

function isSessionRead(query: unknown): boolean {
  if (typeof query !== 'object' || query === null || !('sql' in query)) return false
  return /^select .* from "session" /s.test(String(query.sql))
}

type Call = (...given: readonly unknown[]) => unknown

function proxied<Target extends object>(
  target: Target,
  change: (name: string | symbol, call: Call) => Call,
): Target {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? change(name, value.bind(target)) : value
    },
  })
}
