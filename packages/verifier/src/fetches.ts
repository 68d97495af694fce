import { type Machine, pause } from './machine.ts'
import type { FeedAddresses } from './metadata.ts'
import type { Requests } from './requests.ts'
import type { ViewEvent } from './view.ts'
import { readLog, readSnapshot } from './wire.ts'

/** What a view asks for beside the stream. One of each at a time: a heartbeat asks again for what is still missing. */
export type Fetches = {
  snapshot(): void
  log(gap: { from: number; to: number }): void
  /** Tells the server, as often as it takes, that everything up to this position is applied. */
  acknowledge(position: number): void
  /** Tells the server, once, that nobody is accepted here any more, so that it waits no longer for us; asks for nothing else. */
  leave(): Promise<void>
  /** Another connection is opened: what was asked over one that is gone may never be answered, and is not waited for. */
  anew(): void
}

const snapshotWithin = 10_000
const logWithin = 5_000
const ackWithin = 2_000
const ackAttempts = 5

export function createFetches(given: {
  machine: Machine
  requests: Requests
  addresses: FeedAddresses
  verifier: string
  window: number
  step: (event: ViewEvent) => void
}): Fetches {
  const { machine, requests, addresses, verifier, window, step } = given
  let running = { snapshot: false, log: false, ack: false }
  let ackAt = 0
  let isClosed = false

  async function snapshot(): Promise<void> {
    const mine = running
    if (mine.snapshot || isClosed) return
    mine.snapshot = true
    const address = `${addresses.snapshot}?window=${window}`
    const answer = await requests.ask({ address, milliseconds: snapshotWithin })
    const found = answer?.status === 200 ? readSnapshot(answer.text) : null
    mine.snapshot = false
    if (found !== null && !isClosed) step({ kind: 'snapshot', snapshot: found })
  }

  async function log({ from, to }: { from: number; to: number }): Promise<void> {
    const mine = running
    if (mine.log || isClosed) return
    mine.log = true
    const address = `${addresses.log}?from=${from}&to=${to}`
    const answer = await requests.ask({ address, milliseconds: logWithin })
    const found = answer?.status === 200 ? readLog(answer.text) : null
    // Before the step: it may find that more is missing.
    mine.log = false
    if (isClosed) return
    if (found !== null) step({ kind: 'revoked', ...found, wantsAck: false })
    else if (answer?.status === 410) await snapshot()
  }

  async function acknowledge(position: number): Promise<void> {
    ackAt = Math.max(ackAt, position)
    const mine = running
    if (mine.ack || isClosed) return
    mine.ack = true
    for (let attempt = 0, done = -1; attempt < ackAttempts && done < ackAt && !isClosed; ) {
      const told = ackAt
      const text = JSON.stringify({ verifier, position: told })
      const body = { type: 'application/json', text }
      const answer = await requests.ask({ address: addresses.ack, body, milliseconds: ackWithin })
      if (answer?.status === 204) done = told
      else {
        attempt++
        await pause(machine, 200)
      }
    }
    mine.ack = false
  }

  return {
    snapshot: () => void snapshot(),
    log: (gap) => void log(gap),
    acknowledge: (position) => void acknowledge(position),
    anew() {
      running = { snapshot: false, log: false, ack: false }
    },
    async leave() {
      isClosed = true
      const text = JSON.stringify({ verifier, position: ackAt, leaving: true })
      const body = { type: 'application/json', text }
      await requests.ask({ address: addresses.ack, body, milliseconds: ackWithin })
    },
  }
}
