import { createGate, type Gate } from '../gate.ts'
import { refusal } from '../refusals.ts'

/**
 * One account stands in the queue for hashing with a few of its passwords at once; more wait in a line of their
 * own, and beyond that are refused with `busy`. A right password does not count for any limit, so without this
 * one account could fill the queue that everybody stands in.
 */
export type Turns = { take<Result>(who: string, task: () => Promise<Result>): Promise<Result> }

type Line = { gate: Gate; inside: number }

const full = () => refusal('busy', { retryAfterSeconds: 1, detail: 'too many at once for one account' })

export function createTurns({ atOnce, longest }: { atOnce: number; longest: number }): Turns {
  const lines = new Map<string, Line>()
  return {
    async take(who, task) {
      const line = lines.get(who) ?? { gate: createGate({ atOnce, queue: longest, full }), inside: 0 }
      lines.set(who, line)
      line.inside += 1
      try {
        return await line.gate(async () => task())
      } finally {
        line.inside -= 1
        if (line.inside === 0) lines.delete(who)
      }
    },
  }
}
