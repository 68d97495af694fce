import type { Statement } from '@counterfoil/verifier'
import type { RefreshState } from 'counterfoil/house'
import type { Core } from './core.ts'
import { type Rotation, rule } from './refresh-server.ts'
import { statementOf, step } from './small-time.ts'
import type { Node } from './small-verifier.ts'

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

export type Request = {
  phase: 'idle' | 'read' | 'over'
  shown: number
  state: RefreshState | null
  readAt: number
  asOf: number
}

export function commit(
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
