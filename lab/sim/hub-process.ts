import { createHub, type Hub, type HubEffect, type HubEvent, type Reached } from 'counterfoil/house'
import { type Clocks, instantOf, restartMono } from './clocks.ts'
import { append, beginLife, type Database, hasReached, indexAfter, type Row } from './database.ts'
import { blame } from './judge.ts'
import { commit } from './revoking.ts'
import { closeStream, type Stream, sendOn } from './stream.ts'
import { count } from './tally.ts'
import { schedule } from './timeline.ts'
import { type Process, strikes, travel, type World, wait, within } from './world.ts'

/** One process that serves the feed. */
export type HubProcess = Process & {
  readonly id: number
  readonly clocks: Clocks
  hub: Hub
  isLoaded: boolean
  /** The copy of the database that its connections lead to. */
  db: Database
  cutUntil: number
  isReading: boolean
  /** Asked for while a read was under way: the next one follows it. */
  isReadAgain: boolean
  isDeclaring: boolean
  readonly streams: Map<number, Stream>
  /** The last id that was read, where positions are drawn before the commit. */
  cursor: number
}

const pollEvery = 250
const tickEvery = 1000

export function createHubProcess(id: number, clocks: Clocks, db: Database): HubProcess {
  return {
    ...{ id, clocks, db, hub: createHub(''), life: 0, isUp: false, pausedUntil: 0, cursor: 0 },
    ...{
      isLoaded: false,
      cutUntil: 0,
      isReading: false,
      isReadAgain: false,
      isDeclaring: false,
      streams: new Map(),
    },
  }
}

export function startHub(world: World, hub: HubProcess) {
  if (hub.isUp) return
  // Nothing starts on a machine that sleeps.
  if (hub.clocks.isSuspended) return schedule(world.line, hub.pausedUntil, () => startHub(world, hub))
  hub.life++
  Object.assign(hub, {
    isUp: true,
    isLoaded: false,
    isReading: false,
    isReadAgain: false,
    isDeclaring: false,
    pausedUntil: 0,
    cursor: 0,
  })
  hub.hub = createHub(`hub-${hub.id}.${hub.life}`)
  restartMono(hub.clocks, world.line.now, world.chance.between(1e3, 1e9))
  hub.db = world.db
  start(world, hub)
  wait(
    world,
    world.chance.between(0, pollEvery),
    within(world, hub, () => poll(world, hub)),
  )
  wait(
    world,
    world.chance.between(0, tickEvery),
    within(world, hub, () => tick(world, hub)),
  )
}

export function crashHub(world: World, hub: HubProcess): void {
  if (!hub.isUp) return
  hub.isUp = false
  hub.life++
  count(world.tally.faults, 'hub_died')
  // Its machine answers that nobody is there, or is gone without a word.
  const isQuiet = world.chance.is(0.5)
  for (const stream of hub.streams.values()) closeStream(world, stream, { isQuiet })
  hub.streams.clear()
  wait(world, world.chance.between(200, 8000), () => {
    if (!hub.isUp) startHub(world, hub)
  })
}

export function stepHubProcess(world: World, hub: HubProcess, event: HubEvent): void {
  run(world, hub, world.core.stepHub(hub.hub, event, instantOf(hub.clocks, world.line.now)))
}

function run(world: World, hub: HubProcess, effects: readonly HubEffect[]) {
  for (const effect of effects) {
    if (strikes(world)) return crashHub(world, hub)
    if (effect.kind === 'send') {
      const stream = hub.streams.get(effect.link)
      if (stream !== undefined) sendOn(world, stream, effect.message)
    } else if (effect.kind === 'read') read(world, hub)
    else if (effect.kind === 'load') load(world, hub)
    else if (effect.kind === 'declare') declare(world, hub, effect.told)
    else heal(world, hub, effect)
  }
}

/** A question to the database and its answer; nothing comes back where either way is cut. */
function ask<Answer>(
  world: World,
  hub: HubProcess,
  given: {
    at: (db: Database) => Answer
    use: (answer: Answer) => void
    failed?: () => void
    /** Nothing would come of this answer, so it need not travel. */
    isIdle?: (answer: Answer) => boolean
  },
): void {
  const { db } = hub
  const failed = within(world, hub, () => given.failed?.())
  wait(world, travel(world), () => {
    if (hub.cutUntil > world.line.now) return wait(world, 500, failed)
    const answer = given.at(db)
    if (given.isIdle?.(answer)) return
    wait(
      world,
      travel(world),
      within(world, hub, () => (hub.cutUntil > world.line.now ? failed() : given.use(answer))),
    )
  })
}

/** The first thing that a process does: a copy that it does not know begins another life. */
function start(world: World, hub: HubProcess): void {
  ask(world, hub, {
    at(db) {
      if (db.isFenced) return false
      if (db.lives.at(-1)?.identity !== db.identity) beginLife(db, { time: world.line.now, told: null })
      return true
    },
    use(isStarted) {
      if (isStarted) load(world, hub)
      else
        wait(
          world,
          500,
          within(world, hub, () => {
            hub.db = world.db
            start(world, hub)
          }),
        )
    },
    failed: () =>
      wait(
        world,
        500,
        within(world, hub, () => start(world, hub)),
      ),
  })
}

function load(world: World, hub: HubProcess): void {
  ask(world, hub, {
    at: ({ epoch, head, rows, lives }) => ({
      epoch,
      head,
      rows: rows.slice(),
      epochs: lives.map(({ epoch, start }) => ({ epoch, start })),
    }),
    use(found) {
      hub.isLoaded = true
      hub.cursor = found.rows.reduce((last, { position }) => Math.max(last, position), 0)
      stepHubProcess(world, hub, { kind: 'loaded', ...found })
    },
    failed: () =>
      wait(
        world,
        500,
        within(world, hub, () => load(world, hub)),
      ),
  })
}

function poll(world: World, hub: HubProcess): void {
  wait(
    world,
    pollEvery,
    within(world, hub, () => poll(world, hub)),
  )
  read(world, hub)
}

export function read(world: World, hub: HubProcess): void {
  if (!hub.isLoaded) return
  hub.isReadAgain = hub.isReading
  if (hub.isReading) return
  hub.isReading = true
  ask(world, hub, {
    at: ({ rows }): SerialRow[] =>
      world.core.positions === 'serial' ? readSerial(rows, hub) : rows.slice(indexAfter(rows, hub.hub.head)),
    isIdle(rows) {
      if (rows.length > 0 || hub.hub.tick !== null || hub.isReadAgain) return false
      hub.isReading = false
      return true
    },
    use(rows) {
      hub.isReading = false
      if (world.core.positions === 'serial')
        hub.cursor = rows.reduce((last, { committedId }) => Math.max(last, committedId ?? 0), hub.cursor)
      const isAgain = hub.isReadAgain
      const last = rows.at(-1)
      // Told under the number of the life before, they would look like a life that went on where it had ended.
      if (last !== undefined && last.epoch !== hub.hub.epoch) return load(world, hub)
      stepHubProcess(world, hub, { kind: 'read', rows })
      if (isAgain) read(world, hub)
    },
    failed: () => (hub.isReading = false),
  })
}

type SerialRow = Row & { committedId?: number }

/** By a cursor over ids that were drawn before the commit: what commits late has a number that was passed already. */
function readSerial(rows: readonly Row[], hub: HubProcess): SerialRow[] {
  const fresh = rows.filter(({ position }) => position > hub.cursor)
  fresh.sort((one, other) => one.position - other.position)
  return fresh.map((row, index) => ({
    ...row,
    position: hub.hub.head + 1 + index,
    committedId: row.position,
  }))
}

function tick(world: World, hub: HubProcess): void {
  wait(
    world,
    tickEvery,
    within(world, hub, () => tick(world, hub)),
  )
  if (!hub.isLoaded) return
  const { mono: a } = instantOf(hub.clocks, world.line.now)
  ask(world, hub, {
    at(db) {
      const isTaken =
        world.core.beat === 'read' || (!db.isFenced && world.databaseStalledUntil <= world.line.now)
      const head = world.core.positions === 'serial' && db.head <= hub.cursor ? hub.hub.head : db.head
      return isTaken ? { epoch: db.epoch, head } : null
    },
    use(written) {
      if (written === null) return
      // The write is made durable before anybody hears of it, while reads overtake it.
      const isSlow = world.chance.is(0.1)
      const told = within(world, hub, () => stepHubProcess(world, hub, { kind: 'ticked', a, ...written }))
      wait(world, isSlow ? world.chance.between(0, 300) : world.chance.between(0, 3), told)
    },
  })
}

function declare(world: World, hub: HubProcess, told: Reached): void {
  if (hub.isDeclaring) return
  hub.isDeclaring = true
  ask(world, hub, {
    at(db) {
      if (db.isFenced || hasReached(db, told)) return false
      beginLife(db, { time: world.line.now, told })
      commit(world, append(db, ['everyone:'], { time: world.line.now, wantsAck: false }))
      world.declared++
      world.declaredAt = world.line.now
      return true
    },
    use(isNew) {
      hub.isDeclaring = false
      if (isNew) load(world, hub)
      else read(world, hub)
    },
    failed: () => (hub.isDeclaring = false),
  })
}

/** A row is missing: another life of the database has begun, or something is badly wrong. */
function heal(world: World, hub: HubProcess, gap: { after: number; found: number }): void {
  const { epoch: before } = hub.hub
  ask(world, hub, {
    at: ({ epoch, rows }) => ({ epoch, isThere: rows.some(({ position }) => position === gap.found) }),
    use({ epoch, isThere }) {
      if (epoch === before && isThere)
        blame(world, 'the log has a gap', `after ${gap.after}, found ${gap.found}`)
      else if (epoch !== hub.hub.epoch) load(world, hub)
    },
  })
}
