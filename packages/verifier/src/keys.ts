import type { KeySet } from './key-set.ts'
import type { Machine } from './machine.ts'
import type { VerificationKey } from './public-key.ts'
import type { Soon } from './soon.ts'

/** The issuer's keys as they were fetched last. */
export type Keys = {
  /**
   * The key of this id. One that is not known is looked for in another fetch, at most one in 30 s, since anybody can
   * make ids up. `unavailable`: nobody can say.
   */
  find(kid: string): Soon<VerificationKey | 'unknown' | 'unavailable'>
  /** Fetches them now, or joins whoever does. False: it did not work, and the ones from before stay. */
  refresh(): Promise<boolean>
  /** Fetches them if they are so old that one may have been taken back meanwhile. */
  keepFresh(): void
}

const cooldown = 30_000
/** After a fetch that failed: the server may be back in a moment. */
const failedCooldown = 1_500
const keptFor = 300_000

/** `fetchKeys`: null where no key set came. */
export function createKeys(given: { machine: Machine; fetchKeys: () => Promise<KeySet | null> }): Keys {
  const { machine, fetchKeys } = given
  let known: KeySet | null = null
  let fetchedAt = Number.NEGATIVE_INFINITY
  let coolUntil = Number.NEGATIVE_INFINITY
  let lastWorked = false
  let running: Promise<boolean> | null = null

  async function fetchOnce(): Promise<boolean> {
    const found = await fetchKeys()
    const { mono } = machine.now()
    lastWorked = found !== null
    coolUntil = mono + (lastWorked ? cooldown : failedCooldown)
    if (found !== null) {
      known = found
      fetchedAt = mono
    }
    return lastWorked
  }

  function refresh(): Promise<boolean> {
    running ??= fetchOnce().finally(() => {
      running = null
    })
    return running
  }

  async function lookFor(kid: string): Promise<VerificationKey | 'unknown' | 'unavailable'> {
    if (running !== null || machine.now().mono >= coolUntil) await refresh()
    return known?.get(kid) ?? (lastWorked ? 'unknown' : 'unavailable')
  }

  return {
    refresh,
    find: (kid) => known?.get(kid) ?? lookFor(kid),
    keepFresh() {
      const { mono } = machine.now()
      if (mono - fetchedAt >= keptFor && mono >= coolUntil) void refresh()
    },
  }
}
