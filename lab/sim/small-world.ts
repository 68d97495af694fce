import { stamp } from '@counterfoil/verifier'
import type { Core } from './core.ts'
import type { Explorable } from './explore.ts'
import type { Rotation } from './refresh-server.ts'
import { commit, type SmallWorld } from './small-refresh.ts'
import { instantAt } from './small-time.ts'
import { beat, cookie, createNode, judgeNodes, store } from './small-verifier.ts'

export type Bounds = { verifiers: number; ticks: number; fills: number; refreshes: number; crashes: number }

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
