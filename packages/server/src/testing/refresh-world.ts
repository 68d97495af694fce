import { judgeRefresh, type RefreshState, type RotationRule } from '../tokens/rotation.ts'

/** A refresh token of the model: its secret is the way it came about. */
export type ModelToken = { generation: number; secret: string }

/** What the server would hold if every verdict and its effect were one step, as the compare-and-swap makes them. */
export type World = {
  state: RefreshState
  now: number
  ended: string | null
  /** Every secret that was handed out, by generation. */
  given: Map<number, Set<string>>
  salts: number
}

export const firstToken: ModelToken = { generation: 1, secret: 'first' }

export function refreshWorld(): World {
  return {
    state: {
      generation: 1,
      current: 'first',
      previous: null,
      salt: null,
      rotatedAt: 0,
      repeats: 0,
      repeatedGeneration: 0,
    },
    now: 0,
    ended: null,
    given: new Map([[1, new Set(['first'])]]),
    salts: 0,
  }
}

/** Shows a token to the model. `null`: refused. */
export function present(world: World, token: ModelToken, rule: RotationRule): ModelToken | null {
  if (world.ended !== null) return null
  const presented = { generation: token.generation, hash: token.secret }
  const verdict = judgeRefresh(world.state, presented, { ...rule, now: world.now })
  if (verdict.kind === 'end') world.ended = verdict.reason
  if (verdict.kind === 'end' || verdict.kind === 'refuse') return null
  if (verdict.kind === 'rotate') {
    const salt = String(world.salts++)
    world.state = {
      ...world.state,
      generation: token.generation + 1,
      previous: token.secret,
      current: `${token.secret}/${salt}`,
      salt,
      rotatedAt: world.now,
      repeats: verdict.repeats,
    }
  } else {
    const { generation } = world.state
    world.state = { ...world.state, repeats: verdict.repeats, repeatedGeneration: generation }
  }
  const next = { generation: world.state.generation, secret: `${token.secret}/${world.state.salt}` }
  world.given.set(next.generation, (world.given.get(next.generation) ?? new Set()).add(next.secret))
  return next
}
