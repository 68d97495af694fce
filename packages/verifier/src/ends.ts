import { everyoneKey, type FeedEntry, keysKey, printOf } from './feed.ts'
import { type Instant, type Steady, startSteady, wallSeconds } from './steady.ts'

/** The ends of the last while, and how long each of them has to be kept. Changed in place. */
export type Ends = {
  readonly steady: Steady
  /** How far back ends are known, in seconds: no statement is believed for longer. 0 before the first snapshot. */
  window: number
  /** Ends by key. */
  readonly ends: Map<string, Mark>
  /** Changes by account key: they ask for another read and end nothing. */
  readonly changes: Map<string, Mark>
  /** By the 30 bits that keys begin with: how many do, and the version at which one of them was learnt last. */
  readonly prints: Map<number, { keys: number; learntAt: number }>
  /** Grows whenever something is learnt. */
  version: number
  /** The version at which something that concerns many was learnt last: a client, everyone, a signing key. */
  broad: number
  /** The latest position at which the issuer's signing keys became others; 0: none that is known. */
  keysAt: number
  /** When the next round of forgetting begins, and what is left of the one under way. */
  pruneAt: number
  round: Iterator<Kept> | null
}

type Kept = readonly [marks: Map<string, Mark>, key: string, mark: Mark]

/**
 * `forgetAt` is by the wall clock that ends statements, `keptUntil` by the monotonic one: a wall clock that was behind
 * and is set right must not make us forget what has just come.
 */
type Mark = { position: number; forgetAt: number; keptUntil: number }

/** Of a view that has learnt nothing. */
const firstVersion = 1

export function createEnds(now: Instant): Ends {
  return {
    steady: startSteady(now),
    window: 0,
    ends: new Map(),
    changes: new Map(),
    prints: new Map(),
    version: firstVersion,
    broad: firstVersion,
    keysAt: 0,
    pruneAt: 0,
    round: null,
  }
}

export function learn(kept: Ends, entries: readonly FeedEntry[], now: Instant): void {
  if (entries.length === 0) return
  kept.version += 1
  for (const entry of entries) mark(kept, entry, now)
  const isBroad = entries.some(({ kind }) => kind === 'client' || kind === 'everyone' || kind === 'key')
  if (isBroad) kept.broad = kept.version
  for (const { position, kind, key } of entries)
    if (kind === 'key' || (kind === 'changed' && key === keysKey))
      kept.keysAt = Math.max(kept.keysAt, position)
}

function mark(kept: Ends, { position, kind, key, age }: FeedEntry, now: Instant): void {
  const marks = kind === 'changed' ? kept.changes : kept.ends
  // A stolen key can sign any position and any time, so its end is never forgotten.
  const seconds = kind === 'key' ? Number.POSITIVE_INFINITY : 1 + Math.max(0, kept.window - age)
  const forgetAt = wallSeconds(kept.steady, now) + seconds
  const keptUntil = now.mono + seconds * 1000
  const known = marks.get(key)
  const print = printOf(key)
  const { keys, learntAt } = kept.prints.get(print) ?? { keys: 0, learntAt: 0 }
  if (known === undefined) {
    marks.set(key, { position, forgetAt, keptUntil })
    kept.prints.set(print, { keys: keys + 1, learntAt: kept.version })
  } else {
    const isNews = position > known.position
    kept.prints.set(print, { keys, learntAt: isNews ? kept.version : learntAt })
    known.position = Math.max(known.position, position)
    known.forgetAt = Math.max(known.forgetAt, forgetAt)
    known.keptUntil = Math.max(known.keptUntil, keptUntil)
  }
}

/** As many as are looked at in a millisecond, and no round takes more than this many calls. */
const [fewestAtOnce, callsInRound] = [5000, 60]

/**
 * Forgets what has been kept for long enough, a part of all at a time: two million looked at in one go would keep
 * everybody waiting. Each is looked at once in 70 calls or more often, and one that is kept for longer is only room.
 */
export function forget(kept: Ends, now: Instant): void {
  const seconds = wallSeconds(kept.steady, now)
  if (kept.round === null && seconds < kept.pruneAt) return
  kept.round ??= everyMark(kept)
  const most = Math.max(fewestAtOnce, (kept.ends.size + kept.changes.size) / callsInRound)
  for (let looked = 0; looked < most; looked++) {
    const { done, value } = kept.round.next()
    if (done === true) {
      kept.round = null
      kept.pruneAt = seconds + 10
      return
    }
    const [marks, key, { forgetAt, keptUntil }] = value
    if (seconds < forgetAt || now.mono < keptUntil) continue
    marks.delete(key)
    forgetPrint(kept, printOf(key))
  }
}

/** Whatever is added meanwhile comes last, and what is removed is passed over: Map promises both. */
function* everyMark({ ends, changes }: Ends): Generator<Kept, undefined> {
  for (const marks of [ends, changes]) for (const [key, mark] of marks) yield [marks, key, mark]
}

function forgetPrint({ prints }: Ends, print: number): void {
  const { keys, learntAt } = prints.get(print) ?? { keys: 1, learntAt: 0 }
  if (keys === 1) prints.delete(print)
  else prints.set(print, { keys: keys - 1, learntAt })
}

/** All that can end one statement, as keys of the feed. Absent ones are null. */
export type StatementKeys = {
  readonly session: string | null
  readonly cookie: string | null
  readonly grant: string | null
  readonly account: string
  readonly client: string
  /** Of the other clients that a delegated token came through; empty for nearly all. */
  readonly actors: readonly string[]
  /** The signing key's; null where nothing was signed. */
  readonly key: string | null
}

/**
 * Whether a grant that is known to be over is what ended a statement: its own end, or that of the session which it was to
 * end with. Otherwise the grant may go on, and another token of it be good.
 */
export function isGrantOver({ ends }: Ends, { grant, session }: StatementKeys): boolean {
  return grant !== null && (ends.has(grant) || (session !== null && ends.has(session)))
}

/**
 * Whether a statement that was read at position `asOf` has been ended since: the "or" over all that could have ended it.
 * `dead`: for good. `outdated`: it may live, but another read has to say so.
 */
export function judge(kept: Ends, keys: StatementKeys, asOf: number): 'live' | 'outdated' | 'dead' {
  if (!isHeardOf(kept, keys)) return 'live'
  const { ends, changes } = kept
  const { session, cookie, grant, account, client, actors, key } = keys
  const isEnded = (id: string | null) => id !== null && ends.has(id)
  if (isEnded(session) || isEnded(cookie) || isEnded(grant) || isEnded(key)) return 'dead'
  const isLater = (mark: Mark | undefined) => mark !== undefined && mark.position > asOf
  if (isLater(ends.get(account)) || isLater(ends.get(client)) || isLater(ends.get(everyoneKey)))
    return 'outdated'
  if (actors.some((actor) => isLater(ends.get(actor)))) return 'outdated'
  // A token cannot be read again, and tells nothing that changes: to refuse it would end it.
  return cookie !== null && isLater(changes.get(account)) ? 'outdated' : 'live'
}

/** Whether anything may be known of these; an end of a client is broad. Most were never heard of, and small numbers are found sooner than texts. */
function isHeardOf({ prints, broad }: Ends, { session, account, cookie, grant }: StatementKeys): boolean {
  const isKnown = (key: string | null) => key !== null && prints.has(printOf(key))
  const hasBroad = broad > firstVersion
  return hasBroad || isKnown(session) || isKnown(account) || isKnown(cookie) || isKnown(grant)
}
