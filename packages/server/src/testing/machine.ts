import type { Machine, PasswordHasher } from '../machine.ts'
import { createLog } from '../node/log.ts'
import { createMachine } from '../node/machine.ts'
import { type HandClock, handClock } from '../test-kit/hand-clock.ts'

export { type HandClock, handClock }

/** What the real hasher was asked to do, noted on the way in. */
export type HashCall = { verb: 'hash' | 'verify'; cost: string; length: number }

export type TestMachine = Machine & {
  readonly clock: HandClock
  readonly hashCalls: HashCall[]
  readonly logLines: string[]
  /** What broke; refusals are not among it. */
  readonly errorLines: string[]
  /** Lets a test do something while a password waits to be hashed. */
  beforeHash: (() => Promise<void>) | null
}

/** The real machine, with a clock that is set by hand and a note of every hash and log line. */
export async function createTestMachine(
  given: { rootSecret?: Uint8Array; hashingQueue?: number; clock?: HandClock } = {},
): Promise<TestMachine> {
  const rootSecret = given.rootSecret ?? new Uint8Array(32).fill(7)
  const reserveSecret = async () => new Uint8Array(32).fill(8)
  const real = createMachine({ rootSecret, reserveSecret, hashingQueue: given.hashingQueue ?? 100 })
  const hashCalls: HashCall[] = []
  const logLines: string[] = []
  const errorLines: string[] = []
  const write = (line: string) => {
    logLines.push(line)
    if (JSON.parse(line).level === 'error') errorLines.push(line)
  }
  const clock = given.clock ?? handClock()
  const machine: TestMachine = {
    ...real,
    clock,
    hashCalls,
    logLines,
    errorLines,
    beforeHash: null,
    log: createLog({ clock, write }),
    hasher: noting(real.hasher, hashCalls, () => machine.beforeHash),
  }
  return machine
}

function noting(
  real: PasswordHasher,
  calls: HashCall[],
  hook: () => (() => Promise<void>) | null,
): PasswordHasher {
  return {
    nobody: real.nobody,
    isOutdated: real.isOutdated,
    load: real.load,
    async hash(password) {
      calls.push({ verb: 'hash', cost: costOf(real.nobody), length: password.length })
      const made = await real.hash(password)
      await hook()?.()
      return made
    },
    async verify(stored, password) {
      calls.push({ verb: 'verify', cost: costOf(stored), length: password.length })
      const fits = await real.verify(stored, password)
      await hook()?.()
      return fits
    },
  }
}

/** The part of a stored hash that says what it cost: algorithm, version, parameters. */
function costOf(stored: string): string {
  return stored.split('$').slice(1, 4).join('$')
}
