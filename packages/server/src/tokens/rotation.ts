import type { SessionRecord } from '../sessions/index.ts'

/**
 * Rotation of a bearer refresh token, as one pure judgement. A lost response that is tried again and a
 * thief's replay are the same bytes, so a repeat is forgiven only at distance one, for a short while, with
 * the same successor, and not for ever: a thief who walks in step with the owner is found by the repeats in
 * a row. Anything older ends the session.
 */
export type RefreshState = {
  generation: number
  /** Hashes of the current secret and of the one before. `previous` is null after a new proof. */
  current: string
  previous: string | null
  salt: string | null
  rotatedAt: number
  repeats: number
  repeatedGeneration: number
}

export type PresentedRefresh = { generation: number; hash: string }

export type RotationRule = { repeatSeconds: number; repeats: number }

export type Verdict =
  | { kind: 'rotate'; repeats: number }
  | { kind: 'repeat'; repeats: number }
  | { kind: 'end'; reason: 'refresh_reused' | 'refresh_repeats_exhausted' }
  | { kind: 'refuse'; reason: 'replaced' | 'refresh_from_the_future' }

export function judgeRefresh(
  state: RefreshState,
  presented: PresentedRefresh,
  at: RotationRule & { now: number },
): Verdict {
  const distance = state.generation - presented.generation
  if (distance < 0) return { kind: 'refuse', reason: 'refresh_from_the_future' }
  if (distance === 0) return judgeCurrent(state, presented)
  const isSoon = at.now < state.rotatedAt + at.repeatSeconds
  if (state.previous === null) {
    // Replaced by a new proof, not by a successor: a request that was on its way is no theft.
    return isSoon ? { kind: 'refuse', reason: 'replaced' } : { kind: 'end', reason: 'refresh_reused' }
  }
  if (distance > 1) return { kind: 'end', reason: 'refresh_reused' }
  if (presented.hash !== state.previous) return { kind: 'refuse', reason: 'refresh_from_the_future' }
  if (!isSoon || state.salt === null) return { kind: 'end', reason: 'refresh_reused' }
  return judgeRepeat(state, at)
}

function judgeCurrent(state: RefreshState, presented: PresentedRefresh): Verdict {
  // A genuine token of this generation that is not the one on record: the database has lost writes.
  if (presented.hash !== state.current) return { kind: 'refuse', reason: 'refresh_from_the_future' }
  // Only a generation that nobody repeated breaks the row.
  return { kind: 'rotate', repeats: state.repeatedGeneration === state.generation ? state.repeats : 0 }
}

function judgeRepeat(state: RefreshState, at: RotationRule): Verdict {
  const repeats = state.repeats + 1
  if (repeats >= at.repeats) return { kind: 'end', reason: 'refresh_repeats_exhausted' }
  return { kind: 'repeat', repeats }
}

/** What a session keeps of its refresh token; null where it never had one. */
export function refreshState(session: SessionRecord): RefreshState | null {
  if (session.refresh_current === null) return null
  return {
    generation: session.refresh_generation,
    current: session.refresh_current,
    previous: session.refresh_previous,
    salt: session.refresh_salt,
    rotatedAt: session.refresh_rotated_at ?? 0,
    repeats: session.refresh_repeats,
    repeatedGeneration: session.refresh_repeated_generation,
  }
}
