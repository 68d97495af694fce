import type { LogLine, Machine } from '../machine.ts'

/** A machine whose time is set by hand and whose network is a function. */
export type HandMachine = Machine & {
  /** Lets so many milliseconds pass, and runs what was due meanwhile. */
  pass(milliseconds: number): Promise<void>
  /** Sets the clock on the wall, forward or back. */
  setWall(milliseconds: number): void
  readonly requests: { readonly address: string; readonly init: RequestInit }[]
  readonly lines: LogLine[]
}

/** `answer`: null for a connection that breaks. */
export function handMachine(
  answer: (address: string, init: RequestInit) => Response | null | Promise<Response | null>,
): HandMachine {
  let time = 1_000
  let ahead = 1_800_000_000_000
  let nonces = 0
  let due: { at: number; work: () => void }[] = []
  const machine: HandMachine = {
    requests: [],
    lines: [],
    now: () => ({ mono: time, wall: ahead + time }),
    nonce: () => `nonce-${++nonces}`.padEnd(22, '-'),
    chance: () => 0.5,
    after(milliseconds, work) {
      const timer = { at: time + milliseconds, work }
      due.push(timer)
      return () => {
        due = due.filter((other) => other !== timer)
      }
    },
    async fetch(address, init) {
      machine.requests.push({ address, init })
      const found = await Promise.race([answer(address, init), whenAborted(init.signal)])
      if (found === null) throw new TypeError('the connection broke')
      return found
    },
    setWall(milliseconds) {
      ahead += milliseconds
    },
    log: (line) => machine.lines.push(line),
    async pass(milliseconds) {
      const end = time + milliseconds
      for (;;) {
        await settled()
        const [next] = due.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)
        if (next === undefined) break
        time = Math.max(time, next.at)
        due = due.filter((timer) => timer !== next)
        next.work()
      }
      time = end
      await settled()
    },
  }
  return machine
}

function whenAborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new Error('aborted')))
  })
}

/** Everything that waits for nothing but other promises has happened. */
async function settled(): Promise<void> {
  for (let round = 0; round < 20; round++) await new Promise((resolve) => setImmediate(resolve))
}
