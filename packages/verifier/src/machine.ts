import { encodeBase64url } from './base64url.ts'
import type { Instant } from './steady.ts'

export type LogLine = { readonly level: 'info' | 'warn' | 'error'; readonly message: string }

/** All that a verifier asks of the machine it runs on: time, chance, timers, the network, and a place for its log. */
export type Machine = {
  now(): Instant
  /** Names something once and for all: 16 random bytes as base64url. */
  nonce(): string
  /** From 0 up to 1, so that a thousand verifiers do not all come back in the same instant. */
  chance(): number
  /** Runs `work` once, later, unless what it answers is called before. */
  after(milliseconds: number, work: () => void): () => void
  fetch(address: string, init: RequestInit): Promise<Response>
  log(line: LogLine): void
}

// As a global it would be looked up through a getter each time.
const stopwatch = performance

/** The one file that reads time, draws randomness, sets timers and opens connections. */
export function createMachine(log: ((line: LogLine) => void) | undefined): Machine {
  return {
    now: () => ({ mono: stopwatch.now(), wall: Date.now() }),
    nonce: () => encodeBase64url(crypto.getRandomValues(new Uint8Array(16))),
    chance: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
    after(milliseconds, work) {
      const timer = setTimeout(work, milliseconds)
      return () => clearTimeout(timer)
    },
    fetch: (address, init) => fetch(address, init),
    log: log ?? logToConsole,
  }
}

function logToConsole({ level, message }: LogLine): void {
  if (level !== 'info') console[level](`counterfoil verifier: ${message}`)
}

/** How long to wait before another attempt: longer each time, at most 1.5 s, and never the same for everybody. */
export function backoff({ chance }: Machine, failures: number): number {
  return Math.min(1500, 100 * 2 ** failures) * (0.5 + 0.5 * chance())
}

export function pause(machine: Machine, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    machine.after(milliseconds, resolve)
  })
}
