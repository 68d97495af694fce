import {
  type Checker,
  cookieRights,
  createChecker,
  type Instant,
  keysOf,
  type Statement,
  type StreamMessage,
  stamp,
} from '@counterfoil/verifier'
import type { RefreshState } from 'counterfoil/testing'
import { createHub, entriesWithin, type Hub, type LogRow } from 'counterfoil/testing'
import { wallStart } from './clocks.ts'
import type { Core } from './core.ts'
import { keyOf } from './database.ts'
import type { Explorable } from './explore.ts'
import { type Rotation, rule } from './refresh-server.ts'

/** One session, two nodes that refresh it, and verifiers; time in steps of ten seconds. */
export type SmallWorld = {
  time: number
  revokedAt: number | null
  refresh: RefreshState & { isEnded: boolean }
  requests: Request[]
  tokens: { generation: number; secret: string; statement: Statement }[]
  nodes: Node[]
  crashes: number
  wrong: string | null
}

type Request = {
  phase: 'idle' | 'read' | 'over'
  shown: number
  state: RefreshState | null
  readAt: number
  asOf: number
}

type Node = {
  checker: Checker
  hub: Hub
  link: number
  beatAt: number
  fill: { readAt: number; asOf: number; askedAt: number } | null
  fills: number
}

export type Bounds = { verifiers: number; ticks: number; fills: number; refreshes: number; crashes: number }

const step = 10_000
/** In steps: how long a statement is believed, and how old what is known may be. */
const life = 4
const maxStale = 1
const lifeSeconds = (life * step) / 1000

const instantAt = (time: number): Instant => ({
  mono: 5_000_000 + time * step,
  wall: wallStart + time * step,
})
const secondsAt = (time: number) => Math.floor((wallStart + time * step) / 1000)
const row: LogRow = { position: 1, kind: 'session', key: keyOf('session:one'), wantsAck: false }
const cookie = 'cookie'.padEnd(40, '.')

function statementOf(
  carried: 'cookies' | 'tokens',
  { readAt, asOf }: { readAt: number; asOf: number },
): Statement {
  const session = { id: 'one', created_at: 0, last_seen_at: 0, device: '', carrier: null, current: true }
  const rights = carried === 'cookies' ? cookieRights : { ...cookieRights, carrier: 'bearer' as const }
  const own = carried === 'cookies' ? { cookieId: 'cookie', keyId: null } : { cookieId: null, keyId: 'key' }
  const readStart = secondsAt(readAt)
  return {
    ...{ account: { id: 'account', email: null }, session, rights, authenticatedAt: 0, clientId: 'client' },
    ...{ ...own, asOf, readStart, end: readStart + lifeSeconds },
  }
}

const allKeys = {
  cookies: keysOf(statementOf('cookies', { readAt: 0, asOf: 0 })),
  tokens: keysOf(statementOf('tokens', { readAt: 0, asOf: 0 })),
}

const createNode = (time: number): Node => ({
  checker: createChecker({ now: instantAt(time), entries: 100 }),
  ...{ hub: createHub('hub'), link: 0, beatAt: -1, fill: null, fills: 0 },
})

export function smallWorld(given: {
  core: Core
  rotation: Rotation
  bounds: Bounds
}): Explorable<SmallWorld> {
  const { core, bounds } = given
  return {
    begin: () => ({
      ...{ time: 0, revokedAt: null, tokens: [], crashes: 0, wrong: null },
      refresh: {
        ...{ generation: 0, current: 'first', previous: null, salt: null, rotatedAt: 0 },
        ...{ repeats: 0, repeatedGeneration: 0, isEnded: false },
      },
      requests: Array.from({ length: bounds.refreshes }, () => ({
        phase: 'idle',
        shown: 0,
        state: null,
        readAt: 0,
        asOf: 0,
      })),
      nodes: Array.from({ length: bounds.verifiers }, () => createNode(0)),
    }),
    actions: (world) => actionsOf(world, bounds),
    act: (world, action) => act(world, action, given),
    name: nameOf,
    wrong: (world) => world.wrong ?? judgeNodes(world, core),
  }
}

function actionsOf(world: SmallWorld, bounds: Bounds): string[] {
  const actions: string[] = []
  if (world.time < bounds.ticks) actions.push('tick')
  if (world.revokedAt === null) actions.push('revoke')
  for (const [index, { fill, fills, beatAt }] of world.nodes.entries()) {
    if (fill !== null) actions.push(`store ${index}`)
    else if (fills < bounds.fills) actions.push(`fill ${index}`)
    if (beatAt < world.time) actions.push(`beat ${index}`)
    if (world.crashes < bounds.crashes) actions.push(`crash ${index}`)
  }
  for (const [index, { phase }] of world.requests.entries()) {
    if (phase === 'read') actions.push(`commit ${index}`, `die ${index}`)
    if (phase !== 'idle') continue
    actions.push(`show ${index} 0`)
    const newest = Math.max(0, ...world.tokens.map(({ generation }) => generation))
    if (newest > 0) actions.push(`show ${index} ${newest}`)
  }
  return actions
}

function act(
  world: SmallWorld,
  action: string,
  { core, rotation }: { core: Core; rotation: Rotation },
): void {
  const [verb = '', first = '0', second = '0'] = action.split(' ')
  const node = world.nodes[Number(first)]
  const request = world.requests[Number(first)]
  const asOf = world.revokedAt === null ? 0 : 1
  if (verb === 'tick') world.time++
  else if (verb === 'revoke') {
    world.revokedAt = world.time
    world.refresh.isEnded = true
  } else if (verb === 'fill' && node) {
    node.fills++
    const askedAt = stamp(node.checker.view.steady, instantAt(world.time))
    if (world.revokedAt === null) node.fill = { readAt: world.time, asOf, askedAt }
  } else if (verb === 'store' && node) store(world, node, core)
  else if (verb === 'beat' && node) beat(world, node, core)
  else if (verb === 'crash') {
    world.crashes++
    world.nodes[Number(first)] = { ...createNode(world.time), fills: node?.fills ?? 0 }
  } else if (verb === 'show' && request) {
    Object.assign(request, {
      phase: 'read',
      shown: Number(second),
      state: { ...world.refresh },
      readAt: world.time,
      asOf,
    })
    if (world.refresh.isEnded) request.phase = 'over'
  } else if (verb === 'die' && request) request.phase = 'over'
  else if (verb === 'commit' && request) commit(world, request, { core, rotation })
}

function store({ time }: SmallWorld, node: Node, core: Core): void {
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
function beat(world: SmallWorld, node: Node, core: Core): void {
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

function commit(
  world: SmallWorld,
  request: Request,
  { core, rotation }: { core: Core; rotation: Rotation },
): void {
  const { state, shown, readAt, asOf } = request
  const secret =
    shown === 0 ? 'first' : (world.tokens.find(({ generation }) => generation === shown)?.secret ?? '')
  if (state === null) return
  const verdict = rotation.judge(
    state,
    { generation: shown, hash: secret },
    { ...rule, now: (readAt * step) / 1000 },
  )
  request.phase = 'over'
  const { refresh } = world
  if (verdict.kind === 'end') refresh.isEnded = true
  if (verdict.kind === 'end' || verdict.kind === 'refuse') return
  const isStill =
    !refresh.isEnded && refresh.generation === state.generation && refresh.repeats === state.repeats
  if (rotation.compares && !isStill) {
    // Somebody else was first: read again and judge anew.
    request.phase = refresh.isEnded ? 'over' : 'read'
    Object.assign(request, {
      state: { ...refresh },
      readAt: world.time,
      asOf: world.revokedAt === null ? 0 : 1,
    })
    return
  }
  if (refresh.isEnded) world.wrong = 'refreshed after the end of its session'
  const isNew = verdict.kind === 'rotate'
  const salt = isNew || !rotation.repeatsSame ? String(world.requests.indexOf(request)) : (state.salt ?? '')
  const next = `${secret}/${salt}`
  if (isNew) {
    const moved = {
      generation: shown + 1,
      previous: secret,
      current: next,
      salt,
      rotatedAt: (world.time * step) / 1000,
    }
    Object.assign(refresh, moved, { repeats: verdict.repeats })
  } else Object.assign(refresh, { repeats: verdict.repeats, repeatedGeneration: refresh.generation })
  const issuedAt = core.countsFrom === 'read' ? readAt : world.time
  world.tokens.push({
    generation: shown + 1,
    secret: next,
    statement: statementOf('tokens', { readAt: issuedAt, asOf }),
  })
  const leaves = new Set(
    world.tokens.filter(({ generation }) => generation === shown + 1).map((one) => one.secret),
  )
  if (leaves.size > 1) world.wrong = 'two live leaves'
}

/** Every credential is shown to every verifier at every moment. */
function judgeNodes(world: SmallWorld, core: Core): string | null {
  const now = instantAt(world.time)
  for (const [index, node] of world.nodes.entries()) {
    const { checker } = node
    const entries = [core.find(checker, { carried: 'cookies', credential: cookie }, now)]
    for (const [number, { statement }] of world.tokens.entries()) {
      const credential = `token ${number}`.padEnd(40, '.')
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

function nameOf({ time, revokedAt, refresh, requests, tokens, nodes, crashes }: SmallWorld): string {
  const told = nodes.map(({ checker, link, beatAt, fill, fills }) => {
    const { view, cookies } = checker
    const entry = cookies.get(cookie)
    const marks = [...view.ends.values()].map(({ forgetAt }) => forgetAt)
    const kept = entry && [entry.end, Math.round(entry.askedAt), entry.seen < view.version]
    const fresh = view.freshAt === null ? null : Math.round(view.freshAt - view.steady.elapsed)
    return JSON.stringify([
      view.applied,
      view.window,
      marks,
      view.pruneAt,
      fresh,
      kept,
      link,
      beatAt,
      fill,
      fills,
    ])
  })
  const shown = tokens.map(({ generation, secret, statement }) => [
    generation,
    secret,
    statement.end,
    statement.asOf,
  ])
  const asked = requests.map((one) => [
    one.phase,
    one.shown,
    one.readAt,
    one.asOf,
    one.state?.generation,
    one.state?.repeats,
    one.state?.salt,
  ])
  return JSON.stringify([time, revokedAt, crashes, refresh, asked, shown, told.sort()])
}
