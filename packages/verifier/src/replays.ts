// Which proofs were seen already, in this process. Pure: nothing here reads a clock.

/** Proofs that could be shown again, by key. Never more than `capacity`; none is forgotten before its time. */
export type Replays = {
  readonly capacity: number
  size: number
  readonly keys: Map<string, Seen>
  /** What may be forgotten when. */
  readonly leaving: Map<number, Leaving[]>
  /** The second for which everything that was good until before it was dropped. */
  forgottenAt: number
}

type Seen = { readonly thumbprint: string; readonly ids: Set<string> }
type Leaving = { readonly seen: Seen; readonly id: string }

/** A check may have begun so many seconds before others that have ended since. Further back is a clock that was put back. */
const longestCheckSeconds = 60

/** No key may hold more than this part of what is left, so that none can fill the memory for the others. */
const share = 1 / 4

export function createReplays(capacity: number): Replays {
  return { capacity, size: 0, keys: new Map(), leaving: new Map(), forgottenAt: Number.NEGATIVE_INFINITY }
}

/**
 * Notes a proof that is good until `until`, in whole seconds. `replayed`: it was here before. `late`: that was so long ago
 * that it may have been forgotten; whoever judged it did so before others came that far. `full`: it cannot be
 * remembered, so it must not be accepted. That befalls whoever uses the most first: with n keys that send as much as they
 * can, 4 / (4 + n) of all places stay free for the others.
 */
export function noteProof(
  replays: Replays,
  proof: { thumbprint: string; id: string; until: number },
  now: number,
): 'new' | 'replayed' | 'late' | 'full' {
  forgetProofs(replays, now)
  const { thumbprint, id, until } = proof
  if (until < replays.forgottenAt) return 'late'
  const seen = replays.keys.get(thumbprint) ?? { thumbprint, ids: new Set() }
  if (seen.ids.has(id)) return 'replayed'
  if (seen.ids.size >= share * (replays.capacity - replays.size)) return 'full'
  if (seen.ids.size === 0) replays.keys.set(thumbprint, seen)
  seen.ids.add(id)
  const leaving = replays.leaving.get(until)
  if (leaving === undefined) replays.leaving.set(until, [{ seen, id }])
  else leaving.push({ seen, id })
  replays.size++
  return 'new'
}

/** Drops what was good until before `now`. */
export function forgetProofs(replays: Replays, now: number): void {
  const behind = replays.forgottenAt - now
  if (behind >= 0 && behind <= longestCheckSeconds) return
  for (const [until, leaving] of replays.leaving) {
    if (until >= now) continue
    replays.leaving.delete(until)
    for (const { seen, id } of leaving) {
      seen.ids.delete(id)
      if (seen.ids.size === 0) replays.keys.delete(seen.thumbprint)
    }
    replays.size -= leaving.length
  }
  replays.forgottenAt = now
}
