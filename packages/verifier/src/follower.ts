import { type Checker, restartChecker } from './checker.ts'
import { skewSeconds } from './feed.ts'
import { createFetches } from './fetches.ts'
import { backoff, type Machine } from './machine.ts'
import type { FeedAddresses } from './metadata.ts'
import { noteId, type Reached, settleId } from './reached.ts'
import type { Requests } from './requests.ts'
import { readStream, type Told } from './stream.ts'
import { ageOf, stepView, type View, type ViewEffect, type ViewEvent } from './view.ts'

/** Keeps the view of a checker up with the hubs, over one connection at a time. */
export type Follower = {
  start(): void
  /** Comes back when the server knows, or was told in vain. Whoever calls accepts nobody any more. */
  close(): Promise<void>
  /** A hub has told us, over a connection that is still open, how fresh we are. */
  isConnected(): boolean
}

export type FollowerNeeds = {
  checker: Checker
  machine: Machine
  requests: Requests
  addresses: FeedAddresses
  /** Names this process among the verifiers that the server knows. */
  verifier: string
  /** Seconds: the longest that any of our routes trusts what it knows. */
  maxStale: number
  /** Seconds: how far back ends are wanted. */
  window: number
  /** Other signing keys are published, or one has ended. */
  onKeys: () => void
  /** The first time that we are fresh, and the first time that we fail to be. */
  onSettled: () => void
}

type Link = { readonly controller: AbortController; heardAt: number; isGreeted: boolean; isCounted: boolean }

const greetingWithin = 2_000
const heartbeatWithin = 3_000
const renewedAfter = 600_000
/**
 * Heartbeats come and what is known grows old all the same: one of the clocks was set, or something between holds them back.
 * Another connection measures anew.
 */
const lateAfter = 3_000
/** How long a connection that is to replace another one may take before the next is tried. */
const renewalWithin = 15_000

export function createFollower(needs: FollowerNeeds): Follower {
  const { checker, machine, requests, addresses, verifier, maxStale, window, onKeys, onSettled } = needs
  const links = new Map<number, Link>()
  const fetches = createFetches({ machine, requests, addresses, verifier, window, step })
  let reached: Reached = { id: null, beyond: null }
  let lastLink = 0
  let failures = 0
  let waiting: (() => void) | null = null
  let renewAt = Number.POSITIVE_INFINITY
  let lateAt = 0
  let isClosed = false
  let isLost = false
  let isSkewed = false
  let keysAt: number | null = null

  function step(event: ViewEvent): void {
    for (const effect of stepView(checker.view, event, machine.now())) perform(effect)
    settleId(reached, checker.view)
    noticeSkew(checker.view)
    noticeKeys(checker.view)
  }

  /** What the first snapshot tells is from before our own first fetch of the keys. */
  function noticeKeys({ epoch, keysAt: now }: View): void {
    if (epoch === 0) return
    const isNews = keysAt !== null && now > keysAt
    keysAt = Math.max(now, keysAt ?? 0)
    if (isNews) onKeys()
  }

  function noticeSkew(view: View): void {
    if (view.isSkewed === isSkewed) return
    isSkewed = view.isSkewed
    const message = isSkewed
      ? `the clocks of this machine and of the server are more than ${skewSeconds} s apart: nothing counts as fresh until one of them is set`
      : 'the clocks agree again'
    machine.log({ level: isSkewed ? 'error' : 'info', message })
  }

  function perform(effect: ViewEffect): void {
    if (effect.kind === 'snapshot') fetches.snapshot()
    else if (effect.kind === 'log') fetches.log(effect)
    else if (effect.kind === 'ack') fetches.acknowledge(effect.position)
    else if (effect.kind === 'restart') restart()
    else fail(effect.link, `it cannot be believed (${effect.why})`)
  }

  function restart(): void {
    machine.log({ level: 'warn', message: 'the clock was set; what was judged by it is forgotten' })
    waiting?.()
    waiting = null
    restartChecker(checker, machine.now())
    reached = { id: null, beyond: null }
    for (const id of [...links.keys()]) drop(id)
    connect()
  }

  /** Everything is measured from before the request leaves, so that is told first. */
  function connect(): void {
    const id = ++lastLink
    const nonce = machine.nonce()
    const controller = new AbortController()
    fetches.anew()
    step({ kind: 'opened', link: id, nonce })
    links.set(id, { controller, heardAt: machine.now().mono, isGreeted: false, isCounted: false })
    const address = `${addresses.stream}?${new URLSearchParams({ verifier, nonce, max_stale: String(Math.ceil(maxStale)) })}`
    const { signal } = controller
    const onTold = (told: Told) => hear(id, told)
    void readStream({ requests, address, lastEventId: reached.id, signal, onTold }).then((why) =>
      fail(id, why),
    )
  }

  function hear(id: number, { message, id: positionId }: Told): void {
    const link = links.get(id)
    if (link === undefined) return
    if (positionId !== null) noteId(reached, positionId, message)
    step(message.kind === 'revoked' ? message : { ...message, link: id })
    if (message.kind === 'hello') link.isGreeted = true
    if (message.kind === 'revoked') return
    link.heardAt = machine.now().mono
    const heartbeat = checker.view.links.get(id)?.heartbeat
    if (!link.isCounted && heartbeat && heartbeat.head <= checker.view.applied) count(id, link)
  }

  /** The first heartbeat that counts: from here on the other connections are not needed. */
  function count(id: number, link: Link): void {
    link.isCounted = true
    failures = 0
    renewAt = machine.now().mono + renewedAfter * (0.9 + 0.1 * machine.chance())
    for (const other of [...links.keys()]) if (other !== id) drop(other)
    // Whoever waits for us may have asked while we were away.
    fetches.acknowledge(checker.view.applied)
    if (isLost) machine.log({ level: 'info', message: 'revocations are seen again' })
    isLost = false
    onSettled()
  }

  function drop(id: number): void {
    const link = links.get(id)
    if (link === undefined) return
    links.delete(id)
    link.controller.abort()
    step({ kind: 'closed', link: id })
  }

  function fail(id: number, why: string): void {
    if (!links.has(id)) return
    drop(id)
    if (isClosed || links.size > 0 || waiting !== null) return
    if (!isLost) machine.log({ level: 'warn', message: `the feed is lost: ${why}` })
    isLost = true
    onSettled()
    waiting = machine.after(backoff(machine, failures++), () => {
      waiting = null
      connect()
    })
  }

  function isLate(): boolean {
    const now = machine.now()
    const isTold = [...links.values()].some(
      ({ isCounted, heardAt }) => isCounted && now.mono - heardAt < 1500,
    )
    const age = ageOf(checker.view, now)
    return isTold && Number.isFinite(age) && age > lateAfter
  }

  function tick(): void {
    if (isClosed) return
    step({ kind: 'tick' })
    const { mono } = machine.now()
    for (const [id, { heardAt, isGreeted }] of [...links]) {
      const within = isGreeted ? heartbeatWithin : greetingWithin
      if (mono - heardAt > within) fail(id, 'no heartbeat came')
    }
    if (links.size > 0 && (mono >= renewAt || (mono >= lateAt && isLate()))) {
      lateAt = mono + renewalWithin
      renewAt = mono + renewalWithin
      connect()
    }
    machine.after(250, tick)
  }

  return {
    start() {
      connect()
      fetches.snapshot()
      tick()
    },
    close() {
      isClosed = true
      waiting?.()
      for (const id of [...links.keys()]) drop(id)
      return fetches.leave()
    },
    isConnected: () => [...links.values()].some(({ isCounted }) => isCounted),
  }
}
