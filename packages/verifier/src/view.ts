import { createEnds, type Ends, forget, learn } from './ends.ts'
import { type FeedEntry, skewSeconds } from './feed.ts'
import { beat, type Instant, stamp, steadyAt } from './steady.ts'

/**
 * What one verifier knows of recent ends, and how old that knowledge can be. `stepView` changes it in place and answers
 * what to do; nothing here reads a clock or sends anything.
 */
export type View = Ends & {
  /** Which life of the database the positions belong to; 0 before the first snapshot. */
  epoch: number
  /** Every end up to this position is known. */
  applied: number
  /** The instant, on the steady clock, up to which everything committed is surely known; null: never was. */
  freshAt: number | null
  /** Our wall clock and the hub's are further apart than clocks may be. */
  isSkewed: boolean
  readonly links: Map<number, Link>
  /** Ends that came before the ones they follow. */
  pending: FeedEntry[]
  /** The position that somebody waits for us to reach. */
  ackAt: number | null
}

/** One connection to one hub. Its times are never mixed with those of another. */
type Link = {
  readonly openedAt: number
  readonly nonce: string
  hello: { hub: string; at: number } | null
  /** Its newest heartbeat, which counts once everything up to its head is applied. */
  heartbeat: { head: number; a: number } | null
}

export type Snapshot = { epoch: number; position: number; window: number; entries: readonly FeedEntry[] }

export type ViewEvent =
  /** Before the request leaves, since everything is measured from then. */
  | { kind: 'opened'; link: number; nonce: string }
  | { kind: 'hello'; link: number; nonce: string; hub: string; at: number; epoch: number; head: number }
  | { kind: 'snapshot'; snapshot: Snapshot }
  /** `wantsAck`: somebody waits until every verifier has applied these. */
  | { kind: 'revoked'; epoch: number; entries: readonly FeedEntry[]; wantsAck: boolean }
  | { kind: 'heartbeat'; link: number; hub: string; epoch: number; head: number; a: number; wall: number }
  | { kind: 'closed'; link: number }
  | { kind: 'tick' }

export type ViewEffect =
  /** Fetch the whole of it. */
  | { kind: 'snapshot' }
  /** Fetch what lies between. */
  | { kind: 'log'; from: number; to: number }
  /** Tell a hub that everything up to this position is applied. */
  | { kind: 'ack'; position: number }
  /** This connection cannot be believed: open another one, and say which position was reached. */
  | { kind: 'reconnect'; link: number; why: 'epoch_lower' | 'head_lower' | 'hub_changed' | 'nonce_wrong' }
  /**
   * The clock was wrong and is right again, or ends are kept for a shorter time than statements were believed for:
   * forget everything, cached statements too, and begin anew.
   */
  | { kind: 'restart' }

export function createView(now: Instant): View {
  return {
    ...createEnds(now),
    epoch: 0,
    applied: 0,
    freshAt: null,
    isSkewed: false,
    links: new Map(),
    pending: [],
    ackAt: null,
  }
}

export function stepView(view: View, event: ViewEvent, now: Instant): ViewEffect[] {
  switch (event.kind) {
    case 'opened':
      view.links.set(event.link, {
        openedAt: stamp(view.steady, now),
        nonce: event.nonce,
        hello: null,
        heartbeat: null,
      })
      return []
    case 'closed':
      view.links.delete(event.link)
      return []
    case 'hello':
      return hello(view, event)
    case 'snapshot':
      return applySnapshot(view, event.snapshot, now)
    case 'revoked':
      return applyEntries(view, event, now)
    case 'heartbeat':
      return heartbeat(view, event, now)
    case 'tick':
      beat(view.steady, now)
      forget(view, now)
      return []
  }
}

/** Milliseconds: everything that was committed longer ago than this is known. Infinite where that is not so. */
export function ageOf(view: View, now: Instant): number {
  if (view.freshAt === null || view.isSkewed) return Number.POSITIVE_INFINITY
  return steadyAt(view.steady, now) - view.freshAt
}

function hello(view: View, event: ViewEvent & { kind: 'hello' }): ViewEffect[] {
  const link = view.links.get(event.link)
  if (link === undefined || link.hello !== null) return []
  // Something between us kept an answer to somebody else, or to an earlier request.
  const why = event.nonce === link.nonce ? contradiction(view, event) : 'nonce_wrong'
  if (why !== null) return [{ kind: 'reconnect', link: event.link, why }]
  link.hello = { hub: event.hub, at: event.at }
  return event.epoch > view.epoch ? [{ kind: 'snapshot' }] : []
}

/** A hub that knows less than we do serves an older database than the one we learnt from. */
function contradiction(
  view: View,
  { epoch, head }: { epoch: number; head: number },
): 'epoch_lower' | 'head_lower' | null {
  if (epoch < view.epoch) return 'epoch_lower'
  return head < view.applied ? 'head_lower' : null
}

function applySnapshot(view: View, snapshot: Snapshot, now: Instant): ViewEffect[] {
  if (snapshot.epoch < view.epoch || snapshot.window <= 0) return []
  // An older answer than the one we have: what is in it is known, and "positions never go back".
  if (snapshot.position < view.applied) return []
  if (snapshot.window < view.window) return [{ kind: 'restart' }]
  // The window only counts once it is whole; a higher epoch begins with a union of both lives.
  view.window = snapshot.window
  learn(view, snapshot.entries, now)
  // What waits from another life holds places in that one's order.
  if (snapshot.epoch > view.epoch) view.pending = []
  view.epoch = snapshot.epoch
  view.applied = snapshot.position
  return catchUp(view, now)
}

function applyEntries(view: View, event: ViewEvent & { kind: 'revoked' }, now: Instant): ViewEffect[] {
  if (event.epoch < view.epoch) return []
  if (event.wantsAck) {
    view.ackAt = event.entries.reduce((last, { position }) => Math.max(last, position), view.ackAt ?? 0)
  }
  // Of a life of the database whose snapshot is still on its way: that one will hold them.
  if (event.epoch > view.epoch) return [{ kind: 'snapshot' }]
  const fresh = event.entries.filter(({ position }) => position > view.applied)
  if (fresh.length === 0) return acknowledge(view)
  // Known at once, counted once nothing is missing before them: ends are a set, and only a loss matters.
  learn(view, fresh, now)
  view.pending = view.pending.concat(fresh)
  return catchUp(view, now)
}

/** Advances over everything that follows without a gap; asks for what is missing. */
function catchUp(view: View, now: Instant): ViewEffect[] {
  const waiting = view.pending.filter(({ position }) => position > view.applied)
  waiting.sort((one, other) => one.position - other.position)
  let used = 0
  for (const { position } of waiting) {
    if (position > view.applied + 1) break
    view.applied = Math.max(view.applied, position)
    used++
  }
  view.pending = waiting.slice(used)
  for (const link of view.links.values()) countHeartbeat(view, link, now)
  beat(view.steady, now)
  return view.pending.length === 0 ? acknowledge(view) : [...acknowledge(view), missing(view, 0)]
}

/** The log before the first end that waits, or else up to `head`. */
function missing({ applied, pending }: View, head: number): ViewEffect {
  const next = pending[0]
  return { kind: 'log', from: applied + 1, to: next === undefined ? head : next.position - 1 }
}

function acknowledge(view: View): ViewEffect[] {
  if (view.ackAt === null || view.ackAt > view.applied) return []
  view.ackAt = null
  return [{ kind: 'ack', position: view.applied }]
}

function heartbeat(view: View, event: ViewEvent & { kind: 'heartbeat' }, now: Instant): ViewEffect[] {
  const { link: id, hub, epoch, head, a, wall } = event
  beat(view.steady, now)
  forget(view, now)
  const link = view.links.get(id)
  if (!link?.hello) return []
  if (link.hello.hub !== hub) return [{ kind: 'reconnect', link: id, why: 'hub_changed' }]
  const why = contradiction(view, { epoch, head })
  if (why !== null) return [{ kind: 'reconnect', link: id, why }]
  if (epoch > view.epoch) return [{ kind: 'snapshot' }]
  if (isApart(now.wall, wall)) view.isSkewed = true
  // Ours once ran ahead and was set right: what it made us forget is gone, so nothing we hold can be kept.
  else if (isApart(view.steady.wall, wall)) return [{ kind: 'restart' }]
  else view.isSkewed = false
  link.heartbeat = { head, a }
  countHeartbeat(view, link, now)
  // Asked again with each heartbeat, since an answer may have been lost.
  return head > view.applied ? [missing(view, head)] : []
}

const isApart = (one: number, other: number) => Math.abs(one - other) > skewSeconds * 1000

/**
 * At `a` on its clock the hub had not yet sent the write that told it of `head`, and at `hello.at` it answered a request
 * that we had sent before. So whatever was committed before `openedAt + a - hello.at` on our clock is at `head` or before.
 */
function countHeartbeat(view: View, { openedAt, hello, heartbeat }: Link, now: Instant): void {
  if (hello === null || heartbeat === null || heartbeat.head > view.applied) return
  // A write that was under way at the hello says nothing: had the hub been suspended meanwhile, its clock would hide it.
  if (heartbeat.a < hello.at) return
  // Nothing that is known is from the future, whatever a hub's clock says.
  const freshAt = Math.min(openedAt + heartbeat.a - hello.at, steadyAt(view.steady, now))
  if (view.freshAt === null || freshAt > view.freshAt) view.freshAt = freshAt
}
