import type { KeySet } from './key-set.ts'
import { type Machine, pause } from './machine.ts'
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
  /** The feed has told that other keys are published: fetches them now, and once more in a moment. */
  renew(): void
  /** Fetches them if they are so old that one may have been taken back meanwhile. */
  keepFresh(): void
}

const cooldown = 30_000
/** After a fetch that failed: the server may be back in a moment. */
const failedCooldown = 1_500
const keptFor = 300_000
/** The server that answers may hear the news later than we did: longer than it takes any of them. */
const newsTakes = 1_500
/** While that goes on, since a token of the new key may be here already. */
const newsCooldown = 250

/** `fetchKeys`: null where no key set came. */
export function createKeys(given: { machine: Machine; fetchKeys: () => Promise<KeySet | null> }): Keys {
  const { machine, fetchKeys } = given
  let known: KeySet | null = null
  let fetchedAt = Number.NEGATIVE_INFINITY
  let coolUntil = Number.NEGATIVE_INFINITY
  let lastWorked = false
  let running: Promise<boolean> | null = null
  let news = 0
  let isFollowing = false

  async function fetchOnce(): Promise<boolean> {
    const found = await fetchKeys()
    const { mono } = machine.now()
    lastWorked = found !== null
    const usual = isFollowing ? newsCooldown : cooldown
    coolUntil = mono + (lastWorked ? usual : failedCooldown)
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

  async function followNews(): Promise<void> {
    isFollowing = true
    for (let heard = -1; heard !== news; ) {
      heard = news
      // What is on its way may have left before the news came.
      if (running !== null) await running
      await refresh()
      await pause(machine, newsTakes)
    }
    isFollowing = false
    await refresh()
  }

  async function lookFor(kid: string): Promise<VerificationKey | 'unknown' | 'unavailable'> {
    if (running !== null || machine.now().mono >= coolUntil) await refresh()
    return known?.get(kid) ?? (lastWorked ? 'unknown' : 'unavailable')
  }

  return {
    refresh,
    renew() {
      news++
      if (!isFollowing) void followNews()
    },
    find: (kid) => known?.get(kid) ?? lookFor(kid),
    keepFresh() {
      const { mono } = machine.now()
      if (mono - fetchedAt >= keptFor && mono >= coolUntil) void refresh()
    },
  }
}
