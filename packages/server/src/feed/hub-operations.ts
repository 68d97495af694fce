import {
  ageOf,
  type Checker,
  feedWindowSeconds,
  restartChecker,
  type Snapshot,
  type StreamMessage,
  stepView,
  type ViewEffect,
} from '@counterfoil/verifier'
import type { Db } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Entropy, Log, Secrets, Watch } from '../machine.ts'
import { logged, positionBytes, readPosition } from './feed.ts'
import {
  createHub,
  entriesBetween,
  entriesWithin,
  type HubEffect,
  type HubEvent,
  type Reached,
  stepHub,
} from './hub.ts'
import * as store from './store.ts'

/** Where messages to one listener go. */
export type Sink = {
  readonly verifier: string
  send(message: StreamMessage, id: string): void
  close(): void
}

export type HubRunner = {
  /** Reads what there is and begins to serve. Nothing is fresh before. */
  start(): Promise<void>
  stop(): void
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
  /** What the id of a message stands for, or `null` if we never told it. */
  readId(id: string): Reached | null
}

export type HubNeeds = {
  db: Db
  /** Which copy of which database this is, as the engine tells it. */
  identity: (db: Db) => Promise<string>
  clock: Watch
  entropy: Entropy
  secrets: Secrets
  checker: Checker
  log: Log
}

const rowsAtOnce = 5000
/** Far more than any window, so that a clock that is wrong by an hour loses nothing. */
const loadedSeconds = 4 * 3600
const localLink = 0
/** Longer than the beat itself: what is written here has to outlast the trust that the next heartbeat gives. */
const heartbeatSeconds = 2
/** Older than this before a heartbeat, our own view listens anew: drift adds up, and a machine may have slept. */
const localAgeMilliseconds = 2000

export function createHubRunner({
  db,
  identity,
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
  let reading: Promise<void> | null = null

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
    if (link === localLink) tellView(message)
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

  /** Our own view hears what everybody hears. */
  function tellView(message: StreamMessage): void {
    const event = message.kind === 'revoked' ? message : { ...message, link: localLink }
    obey(stepView(checker.view, event, clock.instant()))
  }

  function obey(effects: readonly ViewEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'snapshot') {
        const event = { kind: 'snapshot', snapshot: snapshot(feedWindowSeconds.cookies) } as const
        obey(stepView(checker.view, event, clock.instant()))
      } else if (effect.kind === 'log') {
        const entries = entriesBetween(hub, effect, clock.instant()) ?? []
        const event = { kind: 'revoked', epoch: hub.epoch, entries, wantsAck: false } as const
        stepView(checker.view, event, clock.instant())
      } else if (effect.kind === 'restart') {
        logger.info('the clock was set; what was judged by it is forgotten')
        restartChecker(checker, clock.instant())
        listenLocally()
      } else if (effect.kind === 'reconnect') listenLocally()
    }
  }

  function listenLocally(): void {
    const nonce = entropy.id()
    hub.links.delete(localLink)
    stepView(checker.view, { kind: 'opened', link: localLink, nonce }, clock.instant())
    for (const effect of stepHub(
      hub,
      { kind: 'connected', link: localLink, nonce, after: null },
      clock.instant(),
    ))
      if (effect.kind === 'send') send(effect.link, effect.message)
  }

  function snapshot(windowSeconds: number): Snapshot {
    const entries = entriesWithin(hub, windowSeconds, clock.instant())
    return { epoch: hub.epoch, position: hub.head, window: windowSeconds, entries }
  }

  async function load(): Promise<void> {
    const found = await store.load(db, clock.now() - loadedSeconds)
    await step({ kind: 'loaded', ...found })
    // Others hear of another life with the next heartbeat; here nobody is to be believed for that long.
    if (isStarted && checker.view.epoch !== hub.epoch) obey([{ kind: 'snapshot' }])
  }

  /** One read at a time; who comes while one is under way gets the next. */
  async function read(): Promise<void> {
    const before = reading
    const mine = (async () => {
      await before?.catch(() => {})
      for (;;) {
        const rows = await store.readAfter(db, hub.head, rowsAtOnce)
        const head = hub.head
        if (rows.length > 0) await step({ kind: 'read', rows })
        if (rows.length < rowsAtOnce || hub.head === head) return
      }
    })()
    reading = mine
    await mine
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

  async function declare(told: Reached): Promise<void> {
    logger.error(
      'an older copy of the database was put back; everybody has to sign in again',
      new Error('restore'),
      told,
    )
    await transact(db, async (tx) => {
      const now = clock.now()
      await store.skipBeyond(tx, { told, now })
      await store.beginEpoch(tx, { now, identity: await identity(tx) })
      await store.append(tx, [logged({ kind: 'everyone', id: '' })], { at: now, wantsAck: false })
    })
    await load()
  }

  return {
    snapshot,
    isStarted: () => isStarted,
    async start() {
      await transact(db, async (tx) => {
        const copy = await identity(tx)
        // A file can be put back while nobody runs, and nothing would show it; so there every start is a new life.
        const isKnown = copy !== '' && copy === (await store.lastIdentity(tx))
        if (!isKnown) await store.beginEpoch(tx, { now: clock.now(), identity: copy })
      })
      await load()
      isStarted = true
      listenLocally()
    },
    stop() {
      isStarted = false
      for (const sink of sinks.values()) sink.close()
      sinks.clear()
    },
    async poll() {
      if (isStarted) await read()
    },
    async tick() {
      if (!isStarted) return
      // Before all that is written: what the listeners' rows say must outlast what this heartbeat lets them believe.
      const { mono: a } = clock.instant()
      const now = clock.now()
      if (ageOf(checker.view, clock.instant()) > localAgeMilliseconds) listenLocally()
      await prolongListeners(now)
      const written = await store.tick(db, { id: hub.instance, applied: hub.head, lapsesAt: now })
      await step({ kind: 'ticked', a, ...written })
    },
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

  async function prolongListeners(now: number): Promise<void> {
    const listening = [...sinks]
    if (listening.length === 0) return
    const ids = listening.map(([, { verifier }]) => verifier)
    const known = await store.prolong(db, ids, now + heartbeatSeconds)
    for (const [link, { verifier, close }] of listening) {
      if (known.has(verifier)) continue
      // Its client was removed, so nobody waits for it, and it is told nothing more.
      sinks.delete(link)
      void step({ kind: 'disconnected', link })
      close()
    }
  }
}
