import type { FeedEntry, FeedKind, Instant, StreamMessage } from '@counterfoil/verifier'

/** What a database says of its lives. */
export type Lives = {
  epoch: number
  /** Where each of them began. A verifier that names any other learnt from a database that is gone. */
  readonly epochs: Map<number, number>
  /** Lives up to there that this database does not know were lost once, and everybody was signed out for it. */
  overUntil: number
}

/**
 * Who serves the feed: what it read from the log, and who listens. `stepHub` changes it in place and answers what to do;
 * nothing here reads a clock, the database or a socket.
 */
export type Hub = Lives & {
  /** Names this process; its monotonic clock is never compared with another one's. */
  readonly instance: string
  /** Every row up to this position has been read. */
  head: number
  /** What is kept, in the order of positions; between one life of the database and the next there may be a gap. */
  kept: Kept[]
  /** Signing keys that were taken back: never forgotten. */
  readonly keys: Map<string, Kept>
  readonly links: Set<number>
  /** The monotonic time at which `epoch` or `head` changed last. */
  movedAt: number
  /** What somebody reached that we have not, and when we were told: the next write shows whether the database has. */
  told: (Reached & { at: number }) | null
  /** The newest write that was committed; told once everything up to its head has been read. */
  tick: { a: number; head: number } | null
}

type Kept = { position: number; kind: FeedKind; key: string; seenAt: number }

export type LogRow = { position: number; kind: FeedKind; key: string; wantsAck: boolean }

export type HubEvent =
  /** All that the log holds of the last hours, at the start and after a change of epoch. */
  | { kind: 'loaded'; epoch: number; head: number; rows: readonly LogRow[]; epochs: readonly Epoch[] }
  | { kind: 'read'; rows: readonly LogRow[] }
  /** Our own row was written and committed; `a` is the monotonic time before that was sent. */
  | { kind: 'ticked'; a: number; epoch: number; head: number }
  | { kind: 'connected'; link: number; nonce: string; after: Reached | null }
  | { kind: 'disconnected'; link: number }

/** How far somebody has come, in which life of the database. */
export type Reached = { epoch: number; position: number }
/** `isOver`: whatever was lost before it, everybody was signed out for it. */
export type Epoch = { epoch: number; start: number; isOver?: boolean }

export type HubEffect =
  | { kind: 'send'; link: number; message: StreamMessage }
  /** Read the log after `head`. */
  | { kind: 'read' }
  /** Load everything: the epoch is another one. */
  | { kind: 'load' }
  /** Somebody knows more than the database does, so an older copy of it was put back: begin another life beyond what was told, and end everyone. */
  | { kind: 'declare'; told: Reached }
  /** Positions are missing in the log. Nothing is told to be fresh any more; somebody has to look. */
  | { kind: 'gap'; after: number; found: number }

/** Longer than any verifier asks for; see `feedWindowSeconds`. */
const keptMilliseconds = 2 * 3600 * 1000

export function createHub(instance: string): Hub {
  return {
    instance,
    epoch: 0,
    head: 0,
    kept: [],
    keys: new Map(),
    epochs: new Map(),
    overUntil: 0,
    links: new Set(),
    movedAt: Number.NEGATIVE_INFINITY,
    told: null,
    tick: null,
  }
}

export function stepHub(hub: Hub, event: HubEvent, now: Instant): HubEffect[] {
  switch (event.kind) {
    case 'loaded':
      return load(hub, event, now)
    case 'read':
      return extend(hub, event.rows, now)
    case 'ticked':
      return tick(hub, event, now)
    case 'connected':
      return connect(hub, event, now)
    case 'disconnected':
      hub.links.delete(event.link)
      return []
  }
}

function load(hub: Hub, event: HubEvent & { kind: 'loaded' }, now: Instant): HubEffect[] {
  // Read before we came to where we are. If the database itself went back, the next write shows it.
  if (event.epoch < hub.epoch || (event.epoch === hub.epoch && event.head < hub.head)) return []
  const known = new Map(hub.kept.map((row) => [row.position, row]))
  const isSameLife = hub.epoch === event.epoch
  const told = { epoch: hub.epoch, position: hub.head }
  hub.epoch = event.epoch
  hub.head = event.head
  hub.movedAt = now.mono
  // A write that another life of the database took proves nothing about this one.
  if (!isSameLife) hub.tick = null
  noteLives(hub, event.epochs)
  hub.kept = []
  for (const row of event.rows) {
    // When it was committed we do not know; counted from now, it is kept too long rather than too short.
    const kept = (isSameLife ? known.get(row.position) : undefined) ?? keep(row, now)
    if (row.kind === 'key') hub.keys.set(row.key, kept)
    // What ended in the life before goes on being told: statements of that time are still believed.
    hub.kept.push(kept)
  }
  // Somebody else began this life, on a copy of the database that lacks what we had read.
  if (!isSameLife && lacks(hub, { told, known })) return [{ kind: 'declare', told }]
  // Everybody who listens sees the other epoch in the next heartbeat, and takes a snapshot.
  return heartbeat(hub, now)
}

export function noteLives(lives: Lives, epochs: readonly Epoch[]): void {
  lives.epochs.clear()
  for (const { epoch, start, isOver } of epochs) {
    lives.epochs.set(epoch, start)
    if (isOver) lives.overUntil = Math.max(lives.overUntil, epoch)
  }
}

function extend(hub: Hub, rows: readonly LogRow[], now: Instant): HubEffect[] {
  const fresh = rows.filter(({ position }) => position > hub.head)
  const first = fresh[0]
  if (first === undefined) return heartbeat(hub, now)
  for (const [index, { position }] of fresh.entries()) {
    if (position !== hub.head + 1 + index) return [{ kind: 'gap', after: hub.head + index, found: position }]
  }
  for (const row of fresh) {
    const kept = keep(row, now)
    hub.kept.push(kept)
    if (row.kind === 'key') hub.keys.set(row.key, kept)
  }
  hub.head = first.position + fresh.length - 1
  hub.movedAt = now.mono
  forget(hub, now)
  const entries = fresh.map(
    (row): FeedEntry => ({ position: row.position, kind: row.kind, key: row.key, age: 0 }),
  )
  const wantsAck = fresh.some((row) => row.wantsAck)
  const message: StreamMessage = { kind: 'revoked', epoch: hub.epoch, entries, wantsAck }
  return [...toAll(hub, message), ...heartbeat(hub, now)]
}

const keep = ({ position, kind, key }: LogRow, now: Instant): Kept => ({
  position,
  kind,
  key,
  seenAt: now.mono,
})

function forget(hub: Hub, now: Instant): void {
  const oldest = now.mono - keptMilliseconds
  const first = hub.kept.findIndex(({ seenAt }) => seenAt >= oldest)
  // Not one by one: moving a hundred thousand rows for each new one would cost more than keeping some too long.
  if (first > 1000 || (first > 0 && first > hub.kept.length / 2)) hub.kept.splice(0, first)
}

function tick(hub: Hub, event: HubEvent & { kind: 'ticked' }, now: Instant): HubEffect[] {
  const { a, epoch, head } = event
  if (epoch > hub.epoch) return [{ kind: 'load' }]
  if (epoch < hub.epoch || head < hub.head) {
    // Unless we moved while that write was under way, the database that answered is older than what we read from it.
    if (a > hub.movedAt) return [{ kind: 'declare', told: { epoch: hub.epoch, position: hub.head } }]
    if (epoch < hub.epoch) return []
  }
  const told = hub.told
  if (told !== null && a > told.at) {
    hub.told = null
    if (!isOurs(hub, told, head))
      return [{ kind: 'declare', told: { epoch: told.epoch, position: told.position } }]
  }
  hub.tick = { a, head }
  return head > hub.head ? [{ kind: 'read' }] : heartbeat(hub, now)
}

/**
 * Tells what the newest write proves, once and only when everything before it was told. The head is our own: it may be
 * past that of the write, and a verifier that has applied ours would take a lower one for an older database's.
 */
function heartbeat(hub: Hub, now: Instant): HubEffect[] {
  const { tick, instance, epoch } = hub
  if (tick === null || tick.head > hub.head) return []
  hub.tick = null
  return toAll(hub, { kind: 'heartbeat', hub: instance, epoch, head: hub.head, a: tick.a, wall: now.wall })
}

function connect(hub: Hub, event: HubEvent & { kind: 'connected' }, now: Instant): HubEffect[] {
  const { link, nonce, after } = event
  const { instance, epoch, head } = hub
  // Another hub may just have been faster. Whoever told us refuses our hello and comes back.
  if (after !== null && !isOurs(hub, after, head)) remember(hub, { ...after, at: now.mono })
  hub.links.add(link)
  const hello: StreamMessage = { kind: 'hello', hub: instance, nonce, at: now.mono, epoch, head }
  const effects: HubEffect[] = [{ kind: 'send', link, message: hello }]
  if (after === null || after.epoch !== epoch) return effects
  const missed = entriesBetween(hub, { from: after.position + 1, to: head }, now) ?? []
  if (missed.length === 0) return effects
  // Somebody may wait for one of these, and what was sent while the connection was down was never confirmed.
  return [
    ...effects,
    { kind: 'send', link, message: { kind: 'revoked', epoch, entries: missed, wantsAck: true } },
  ]
}

/** The furthest of what was told. */
function remember(hub: Hub, told: Reached & { at: number }): void {
  const known = hub.told
  const isFurther =
    known === null ||
    told.epoch > known.epoch ||
    (told.epoch === known.epoch && told.position > known.position)
  if (isFurther) hub.told = told
}

/** Whether that position was reached in a life of this very database, whose head that is. */
export function isOurs(lives: Lives, { epoch, position }: Reached, head: number): boolean {
  if (epoch === lives.epoch) return position <= head
  if (!isKnown(lives, epoch)) return false
  return position <= endOf(lives, epoch)
}

const isKnown = ({ epochs, overUntil }: Lives, epoch: number) => epochs.has(epoch) || epoch <= overUntil

/** Where the life after that one began. */
function endOf({ epochs }: Lives, epoch: number): number {
  return Math.min(...[...epochs].filter(([other]) => other > epoch).map(([, start]) => start))
}

/** Whether something that was read after the end of that life, as this database tells it, is not in it. */
function lacks(hub: Hub, given: { told: Reached; known: Map<number, Kept> }): boolean {
  const { told, known } = given
  if (told.epoch === 0 || isOurs(hub, told, hub.head)) return false
  if (!isKnown(hub, told.epoch) || told.position > hub.head) return true
  const there = new Map(hub.kept.map(({ position, key }) => [position, key]))
  const next = endOf(hub, told.epoch)
  return [...known.values()].some(({ position, key }) => position > next && there.get(position) !== key)
}

/** What lies between two positions, both included, or null where that is not kept any more. */
export function entriesBetween(
  hub: Hub,
  { from, to }: { from: number; to: number },
  now: Instant,
): FeedEntry[] | null {
  if (from > to) return []
  // Counted from the end: a life that was declared begins beyond the one before, so there may be a step in between.
  const start = hub.kept.length - 1 - (hub.head - from)
  if (to > hub.head || hub.kept[start]?.position !== from) return null
  return hub.kept.slice(start, start + to - from + 1).map((kept) => entryOf(kept, now))
}

/** Everything that ended within the window, and every signing key that was ever taken back. */
export function entriesWithin(hub: Hub, windowSeconds: number, now: Instant): FeedEntry[] {
  const oldest = now.mono - windowSeconds * 1000
  const first = hub.kept.findIndex(({ seenAt }) => seenAt >= oldest)
  const listed = first === -1 ? [] : hub.kept.slice(first)
  const positions = new Set(listed.map(({ position }) => position))
  const keys = [...hub.keys.values()].filter(({ position }) => !positions.has(position))
  return [...keys, ...listed].map((kept) => entryOf(kept, now))
}

function entryOf({ position, kind, key, seenAt }: Kept, now: Instant): FeedEntry {
  return { position, kind, key, age: Math.max(0, Math.floor((now.mono - seenAt) / 1000)) }
}

function toAll(hub: Hub, message: StreamMessage): HubEffect[] {
  return [...hub.links].map((link) => ({ kind: 'send', link, message }))
}
