// A verifier after an hour of ends, in compressed time: what it holds, and what that does to its checks. A process for
// `growth.ts`, which prints one line.
import { randomBytes } from 'node:crypto'
import {
  admit,
  cookieRights,
  createChecker,
  type FeedEntry,
  feedKey,
  feedWindowSeconds,
  find,
  type Instant,
  keysOf,
  type Statement,
  stepView,
} from '@counterfoil/verifier'

export type Grown = {
  entries: number
  bytes: number
  /** Nanoseconds of a check while nothing ends, and while ends come in at this rate. */
  still: number
  moving: number
  /** Microseconds to take in one end, and milliseconds of the longest pause, which is when old ones are forgotten. */
  taken: number
  longest: number
}

const perSecond = Number(process.argv[2])
const window = feedWindowSeconds.cookies
const start = { mono: performance.now(), wall: Date.now() }
const at = (second: number): Instant => ({
  mono: start.mono + second * 1000,
  wall: start.wall + second * 1000,
})
/** Checks between two looks at what has ended, at ten thousand requests a second. */
const checksASecond = 10_000
const beatsASecond = 10

function heldBytes(): number {
  for (let pass = 0; pass < 4; pass++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const checker = createChecker({ now: start, entries: 10_000 })
stepView(checker.view, { kind: 'snapshot', snapshot: { epoch: 1, position: 0, window, entries: [] } }, start)
const before = heldBytes()
let position = 0
let owed = 0

function entries(count: number): FeedEntry[] {
  return Array.from({ length: count }, () => {
    const key = feedKey('session', randomBytes(16).toString('base64url'))
    return { position: ++position, kind: 'session', key, age: 0 }
  })
}

/** The ends of one beat, and how long it took to take them in. */
function beat(now: Instant): { count: number; milliseconds: number } {
  owed += perSecond / beatsASecond
  const count = Math.floor(owed)
  owed -= count
  if (count === 0) return { count, milliseconds: 0 }
  const made = entries(count)
  const began = performance.now()
  stepView(checker.view, { kind: 'revoked', epoch: 1, entries: made, wantsAck: false }, now)
  return { count, milliseconds: performance.now() - began }
}

for (let second = 0; second < window + 60; second++) {
  for (let turn = 0; turn < beatsASecond; turn++) beat(at(second + turn / beatsASecond))
  stepView(checker.view, { kind: 'tick' }, at(second))
}
const bytes = heldBytes() - before

function statementAt(now: Instant): Statement {
  const seconds = Math.floor(now.wall / 1000)
  const id = randomBytes(16).toString('base64url')
  return {
    account: { id, email: 'member@example.org' },
    session: {
      ...{
        id,
        created_at: seconds,
        last_seen_at: seconds,
        device: 'bench',
        carrier: 'cookie',
        current: true,
      },
    },
    rights: cookieRights,
    ...{ authenticatedAt: seconds, clientId: 'first-party', cookieId: null, keyId: null },
    ...{ asOf: position, readStart: seconds, end: seconds + 3600 },
  }
}

const cookies = Array.from({ length: 1000 }, () => randomBytes(48).toString('base64url'))
const later = window + 60
for (const credential of cookies) {
  const statement = statementAt(at(later))
  const given = { carried: 'cookies', credential, statement, keys: keysOf(statement), askedAt: 0 } as const
  if (admit(checker, given, at(later)).kind !== 'admitted') throw new Error('not admitted')
}

let next = 0
function check(count: number, now: Instant): number {
  const began = performance.now()
  for (let done = 0; done < count; done++)
    if (find(checker, 'cookies', cookies[next++ % cookies.length] ?? '', now) === null)
      throw new Error('gone')
  return performance.now() - began
}

/** Until the compiler has done with it. */
check(200_000, at(later))
const still = (check(500_000, at(later)) * 1e6) / 500_000
let [moving, checks, taking, taken, longest] = [0, 0, 0, 0, 0]
for (let second = later + 1; second <= later + 45; second++) {
  for (let turn = 0; turn < beatsASecond; turn++) {
    const now = at(second + turn / beatsASecond)
    const { count, milliseconds } = beat(now)
    taking += milliseconds
    taken += count
    moving += check(checksASecond / beatsASecond, now)
    checks += checksASecond / beatsASecond
  }
  const began = performance.now()
  stepView(checker.view, { kind: 'tick' }, at(second + 1))
  longest = Math.max(longest, performance.now() - began)
}
const grown: Grown = {
  ...{ entries: checker.view.ends.size, bytes, still, moving: (moving * 1e6) / checks },
  ...{ taken: (taking * 1000) / taken, longest },
}
console.log(JSON.stringify(grown))
