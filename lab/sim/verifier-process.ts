import {
  ageOf,
  type Checker,
  createChecker,
  restartChecker,
  type Snapshot,
  type StreamMessage,
  type ViewEffect,
  type ViewEvent,
} from '@counterfoil/verifier'
import { entriesBetween, entriesWithin } from 'counterfoil/house'
import { type Clocks, instantOf, restartMono } from './clocks.ts'
import type { HubProcess } from './hub-process.ts'
import { stepHubProcess } from './hub-process.ts'
import { checkView } from './judge.ts'
import { leaveStream, type Stream } from './stream.ts'
import { count } from './tally.ts'
import { schedule } from './timeline.ts'
import { type Process, travel, type World, wait, within } from './world.ts'

/** One process that checks callers. */
export type VerifierProcess = Process & {
  readonly id: number
  readonly clocks: Clocks
  checker: Checker
  /** Its wall clock was further off than clocks may be. */
  wasWrong: boolean
  suspendedUntil: number
  /** How often its machine slept, in this life. */
  sleeps: number
  setBackAt: number
  /** When its steady clock last ended a step. */
  stampedAt: number
  cutFromFeedUntil: number
  /** From the feed, and from those who answer questions. */
  cutOffUntil: number
  stream: Stream | null
  older: Stream | null
  openedAt: number
  /** How old all was when the last heartbeat had been taken in. */
  ageAtBeat: number
  isFetching: boolean
  /** An answer that something on its way kept, for everybody behind it. */
  kept: Snapshot | null
}

const tickEvery = 1000
/** Without a heartbeat for this long, a connection is dead. */
const deadAfter = 3000
/** A heartbeat that leaves us older than this came over a connection that cannot say any better. */
const freshAtBeat = 1500

export function createVerifierProcess(id: number, clocks: Clocks): VerifierProcess {
  const checker = createChecker({ now: instantOf(clocks, 0), entries: 1000 })
  return {
    ...{
      id,
      clocks,
      checker,
      life: 0,
      isUp: false,
      pausedUntil: 0,
      wasWrong: false,
      kept: null,
      suspendedUntil: 0,
      sleeps: 0,
      setBackAt: -1,
      stampedAt: 0,
    },
    ...{
      cutFromFeedUntil: 0,
      cutOffUntil: 0,
      stream: null,
      older: null,
      openedAt: 0,
      ageAtBeat: 0,
      isFetching: false,
    },
  }
}

export function startVerifier(world: World, verifier: VerifierProcess) {
  if (verifier.isUp) return
  // Nothing starts on a machine that sleeps.
  if (verifier.clocks.isSuspended)
    return schedule(world.line, verifier.pausedUntil, () => startVerifier(world, verifier))
  verifier.life++
  const isAnew = verifier.life > 1
  if (isAnew) restartMono(verifier.clocks, world.line.now, world.chance.between(1e3, 1e9))
  const now = instantOf(verifier.clocks, world.line.now)
  Object.assign(verifier, { isUp: true, pausedUntil: 0, stream: null, older: null, isFetching: false })
  Object.assign(verifier, { sleeps: 0, stampedAt: world.line.now })
  verifier.checker = createChecker({ now, entries: 1000 })
  open(world, verifier)
  wait(
    world,
    world.chance.between(0, tickEvery),
    within(world, verifier, () => tick(world, verifier)),
  )
}

export function stopVerifier(world: World, verifier: VerifierProcess): void {
  for (const stream of [verifier.stream, verifier.older]) if (stream !== null) leaveStream(world, stream)
  verifier.isUp = false
  verifier.life++
}

export function stepVerifier(world: World, verifier: VerifierProcess, event: ViewEvent): void {
  const { checker, clocks } = verifier
  const before = { epoch: checker.view.epoch, applied: checker.view.applied }
  const now = instantOf(clocks, world.line.now)
  const { at } = checker.view.steady
  const effects = world.core.step(checker, event, now)
  if (checker.view.steady.at !== at) verifier.stampedAt = world.line.now
  checkView(world, verifier, before)
  for (const effect of effects) obey(world, verifier, effect)
}

function obey(world: World, verifier: VerifierProcess, effect: ViewEffect): void {
  if (effect.kind === 'snapshot') fetchSnapshot(world, verifier)
  else if (effect.kind === 'log') fetchLog(world, verifier, effect)
  else if (effect.kind === 'restart') {
    count(world.tally.faults, 'verifier_began_anew')
    restartChecker(verifier.checker, instantOf(verifier.clocks, world.line.now))
    replace(world, verifier)
  } else if (effect.kind === 'reconnect') {
    count(world.tally.faults, `reconnect_${effect.why}`)
    const stream = [verifier.stream, verifier.older].find((one) => one?.link === effect.link)
    if (stream) lose(world, stream)
  }
}

/** Opens a connection; the one before goes on until the new one has said something. */
function open(world: World, verifier: VerifierProcess): void {
  const hub = world.chance.pick(world.hubs)
  const link = ++world.links
  const { now } = world.line
  const nonce = `nonce-${link}`
  verifier.older = verifier.stream
  const stream: Stream = { link, hub, verifier, isBroken: false, floor: 0, heldUntil: 0, heardAt: now }
  verifier.stream = stream
  verifier.openedAt = now
  const { epoch, applied } = verifier.checker.view
  stepVerifier(world, verifier, { kind: 'opened', link, nonce })
  const after = epoch === 0 ? null : { epoch, position: applied }
  reach(world, verifier, hub, () => {
    if (stream.isBroken) return
    hub.streams.set(link, stream)
    stepHubProcess(world, hub, { kind: 'connected', link, nonce, after })
    if (!hub.hub.links.has(link)) hub.streams.delete(link)
  })
}

/** A request on its way; nothing comes of it where the network or the hub is away. */
function reach(world: World, verifier: VerifierProcess, hub: HubProcess, work: () => void): void {
  if (Math.max(verifier.cutFromFeedUntil, verifier.cutOffUntil) > world.line.now) return
  wait(world, travel(world), () => {
    if (hub.isUp) within(world, hub, () => hub.isLoaded && work())()
  })
}

export function lose(world: World, stream: Stream): void {
  const { verifier } = stream
  const isCurrent = verifier.stream === stream
  if (!isCurrent && verifier.older !== stream) return
  leaveStream(world, stream)
  stepVerifier(world, verifier, { kind: 'closed', link: stream.link })
  if (!isCurrent) {
    verifier.older = null
    return
  }
  verifier.stream = null
  const again = () => {
    if (verifier.stream === null) open(world, verifier)
  }
  wait(world, world.chance.between(20, 500), within(world, verifier, again))
}

function replace(world: World, verifier: VerifierProcess): void {
  for (const stream of [verifier.older, verifier.stream]) if (stream !== null) leaveStream(world, stream)
  verifier.stream = null
  verifier.older = null
  open(world, verifier)
}

function tick(world: World, verifier: VerifierProcess): void {
  wait(
    world,
    tickEvery,
    within(world, verifier, () => tick(world, verifier)),
  )
  stepVerifier(world, verifier, { kind: 'tick' })
  const { now } = world.line
  const { stream, older } = verifier
  if (older !== null && now - verifier.openedAt > deadAfter) lose(world, older)
  if (stream !== null && now - stream.heardAt > deadAfter) lose(world, stream)
  else if (stream !== null && verifier.older === null && isWornOut(world, verifier)) open(world, verifier)
}

/** After a suspension of either side, or a step of our clock, only a new connection knows how late it is. */
function isWornOut(world: World, { ageAtBeat, openedAt }: VerifierProcess): boolean {
  const open = world.line.now - openedAt
  return open > world.scene.renewAfter || (ageAtBeat > freshAtBeat && open > deadAfter)
}

/** Something came over the stream. */
export function hear(world: World, stream: Stream, message: StreamMessage): void {
  const { verifier, link } = stream
  if (message.kind !== 'revoked') stream.heardAt = world.line.now
  stepVerifier(world, verifier, message.kind === 'revoked' ? message : { ...message, link })
  if (message.kind !== 'heartbeat') return
  verifier.ageAtBeat = ageOf(verifier.checker.view, instantOf(verifier.clocks, world.line.now))
  if (stream === verifier.stream && verifier.older !== null) lose(world, verifier.older)
}

/** Mostly from the hub that it listens to, else from any. */
function someHub(world: World, verifier: VerifierProcess): HubProcess {
  const own = verifier.stream?.hub
  return own === undefined || world.chance.is(0.3) ? world.chance.pick(world.hubs) : own
}

function fetchSnapshot(world: World, verifier: VerifierProcess) {
  if (verifier.isFetching) return
  verifier.isFetching = true
  wait(
    world,
    3000,
    within(world, verifier, () => (verifier.isFetching = false)),
  )
  const use = (snapshot: Snapshot) =>
    within(world, verifier, () => {
      verifier.isFetching = false
      stepVerifier(world, verifier, { kind: 'snapshot', snapshot })
    })
  const { kept } = verifier
  if (kept !== null && !world.isHealed && world.chance.is(world.scene.cached))
    return wait(world, travel(world), use(kept))
  const hub = someHub(world, verifier)
  reach(world, verifier, hub, () => {
    const window = world.core.keeps(world.scene.lifeSeconds)
    const entries = entriesWithin(hub.hub, window, instantOf(hub.clocks, world.line.now))
    const snapshot = { epoch: hub.hub.epoch, position: hub.hub.head, window, entries }
    verifier.kept = world.chance.is(0.5) || verifier.kept === null ? snapshot : verifier.kept
    wait(world, travel(world), use(snapshot))
  })
}

function fetchLog(world: World, verifier: VerifierProcess, { from, to }: { from: number; to: number }): void {
  const hub = someHub(world, verifier)
  reach(world, verifier, hub, () => {
    const entries = entriesBetween(hub.hub, { from, to }, instantOf(hub.clocks, world.line.now))
    const { epoch } = hub.hub
    const use = within(world, verifier, () => {
      if (entries === null) fetchSnapshot(world, verifier)
      else stepVerifier(world, verifier, { kind: 'revoked', epoch, entries, wantsAck: false })
    })
    wait(world, travel(world), use)
  })
}
