import { type Checker, createChecker, type StreamMessage } from '@counterfoil/verifier'
import { createHub, entriesWithin, type Hub, type LogRow } from 'counterfoil/house'
import type { Core } from './core.ts'
import { keyOf } from './database.ts'
import type { SmallWorld } from './small-refresh.ts'
import { allKeys, instantAt, lifeSeconds, maxStale, statementOf, step } from './small-time.ts'

export type Node = {
  checker: Checker
  hub: Hub
  link: number
  beatAt: number
  fill: { readAt: number; asOf: number; askedAt: number } | null
  fills: number
}

const row: LogRow = { position: 1, kind: 'session', key: keyOf('session:one'), wantsAck: false }
export const cookie = 'cookie'.padStart(40, '.')

export const createNode = (time: number): Node => ({
  checker: createChecker({ now: instantAt(time), entries: 100 }),
  ...{ hub: createHub('hub'), link: 0, beatAt: -1, fill: null, fills: 0 },
})

export function store({ time }: SmallWorld, node: Node, core: Core): void {
  const { checker, fill } = node
  node.fill = null
  if (fill === null) return
  const readAt = core.countsFrom === 'read' ? fill.readAt : time
  const statement = { ...statementOf('cookies', { readAt, asOf: fill.asOf }) }
  core.admit(
    checker,
    { carried: 'cookies', credential: cookie, statement, keys: allKeys.cookies, askedAt: fill.askedAt },
    instantAt(time),
  )
}

/** Connects if need be, then a write, what it lets the hub read, and the heartbeat. */
export function beat(world: SmallWorld, node: Node, core: Core): void {
  const { checker, hub } = node
  const now = instantAt(world.time)
  node.beatAt = world.time
  const rows = world.revokedAt === null ? [] : [row]
  const tell = (message: StreamMessage) => {
    const event = message.kind === 'revoked' ? message : { ...message, link: 1 }
    for (const effect of core.step(checker, event, now)) {
      if (effect.kind !== 'snapshot') continue
      const window = core.keeps(lifeSeconds)
      const entries = entriesWithin(hub, window, now)
      core.step(
        checker,
        { kind: 'snapshot', snapshot: { epoch: 1, position: hub.head, window, entries } },
        now,
      )
    }
  }
  const run = (effects: ReturnType<Core['stepHub']>) => {
    for (const effect of effects) {
      if (effect.kind === 'send') tell(effect.message)
      else if (effect.kind === 'read') run(core.stepHub(hub, { kind: 'read', rows }, now))
    }
  }
  if (node.link === 0) {
    node.link = 1
    run(
      core.stepHub(
        hub,
        { kind: 'loaded', epoch: 1, head: rows.length, rows, epochs: [{ epoch: 1, start: 0 }] },
        now,
      ),
    )
    core.step(checker, { kind: 'opened', link: 1, nonce: 'nonce' }, now)
    run(core.stepHub(hub, { kind: 'connected', link: 1, nonce: 'nonce', after: null }, now))
  }
  run(core.stepHub(hub, { kind: 'ticked', a: now.mono, epoch: 1, head: rows.length }, now))
}

/** Every credential is shown to every verifier at every moment. */
export function judgeNodes(world: SmallWorld, core: Core): string | null {
  const now = instantAt(world.time)
  for (const [index, node] of world.nodes.entries()) {
    const { checker } = node
    const entries = [core.find(checker, { carried: 'cookies', credential: cookie }, now)]
    for (const [number, { statement }] of world.tokens.entries()) {
      const credential = `token ${number}`.padStart(40, '.')
      const known = core.find(checker, { carried: 'tokens', credential }, now)
      const shown = { carried: 'tokens' as const, credential, statement, keys: allKeys.tokens, askedAt: 0 }
      const admission = known === null ? core.admit(checker, shown, now) : null
      entries.push(admission?.kind === 'admitted' ? admission.entry : known)
    }
    const { revokedAt } = world
    if (revokedAt === null) continue
    for (const entry of entries) {
      if (entry === null) continue
      if (checker.view.applied > 0) return `verifier ${index} accepted after its end was applied`
      const isStrict = core.isFresh(checker, { entry, maxStale: maxStale * step }, now)
      if (isStrict && world.time - revokedAt > maxStale)
        return `verifier ${index} accepted after its end and maxStale`
    }
  }
  return null
}
