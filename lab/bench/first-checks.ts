import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Client } from '@counterfoil/verifier'
import type { Turns } from './rounds.ts'

/** What the process needs in order to begin. */
export type Stage = {
  readonly origin: string
  readonly issuer: string
  readonly client: Client
  readonly member: string
  readonly jwk: object
  readonly tokens: readonly string[]
  readonly warm: { readonly milliseconds: number; readonly slotMilliseconds: number }
}

export type Order =
  | { readonly kind: 'prepare'; readonly stage: Stage }
  | ({ readonly kind: 'round' } & Turns)
  | { readonly kind: 'close' }

type Reply = { rates: [string, number][] } | { error: string }

/** The checks that have to look at a signature, each a candidate of `candidates.ts`. */
export type FirstChecks = {
  prepare(stage: Stage): Promise<void>
  /** Operations in a second of processor time, by candidate. */
  round(given: Turns): Promise<ReadonlyMap<string, number>>
  close(): Promise<void>
}

export function startFirstChecks(): FirstChecks {
  const child = fork(join(import.meta.dirname, 'first-checks-process.ts'))
  async function ask(order: Order): Promise<ReadonlyMap<string, number>> {
    child.send(order)
    const answered = new AbortController()
    const { signal } = answered
    const gone = once(child, 'exit', { signal }).then(() => [{ error: 'the process is gone' }])
    const [reply] = (await Promise.race([once(child, 'message', { signal }), gone])) as [Reply]
    // Whoever listens on would be one more with each round.
    answered.abort()
    if ('error' in reply) throw new Error(`first checks: ${reply.error}`)
    return new Map(reply.rates)
  }
  return {
    prepare: async (stage) => void (await ask({ kind: 'prepare', stage })),
    round: (given) => ask({ kind: 'round', ...given }),
    async close() {
      if (child.exitCode !== null) return
      const gone = once(child, 'exit')
      await ask({ kind: 'close' })
      child.disconnect()
      await gone
    },
  }
}
