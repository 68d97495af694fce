import { ageOf, type Checker, type Snapshot, type StreamMessage, skewSeconds } from '@counterfoil/verifier'
import type { Primary } from '../db/primary.ts'
import type { Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Entropy, Log, Secrets, Watch } from '../machine.ts'
import { refuse } from '../refusals.ts'
import { logged, positionBytes, readPosition } from './feed.ts'
import {
  createHub,
  entriesBetween,
  type HubEffect,
  type HubEvent,
  isOurs,
  type Lives,
  noteLives,
  type Reached,
  stepHub,
} from './hub.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { localLink, openOwnView, snapshotOf } from './own-view.ts'
import * as store from './store.ts'
import * as verifiers from './verifier-store.ts'

/** Where messages to one listener go. */
export type Sink = {
  readonly verifier: string
  send(message: StreamMessage, id: string): void
  close(): void
}

export type HubRunner = {
  /** Reads what there is and begins to serve. Nothing is fresh before. `onHint`: another process may have written. */
  start(onHint?: () => void): Promise<void>
  stop(): void
  /** Nobody needs to wait for this process any more: it answers no request from what it knows. */
  leave(): Promise<void>
  isStarted(): boolean
  /** Looks for what others have written. */
  poll(): Promise<void>
  /** One durable write, and the heartbeat that it allows. */
  tick(): Promise<void>
  /** Something up to this position was committed here: afterwards it is known here. Never throws. */
  hear(position: number): Promise<void>
  connect(given: { nonce: string; after: Reached | null; sink: Sink }): number
  disconnect(link: number): void
  snapshot(windowSeconds: number): Snapshot
  /** What lies between two positions, or `null` where that is not kept any more. */
  log(given: { from: number; to: number }): { epoch: number; entries: Snapshot['entries'] } | null
  reached(): Reached
  /** Whether this process itself refuses what ended up to there. */
  hasApplied(position: number): boolean
  readonly instance: string
  /** Refuses where our clock and the database's are so far apart that nothing may be dated by ours. */
  requireClock(): void
  /** What the id of a message stands for, or `null` if we never told it. */
  readId(id: string): Reached | null
}

export type HubNeeds = {
  db: Db
  primary: Primary
  clock: Watch
  entropy: Entropy
  secrets: Secrets
  checker: Checker
  log: Log
}

const rowsAtOnce = 5000
/** Far more than any window, so that a clock that is wrong by an hour loses nothing. */
const loadedSeconds = 4 * 3600
/** Older than this before a heartbeat, our own view listens anew: drift adds up, and a machine may have slept. */
const localAgeMilliseconds = 2000

export function createHubRunner({
  db,
  primary,
  clock,
  entropy,
  secrets,
  checker,
  log: logger,
}: HubNeeds): HubRunner {
  const hub = createHub(entropy.id())
  const sinks = new Map<number, Sink>()
  let isStarted = false
  let links = localLink
  let lastId = { of: '', id: '' }
  let isClockRight = true
  let stopListening = () => {}
  const own = openOwnView({ hub, checker, clock, entropy, log: logger })

  const step = (event: HubEvent) => run(stepHub(hub, event, clock.instant()))

  async function run(effects: readonly HubEffect[]): Promise<void> {
    for (const effect of effects) {
      if (effect.kind === 'send') send(effect.link, effect.message)
      else if (effect.kind === 'read') await read()
      else if (effect.kind === 'load') await load()
      else if (effect.kind === 'declare') await declare(effect.told)
      else await heal(effect)
    }
  }

  function send(link: number, message: StreamMessage): void {
    if (link === localLink) own.tell(message)
    else sinks.get(link)?.send(message, idOf(message))
  }

  /** Tagged, since a position that we never told would be taken for a sign of a lost database. */
  function idOf(message: StreamMessage): string {
    const position = message.kind === 'revoked' ? (message.entries.at(-1)?.position ?? 0) : message.head
    const text = `${message.epoch}.${position}`
    if (lastId.of !== text) {
      lastId = {
        of: text,
        id: secrets.seal('feed_position', positionBytes({ epoch: message.epoch, position })),
      }
    }
    return lastId.id
  }

  async function load(): Promise<void> {
    const found = await store.load(db, clock.now() - loadedSeconds)
    await step({ kind: 'loaded', ...found })
    // Others hear of another life with the next heartbeat; here nobody is to be believed for that long.
    if (isStarted && checker.view.epoch !== hub.epoch) own.takeSnapshot()
  }

  const read = oneAtATime(async () => {
    for (let isMore = true; isMore; ) {
      const { rows, epoch } = await store.readAfter(db, hub.head, rowsAtOnce)
      if (rows.length === 0) return
      // Told under the number of the life before, they would look like a life that went on where it had ended.
      if (epoch !== hub.epoch) return load()
      const before = hub.head
      await step({ kind: 'read', rows })
      isMore = rows.length === rowsAtOnce && hub.head > before
      if (rows.some(({ wantsAck }) => wantsAck)) await confirm()
    }
  })

  /** At once and not with the next tick: somebody waits, perhaps on another node. */
  async function confirm(): Promise<void> {
    await verifiers.confirm(db, { id: hub.instance, applied: checker.view.applied })
    primary.hints?.send()
  }

  /** Where a row is missing, either another life of the database has begun, or something is badly wrong. */
  async function heal({ after, found }: { after: number; found: number }): Promise<void> {
    const { epoch } = await store.readHead(db)
    if (epoch !== hub.epoch) return load()
    logger.error('the log of revocations has a gap; nothing is told to be fresh', new Error('gap'), {
      after,
      found,
    })
  }

  /** Several of us may see one restore: whoever comes second finds that everybody was ended already. */
  async function declare(told: Reached): Promise<void> {
    const isNew = await transact(db, async (tx) => {
      const now = clock.now()
      const { epoch, head, epochs } = await store.lockLives(tx)
      const lives: Lives = { epoch, epochs: new Map(), overUntil: 0 }
      noteLives(lives, epochs)
      if (isOurs(lives, told, head)) return false
      await store.skipBeyond(tx, { told, now })
      await store.beginEpoch(tx, { now, identity: await store.readIdentity(tx, primary) })
      await store.append(tx, [logged({ kind: 'everyone', id: '' })], {
        ...{ at: now, wantsAck: false, primary, isOurLife: true },
      })
      return true
    })
    if (isNew) {
      const message = 'an older copy of the database was put back; everybody has to sign in again'
      logger.error(message, new Error('restore'), told)
      primary.hints?.send()
    }
    await load()
  }

  return {
    snapshot: (windowSeconds) => snapshotOf(hub, windowSeconds, clock),
    isStarted: () => isStarted,
    async start(onHint = () => {}) {
      await transact(db, async (tx) => {
        // Nodes that start at once on another copy begin one life there, and not one each.
        await store.lockLives(tx)
        const copy = await store.readIdentity(tx, primary)
        // A file can be put back while nobody runs, and nothing would show it; so there every start is a new life.
        const isKnown = copy !== '' && copy === (await store.lastIdentity(tx))
        if (!isKnown) await store.beginEpoch(tx, { now: clock.now(), identity: copy })
      })
      await load()
      isStarted = true
      own.listen()
      stopListening = primary.hints?.listen(onHint) ?? stopListening
    },
    stop() {
      isStarted = false
      stopListening()
      for (const sink of sinks.values()) sink.close()
      sinks.clear()
    },
    leave: () => verifiers.removeServer(db, hub.instance),
    async poll() {
      if (isStarted) await read()
    },
    async tick() {
      if (!isStarted) return
      // Before the beat begins: one that began before the hello would count for nothing, now and each time again.
      if (ageOf(checker.view, clock.instant()) > localAgeMilliseconds) own.listen()
      // Before all that is written: what the listeners' rows say must outlast what this heartbeat lets them believe.
      const { mono: a, wall } = clock.instant()
      await prolongListeners()
      const written = await verifiers.tick(db, { id: hub.instance, applied: checker.view.applied, primary })
      compareClocks(written.wall, { from: wall, to: clock.instant().wall })
      // Nobody is to be told anything by a clock that is wrong: all who listen here go stale, and this process too.
      if (isClockRight) await step({ kind: 'ticked', a, epoch: written.epoch, head: written.head })
    },
    requireClock() {
      if (!isClockRight) refuse('feed_stale', { retryAfterSeconds: 1, detail: 'the clock is wrong' })
    },
    instance: hub.instance,
    hasApplied: (position) => checker.view.applied >= position,
    async hear(position) {
      if (!isStarted) return
      try {
        if (hub.head < position) await read()
      } catch (error) {
        logger.error('what was committed could not be read back; the next poll will', error)
      }
    },
    connect({ nonce, after, sink }) {
      const link = ++links
      if (!isStarted) {
        sink.close()
        return link
      }
      sinks.set(link, sink)
      step({ kind: 'connected', link, nonce, after }).catch((error: unknown) =>
        logger.error('a listener could not be served', error),
      )
      return link
    },
    disconnect(link) {
      sinks.delete(link)
      void step({ kind: 'disconnected', link })
    },
    log({ from, to }) {
      const entries = entriesBetween(hub, { from, to }, clock.instant())
      return entries === null ? null : { epoch: hub.epoch, entries }
    },
    reached: () => ({ epoch: hub.epoch, position: hub.head }),
    readId(id) {
      const bytes = secrets.open('feed_position', id, 16)
      return bytes === null ? null : readPosition(bytes)
    },
  }

  function compareClocks(theirs: number, ours: { from: number; to: number }): void {
    const skew = skewSeconds * 1000
    const isRight = theirs >= ours.from - skew && theirs <= ours.to + skew
    const seconds = Math.round((ours.to - theirs) / 1000)
    if (!isRight && isClockRight)
      logger.error(
        'the clock and the database’s are too far apart; nothing is answered',
        new Error('clock'),
        {
          seconds,
        },
      )
    if (isRight && !isClockRight) logger.info('the clock and the database’s agree again')
    isClockRight = isRight
  }

  async function prolongListeners(): Promise<void> {
    const listening = [...sinks]
    if (listening.length === 0) return
    const ids = listening.map(([, { verifier }]) => verifier)
    const known = await verifiers.prolong(db, ids, primary)
    for (const [link, { verifier, close }] of listening) {
      if (known.has(verifier)) continue
      // Its client was removed, so nobody waits for it, and it is told nothing more.
      sinks.delete(link)
      void step({ kind: 'disconnected', link })
      close()
    }
  }
}
