import { type FeedEntry, type FeedKind, feedKey } from '../feed.ts'
import type { Instant } from '../steady.ts'
import { createView, stepView, type View, type ViewEffect, type ViewEvent } from '../view.ts'

export const start = 1_800_000_000

/** A machine's two clocks, moved by hand. */
export type Clocks = {
  now(): Instant
  /** Both go on. */
  pass(seconds: number): void
  /** The machine sleeps: its monotonic clock stops. */
  suspend(seconds: number): void
  /** Somebody sets the clock on the wall. */
  setWall(bySeconds: number): void
}

export function createClocks(): Clocks {
  let mono = 5000
  let wall = start * 1000
  return {
    now: () => ({ mono, wall }),
    pass(seconds) {
      mono += seconds * 1000
      wall += seconds * 1000
    },
    suspend(seconds) {
      wall += seconds * 1000
    },
    setWall(bySeconds) {
      wall += bySeconds * 1000
    },
  }
}

export const ended = (position: number, kind: FeedKind, id: string, age = 0): FeedEntry => ({
  position,
  kind,
  key: feedKey(kind, id),
  age,
})

/** A view with its clocks; each call is one event, and answers what the view asks for. */
export type Listening = {
  view: View
  clocks: Clocks
  step(event: ViewEvent): ViewEffect[]
  open(link: number, nonce?: string): ViewEffect[]
  hello(link: number, given?: { hub?: string; at?: number; epoch?: number; head?: number }): ViewEffect[]
  snapshot(
    position: number,
    entries?: readonly FeedEntry[],
    given?: { epoch?: number; window?: number },
  ): ViewEffect[]
  revoked(entries: readonly FeedEntry[], given?: { epoch?: number; wantsAck?: boolean }): ViewEffect[]
  /** `a`: seconds of the hub's clock. */
  heartbeat(
    link: number,
    given: { head: number; a: number; hub?: string; epoch?: number; wall?: number },
  ): ViewEffect[]
}

export function listen(clocks = createClocks()): Listening {
  const view = createView(clocks.now())
  const step = (event: ViewEvent) => stepView(view, event, clocks.now())
  return {
    view,
    clocks,
    step,
    open: (link, nonce = `nonce-${link}`) => step({ kind: 'opened', link, nonce }),
    hello: (link, { hub = 'hub', at = 0, epoch = 1, head = 0 } = {}) =>
      step({ kind: 'hello', link, nonce: `nonce-${link}`, hub, at: at * 1000, epoch, head }),
    snapshot: (position, entries = [], { epoch = 1, window = 3900 } = {}) =>
      step({ kind: 'snapshot', snapshot: { epoch, position, window, entries } }),
    revoked: (entries, { epoch = 1, wantsAck = false } = {}) =>
      step({ kind: 'revoked', epoch, entries, wantsAck }),
    heartbeat: (link, { head, a, hub = 'hub', epoch = 1, wall = clocks.now().wall / 1000 }) =>
      step({ kind: 'heartbeat', link, hub, epoch, head, a: a * 1000, wall: wall * 1000 }),
  }
}

/** Connected, with a snapshot of nothing at `position`, and fresh as of now. */
export function listenFresh(position = 0, clocks = createClocks()): Listening {
  const listening = listen(clocks)
  listening.open(1)
  listening.hello(1, { head: position })
  listening.snapshot(position)
  listening.heartbeat(1, { head: position, a: 0 })
  return listening
}
