import {
  type Checker,
  feedWindowSeconds,
  restartChecker,
  type Snapshot,
  type StreamMessage,
  stepView,
  type ViewEffect,
} from '@counterfoil/verifier'
import type { Entropy, Log, Watch } from '../machine.ts'
import { entriesBetween, entriesWithin, type Hub, stepHub } from './hub.ts'

/** The link of this process to its own hub. */
export const localLink = 0

export type OwnView = {
  /** Connects anew, as a verifier elsewhere does. */
  listen(): void
  tell(message: StreamMessage): void
  /** Takes over what the hub knows, in one piece. */
  takeSnapshot(): void
}

export function snapshotOf(hub: Hub, window: number, clock: Watch): Snapshot {
  return {
    epoch: hub.epoch,
    position: hub.head,
    window,
    entries: entriesWithin(hub, window, clock.instant()),
  }
}

/** The checker of this process hears what everybody hears, without a wire in between. */
export function openOwnView(given: {
  hub: Hub
  checker: Checker
  clock: Watch
  entropy: Entropy
  log: Log
}): OwnView {
  const { hub, checker, clock, entropy, log } = given

  function obey(effects: readonly ViewEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'snapshot') takeSnapshot()
      else if (effect.kind === 'log') {
        const entries = entriesBetween(hub, effect, clock.instant()) ?? []
        const event = { kind: 'revoked', epoch: hub.epoch, entries, wantsAck: false } as const
        stepView(checker.view, event, clock.instant())
      } else if (effect.kind === 'restart') {
        log.info('the clock was set; what was judged by it is forgotten')
        restartChecker(checker, clock.instant())
        listen()
      } else if (effect.kind === 'reconnect') listen()
    }
  }

  function takeSnapshot(): void {
    const event = { kind: 'snapshot', snapshot: snapshotOf(hub, feedWindowSeconds.cookies, clock) } as const
    obey(stepView(checker.view, event, clock.instant()))
  }

  function tell(message: StreamMessage): void {
    const event = message.kind === 'revoked' ? message : { ...message, link: localLink }
    obey(stepView(checker.view, event, clock.instant()))
  }

  function listen(): void {
    const nonce = entropy.id()
    hub.links.delete(localLink)
    stepView(checker.view, { kind: 'opened', link: localLink, nonce }, clock.instant())
    const event = { kind: 'connected', link: localLink, nonce, after: null } as const
    for (const effect of stepHub(hub, event, clock.instant()))
      if (effect.kind === 'send') tell(effect.message)
  }

  return { listen, tell, takeSnapshot }
}
