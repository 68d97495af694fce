import {
  admit,
  ageOf,
  type Checker,
  cookieRights,
  cookieStatementSeconds,
  createChecker,
  type FeedEntry,
  feedKey,
  feedWindowSeconds,
  find,
  type Instant,
  keysOf,
  type StreamMessage,
  stepView,
  writeMessage,
  writeStatement,
} from '@counterfoil/verifier'
import { createHub, type Hub, type HubEffect, stepHub } from 'counterfoil/house'
import { type Chance, createChance } from './chance.ts'

/** People and their habits, and how many nodes there are. What a node does, production code does. */
export type World = {
  nodes: number
  /** A balancer that sends a session to the same node each time, or one that sends each request anywhere. */
  balancer: 'sticky' | 'spread'
  sessions: number
  visitsADay: number
  requestsAVisit: number
  visitSeconds: number
  endsADay: number
  cacheEntries: number
  seconds: number
}

export type Day = {
  /** Of this node; `thinned`: it saw one of so many of its sessions, with as much less room in its cache. */
  thinned: number
  requests: number
  fills: number
  busiestFills: number
  ends: number
  endsKept: number
  cached: number
  feedBytes: number
  fillBytes: number
  ages: number[]
  /** An ended session that was shown again once its end was applied. */
  shownAgain: number
  acceptedAgain: number
}

/** As many requests as a node of four thousand has are played; of a busier node, so many of its sessions are left out. */
const playedNodes = 4000
const day = 86_400
/** What HTTP and TLS add to a question, and to its answer; assumed. */
const questionBytes = 700

/** Most is asked in the evening: 1.8 times the mean at the top, 0.2 at the bottom of the night. */
const curve = (second: number) => 1 + 0.8 * Math.sin((2 * Math.PI * second) / day - Math.PI / 2)

type Feed = { hub: Hub; checker: Checker; position: number; bytes: number; link: number }

/** As a verifier does, since what it knows of the other clock grows older with the connection. */
const reconnectedAfter = 600

/** One node's day, second by second. */
export function playDay(world: World, seed: number): Day {
  const chance = createChance(seed)
  const thinned = Math.max(1, playedNodes / world.nodes)
  const at = (second: number): Instant => ({ mono: second * 1000, wall: 1_800_000_000_000 + second * 1000 })
  const entries = Math.max(1, Math.round(world.cacheEntries / thinned))
  const feed = openFeed(createChecker({ now: at(0), entries }), at(0))
  const found: Day = {
    ...{ thinned, requests: 0, fills: 0, busiestFills: 0, ends: 0, endsKept: 0, cached: 0, feedBytes: 0 },
    ...{ fillBytes: 0, ages: [], shownAgain: 0, acceptedAgain: 0 },
  }
  const due: number[][] = Array.from({ length: world.visitSeconds }, () => [])
  const visitors = visitorsOf(world, thinned)
  for (let second = 1; second < world.seconds; second++) {
    const now = at(second)
    for (const session of visitors(chance, curve(second)))
      scheduleVisit(session, { chance, due, second, world })
    const asking = due[second % due.length] ?? []
    due[second % due.length] = []
    let fills = 0
    for (const session of asking) {
      const credential = `cookie-of-${session}`
      if (find(feed.checker, 'cookies', credential, now) === null) {
        found.fillBytes += fill(feed, { credential, session }, now)
        fills++
      }
    }
    found.requests += asking.length
    found.fills += fills
    found.busiestFills = Math.max(found.busiestFills, fills)
    const ended = drawn(chance, (world.endsADay / day) * curve(second))
    // One a minute was just here, and is shown again once the end has arrived.
    const isWatched = second % 60 === 0 && ended > 0
    const victims = Array.from({ length: ended }, (_, index) =>
      isWatched && index === 0 ? asking[0] : undefined,
    )
    endAll(feed, victims, now)
    found.ends += ended
    const [shown] = victims
    if (shown !== undefined) {
      found.shownAgain++
      if (find(feed.checker, 'cookies', `cookie-of-${shown}`, now) !== null) found.acceptedAgain++
    }
    if (second % reconnectedAfter === 0) connect(feed, now)
    beat(feed, now, chance)
    // At some moment before the next heartbeat.
    if (second % 60 === 0) found.ages.push(ageOf(feed.checker.view, at(second + 0.005 + chance.next())))
    found.endsKept = Math.max(found.endsKept, feed.checker.view.ends.size)
    found.cached = Math.max(found.cached, feed.checker.cookies.size)
  }
  found.feedBytes = feed.bytes
  return found
}

/** How many of something that happens `mean` times on average: exact where that is little, by the bell curve where it is much. */
function drawn(chance: Chance, mean: number): number {
  if (mean > 50) {
    const angle = 2 * Math.PI * chance.next()
    const normal = Math.sqrt(-2 * Math.log(1 - chance.next())) * Math.cos(angle)
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal))
  }
  let count = 0
  for (let left = Math.exp(-mean), product = chance.next(); product > left; product *= chance.next()) count++
  return count
}

/** Who begins to visit in one second, as far as this node sees any of it, with how many requests here. */
function visitorsOf(world: World, thinned: number) {
  const { nodes, balancer, sessions, visitsADay, requestsAVisit } = world
  const visits = (sessions * visitsADay) / day / thinned
  const share = 1 / nodes
  const touching = balancer === 'sticky' ? share : 1 - (1 - share) ** requestsAVisit
  // A sticky balancer has given this node its sessions once and for all.
  const known = Math.round(sessions / thinned / (balancer === 'sticky' ? nodes : 1))
  return (chance: Chance, factor: number): number[] =>
    Array.from({ length: drawn(chance, visits * factor * touching) }, () => Math.floor(chance.next() * known))
}

/** Puts the requests of one visit that come to this node at moments of that visit; there is at least one. */
function scheduleVisit(
  session: number,
  given: { chance: Chance; due: number[][]; second: number; world: World },
): void {
  const { chance, due, second, world } = given
  const { balancer, nodes, requestsAVisit } = world
  let count = requestsAVisit
  if (balancer === 'spread') {
    // The first that comes here is one of them all; those after it come here or not.
    const share = 1 / nodes
    const some = 1 - (1 - share) ** requestsAVisit
    const first = share === 1 ? 0 : Math.floor(Math.log(1 - chance.next() * some) / Math.log(1 - share))
    count = 1
    for (let request = first + 1; request < requestsAVisit; request++) if (chance.is(share)) count++
  }
  for (let request = 0; request < count; request++)
    due[(second + 1 + chance.below(due.length - 1)) % due.length]?.push(session)
}

function openFeed(checker: Checker, now: Instant): Feed {
  const hub = createHub('hub-1')
  stepHub(hub, { kind: 'loaded', epoch: 1, head: 0, rows: [], epochs: [{ epoch: 1, start: 0 }] }, now)
  const window = feedWindowSeconds.cookies
  const feed = { hub, checker, position: 0, bytes: 0, link: 0 }
  connect(feed, now)
  const snapshot = { epoch: 1, position: 0, window, entries: [] as FeedEntry[] }
  stepView(checker.view, { kind: 'snapshot', snapshot }, now)
  return feed
}

function connect(feed: Feed, now: Instant): void {
  const { hub, checker, position } = feed
  const before = feed.link
  const link = ++feed.link
  const nonce = `${link}`.padStart(22, 'a')
  const after = before === 0 ? null : { epoch: 1, position }
  stepView(checker.view, { kind: 'opened', link, nonce }, now)
  deliver(feed, stepHub(hub, { kind: 'connected', link, nonce, after }, now), now)
  if (before === 0) return
  stepHub(hub, { kind: 'disconnected', link: before }, now)
  stepView(checker.view, { kind: 'closed', link: before }, now)
}

/** What the hub sends, as it lies on the wire. */
function deliver(feed: Feed, effects: readonly HubEffect[], now: Instant): void {
  for (const effect of effects) {
    if (effect.kind !== 'send') continue
    feed.bytes += bytesOf(effect.message)
    stepView(feed.checker.view, { ...effect.message, link: effect.link } as never, now)
  }
}

function bytesOf(message: StreamMessage): number {
  const { event, data } = writeMessage(message)
  return `event: ${event}\ndata: ${data}\n\n`.length
}

function endAll(feed: Feed, victims: readonly (number | undefined)[], now: Instant): void {
  if (victims.length === 0) return
  const rows = victims.map((victim) => {
    feed.position++
    const id = victim === undefined ? `elsewhere-${feed.position}` : `session-${victim}`
    return { position: feed.position, kind: 'session' as const, key: feedKey('session', id), wantsAck: false }
  })
  deliver(feed, stepHub(feed.hub, { kind: 'read', rows }, now), now)
}

/** Once a second: the hub's own row is written, which takes a few milliseconds, and the heartbeat leaves. */
function beat(feed: Feed, now: Instant, chance: Chance): void {
  const took = 1 + 4 * chance.next()
  const a = now.mono
  const then = { mono: now.mono + took, wall: now.wall + took }
  deliver(feed, stepHub(feed.hub, { kind: 'ticked', a, epoch: 1, head: feed.position }, then), then)
  stepView(feed.checker.view, { kind: 'tick' }, then)
}

/** Reads the session in the database, and keeps what it says. The bytes of the answer. */
function fill(
  feed: Feed,
  { credential, session }: { credential: string; session: number },
  now: Instant,
): number {
  const seconds = Math.floor(now.wall / 1000)
  const id = `session-${session}`
  const statement = {
    account: { id: `account-${session}`, email: 'member@example.org' },
    session: {
      ...{ id, created_at: seconds, last_seen_at: seconds, device: 'Firefox on Linux' },
      ...{ carrier: 'cookie' as const, current: true as const },
    },
    rights: cookieRights,
    ...{ authenticatedAt: seconds, clientId: 'first-party', cookieId: null, keyId: null },
    ...{ asOf: feed.position, readStart: seconds, end: seconds + cookieStatementSeconds },
  }
  const given = { carried: 'cookies', credential, statement, keys: keysOf(statement), askedAt: 0 } as const
  admit(feed.checker, given, now)
  return questionBytes + Buffer.from(writeStatement(statement)).length
}
