import type { FeedKind } from '@counterfoil/verifier'
import { feedKey } from '@counterfoil/verifier'
import { type Clocks, secondsOf } from './clocks.ts'

/** What ends: a kind and the id in it, as one word. */
export type Scope = `${FeedKind}:${string}`

export type Row = {
  readonly position: number
  readonly epoch: number
  readonly kind: FeedKind
  readonly key: string
  readonly wantsAck: boolean
  readonly scope: Scope
  /** Real time, for the judge of the simulation only. */
  readonly committedAt: number
}

/** `head`: where it goes on, which is far beyond where the one before ended. */
type Life = { epoch: number; start: number; head: number; identity: number; begunAt: number }

/** One copy of the database: what is committed in it. */
export type Database = {
  /** Which copy this is, as the engine names itself. */
  readonly identity: number
  readonly clocks: Clocks
  epoch: number
  head: number
  rows: Row[]
  lives: Life[]
  /** The position of the last end of each scope: what the rows of sessions, accounts and clients say. */
  ended: Map<Scope, number>
  /** Sessions by id: at which position they began. */
  sessions: Map<string, number>
  sessionTimes: Map<string, number>
  /** A fenced-off primary goes on answering reads, but nothing that it writes is ever committed. */
  isFenced: boolean
  /** Until when the head row is held. */
  lockedUntil: number
  /** Whether each life begins far ahead, or goes on counting where the copy that it found had stopped. */
  skips: boolean
}

/** Positions of one life are this far from those of any other: one life a second at the most. */
const apart = 1_000_000

export function createDatabase(clocks: Clocks, skips: boolean): Database {
  return {
    ...{ identity: 1, clocks, epoch: 1, head: 0, rows: [], isFenced: false, lockedUntil: 0, skips },
    lives: [{ epoch: 1, start: 0, head: 0, identity: 1, begunAt: 0 }],
    ended: new Map(),
    sessions: new Map(),
    sessionTimes: new Map(),
  }
}

const keys = new Map<Scope, string>()

/** `feedKey` of production, remembered: sessions of one seed are those of the next. */
export function keyOf(scope: Scope): string {
  const known = keys.get(scope)
  if (known !== undefined) return known
  const colon = scope.indexOf(':')
  const key = feedKey(scope.slice(0, colon) as FeedKind, scope.slice(colon + 1))
  keys.set(scope, key)
  return key
}

export const kindOf = (scope: Scope) => scope.slice(0, scope.indexOf(':')) as FeedKind

/**
 * Appends as the revoking transaction does when it commits. Another copy than the one that the last life was begun on
 * begins another life, far ahead: no position ever means two things.
 */
export function append(
  db: Database,
  scopes: readonly Scope[],
  given: { time: number; wantsAck: boolean },
): Row[] {
  if (db.lives.at(-1)?.identity !== db.identity) beginLife(db, { time: given.time, told: null })
  const rows = scopes.map((scope): Row => {
    const position = ++db.head
    db.ended.set(scope, position)
    return {
      position,
      epoch: db.epoch,
      kind: kindOf(scope),
      key: keyOf(scope),
      wantsAck: given.wantsAck,
      scope,
      committedAt: given.time,
    }
  })
  for (const row of rows) db.rows.push(row)
  return rows
}

/** A number that is higher than any before, and that no copy comes to by itself: it holds the time. */
export function beginLife(
  db: Database,
  { time, told }: { time: number; told: { epoch: number; position: number } | null },
): void {
  const before = db.head
  db.epoch = Math.max(db.epoch + 1, (told?.epoch ?? 0) + 1, secondsOf(db.clocks, time))
  // Also when two copies begin a life each, and neither knows of the other.
  if (told !== null || db.skips)
    db.head = Math.max(before + apart, (told?.position ?? 0) + apart, db.epoch * apart)
  if (told !== null) {
    // All that was told of, and all since, is over: who comes back from there is given a snapshot, and no second end.
    if (!db.lives.some(({ epoch }) => epoch === told.epoch)) {
      db.lives.push({ epoch: told.epoch, start: before, head: before, identity: 0, begunAt: time })
    }
    for (const life of db.lives) if (life.epoch > told.epoch) life.start = Math.max(life.start, db.head)
  }
  const start = told === null ? before : db.head
  db.lives.push({ epoch: db.epoch, start, head: db.head, identity: db.identity, begunAt: time })
}

/** Whether a life of this database came that far: asked under the head's lock, before a restore is declared. */
export function hasReached(db: Database, told: { epoch: number; position: number }): boolean {
  if (told.epoch === db.epoch) return told.position <= db.head
  if (!db.lives.some(({ epoch }) => epoch === told.epoch)) return false
  return db.lives.every(({ epoch, start }) => epoch <= told.epoch || told.position <= start)
}

/** Another copy that holds what was committed up to `cut`: a replica that is promoted, or a backup that is put back. */
export function copyUpTo(db: Database, cut: number, given: { identity: number; clocks: Clocks }): Database {
  const rows = db.rows.filter(({ committedAt }) => committedAt <= cut)
  const lives = db.lives.filter(({ begunAt }) => begunAt <= cut)
  const last = lives.at(-1)
  const ended = new Map<Scope, number>()
  for (const { scope, position } of rows) ended.set(scope, position)
  const sessions = [...db.sessions].filter(([id]) => (db.sessionTimes.get(id) ?? 0) <= cut)
  return {
    ...{ ...given, rows, ended, isFenced: false, lockedUntil: 0, skips: db.skips },
    lives: lives.map((life) => ({ ...life })),
    epoch: last?.epoch ?? 1,
    head: Math.max(rows.at(-1)?.position ?? 0, last?.head ?? 0),
    sessions: new Map(sessions),
    sessionTimes: new Map(db.sessionTimes),
  }
}

/** The index of the first row after a position. */
export function indexAfter(rows: readonly Row[], position: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rows[middle]?.position ?? 0) > position) high = middle
    else low = middle + 1
  }
  return low
}
