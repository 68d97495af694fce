import type { KeySet } from '@counterfoil/verifier'
import type { SigningKeyTable } from '../db/schema.ts'
import type { SigningAlgorithm } from '../machine.ts'

/**
 * A signing key is published, then active, then retired, then gone. Any node may sign with any active key:
 * every verifier has known it since it was published.
 */
export type KeyTimes = Pick<SigningKeyTable, 'kid' | 'published_at' | 'active_at' | 'retired_at'>

export type KeyState = 'reserve' | 'published' | 'active' | 'retired' | 'gone'

/** How long past the last signature a key must be held: the longest life of a token, and some for clocks. */
export function keyState(
  key: KeyTimes,
  { now, keepSeconds }: { now: number; keepSeconds: number },
): KeyState {
  if (key.active_at === null) return 'reserve'
  if (key.retired_at !== null && now >= key.retired_at + keepSeconds) return 'gone'
  if (key.retired_at !== null && now >= key.retired_at) return 'retired'
  return now >= key.active_at ? 'active' : 'published'
}

/**
 * The newest active key signs; where none is, the next one, since a machine that is a second ahead of this one
 * may have made it. `null` where there is neither.
 */
export function signingKey<Key extends KeyTimes>(
  keys: readonly Key[],
  at: { now: number; keepSeconds: number },
): Key | null {
  const active = keys.filter((key) => keyState(key, at) === 'active')
  active.sort((a, b) => (b.active_at ?? 0) - (a.active_at ?? 0) || (a.kid < b.kid ? -1 : 1))
  const coming = keys.filter((key) => keyState(key, at) === 'published')
  coming.sort((a, b) => (a.active_at ?? 0) - (b.active_at ?? 0) || (a.kid < b.kid ? -1 : 1))
  return active[0] ?? coming[0] ?? null
}

/** When the next key should begin to sign, if it is time to publish it; otherwise `null`. */
export function nextActivation(
  keys: readonly KeyTimes[],
  rule: { now: number; rotationSeconds: number; publishSeconds: number },
): number | null {
  const newest = Math.max(...keys.map((key) => key.active_at ?? 0))
  const due = newest + rule.rotationSeconds
  return rule.now >= due - rule.publishSeconds ? Math.max(due, rule.now + rule.publishSeconds) : null
}

/** The keys as of one read: who signs, who is believed, what is published. */
export type Ring = {
  kid: string
  algorithm: SigningAlgorithm
  sign(input: string): Uint8Array
  believed: KeySet
  /** The published JWK set, as text. */
  jwks: string
}
