import { type Checker, parseKeySet } from '@counterfoil/verifier'
import type { Db, SigningKeyTable } from '../db/schema.ts'
import { transact } from '../db/transact.ts'
import type { Events } from '../events.ts'
import type { Feed } from '../feed/index.ts'
import type { Clock, Secrets, Signing, SigningAlgorithm } from '../machine.ts'
import type { Policy } from '../policy.ts'
import * as store from './key-store.ts'
import { type KeyState, keyState, nextActivation, type Ring, signingKey } from './keys.ts'

export type ListedKey = { kid: string; algorithm: string; state: KeyState; active_at: number | null }

export type Keys = {
  /** Makes what is missing: a first key, the reserve, a successor that is due. Run at start and now and then. */
  maintain(): Promise<void>
  /** At most a second old: another process may have rotated. */
  ring(): Promise<Ring>
  list(): Promise<ListedKey[]>
  /**
   * `published`: the next key is published now and signs after the publication time. `now`: it signs at
   * once. `compromised`: the reserve key signs at once, and whatever older keys have signed is refused.
   */
  rotate(when: 'published' | 'now' | 'compromised'): Promise<ListedKey[]>
}

type Needs = {
  db: Db
  clock: Clock
  secrets: Secrets
  reserveSecrets: (() => Promise<Secrets>) | null
  signing: Signing
  feed: Feed
  /** Hears what every verifier hears: when another process has rotated. */
  checker: Pick<Checker, 'view'>
  events: Events
  policy: Policy
}

function openReserve(reserveSecrets: Secrets, { kid, wrapped_private }: SigningKeyTable): string {
  try {
    return reserveSecrets.unwrap('signing_key', wrapped_private, kid)
  } catch (cause) {
    throw new Error(
      'The reserve secret (secret.reserve) is not the one that the reserve key was made with. Bring that one back, or take the file away: then a fresh key takes over.',
      { cause },
    )
  }
}

const overtaken = () =>
  new Error('The keys were rotated by somebody else at this moment. Look at `counterfoil keys list`.')

/** The change of no account: verifiers fetch the keys again, at once. */
const keysChanged = { kind: 'changed', id: '' } as const

const ringSeconds = 1
const clockSeconds = 60

export function createKeys(needs: Needs): Keys {
  const { db, clock, secrets, reserveSecrets, signing, feed, checker, events, policy } = needs
  const keepSeconds = policy.accessTokenSeconds + clockSeconds
  let cached: { ring: Promise<Ring>; readAt: number; keysAt: number } | null = null

  async function make(given: { active_at: number | null; under: Secrets }): Promise<SigningKeyTable> {
    const { publicJwk, privateJwk } = await signing.generate(policy.accessTokenAlgorithm)
    const kid = publicJwk.kid ?? ''
    return {
      kid,
      algorithm: policy.accessTokenAlgorithm,
      public_jwk: JSON.stringify(publicJwk),
      wrapped_private: given.under.wrap('signing_key', privateJwk, kid),
      is_reserve: given.active_at === null ? 1 : 0,
      published_at: clock.now(),
      active_at: given.active_at,
      retired_at: null,
    }
  }

  async function makeReserve(): Promise<SigningKeyTable | null> {
    return reserveSecrets === null ? null : make({ active_at: null, under: await reserveSecrets() })
  }

  /** The reserve, wrapped for daily use; `null` where there is none, or its secret is not at hand. */
  async function unlockReserve(): Promise<{ kid: string; wrapped_private: string } | null> {
    const reserve = (await store.listKeys(db)).find((key) => key.is_reserve === 1)
    if (reserve === undefined || reserveSecrets === null) return null
    const { kid } = reserve
    const plain = openReserve(await reserveSecrets(), reserve)
    return { kid, wrapped_private: secrets.wrap('signing_key', plain, kid) }
  }

  /**
   * The reserve becomes the signer; without one a fresh key does, which verifiers learn by its unknown kid.
   * Keys are made first: a transaction that waits for that would hold up everybody.
   */
  async function rotateAfterTheft(): Promise<void> {
    const now = clock.now()
    const reserve = await unlockReserve()
    const made = reserve === null ? await make({ active_at: now, under: secrets }) : await makeReserve()
    await transact(db, async (tx) => {
      const before = await store.listKeys(tx)
      const stolen = before.filter((key) => key.is_reserve === 0).map(({ kid }) => kid)
      if (reserve !== null && !(await store.activate(tx, { ...reserve, at: now }))) throw overtaken()
      await store.remove(tx, stolen)
      const known = reserve === null ? before : await store.listKeys(tx)
      if (made !== null && !(await store.succeed(tx, { key: made, known }))) throw overtaken()
      await events.record(tx, { kind: 'signing_key_revoked', outcome: 'done' })
      await feed.append(
        tx,
        stolen.map((id) => ({ kind: 'key' as const, id })),
      )
    })
  }

  /** `false`: another node made it meanwhile. */
  async function succeed(given: { active_at: number; known: readonly SigningKeyTable[] }): Promise<boolean> {
    const { active_at, known } = given
    const key = await make({ active_at, under: secrets })
    return transact(db, async (tx) => {
      if (!(await store.succeed(tx, { key, known }))) return false
      await events.record(tx, { kind: 'signing_key_rotated', outcome: 'done', detail: key.kid })
      // Whoever has fetched the keys just now would refuse what the new one signs. Of the first key nobody knows another.
      if (known.length > 0) await feed.append(tx, [keysChanged])
      return true
    })
  }

  async function maintain(): Promise<void> {
    const now = clock.now()
    const keys = await store.listKeys(db)
    const ours = keys.filter((key) => key.is_reserve === 0)
    const signer = signingKey(ours, { now, keepSeconds })
    const { keyRotationSeconds: rotationSeconds, keyPublishSeconds: publishSeconds } = policy
    if (signer === null || signer.algorithm !== policy.accessTokenAlgorithm) {
      await succeed({ active_at: now, known: keys })
    } else {
      const next = nextActivation(ours, { now, rotationSeconds, publishSeconds })
      if (next !== null) await succeed({ active_at: next, known: keys })
    }
    if (!keys.some((key) => key.is_reserve === 1)) {
      const key = await makeReserve()
      if (key !== null) await transact(db, (tx) => store.succeed(tx, { key, known: keys }))
    }
    await store.remove(
      db,
      ours.filter((key) => keyState(key, { now, keepSeconds }) === 'gone').map((key) => key.kid),
    )
  }

  async function readRing(): Promise<Ring> {
    const at = { now: clock.now(), keepSeconds }
    const keys = (await store.listKeys(db)).filter((key) => keyState(key, at) !== 'gone')
    const signer = signingKey(keys, at)
    if (signer === null) throw new Error('No signing key is active. Run `counterfoil keys rotate --now`.')
    const jwks = JSON.stringify({ keys: keys.map((key) => JSON.parse(key.public_jwk)) })
    const believed = parseKeySet(jwks)
    if (believed === null) throw new Error('A stored signing key is damaged. Run `counterfoil doctor`.')
    const algorithm = signer.algorithm as SigningAlgorithm
    const sign = signing.load(secrets.unwrap('signing_key', signer.wrapped_private, signer.kid), algorithm)
    return { kid: signer.kid, algorithm, sign, believed, jwks }
  }

  async function list(): Promise<ListedKey[]> {
    const at = { now: clock.now(), keepSeconds }
    return (await store.listKeys(db)).map((key) => ({
      kid: key.kid,
      algorithm: key.algorithm,
      state: keyState(key, at),
      active_at: key.active_at,
    }))
  }

  return {
    maintain,
    list,
    async ring() {
      const { keysAt } = checker.view
      const isYoung = cached !== null && clock.now() - cached.readAt < ringSeconds
      // A verifier that was told of a rotation asks at once, and has to find it.
      if (cached !== null && isYoung && cached.keysAt === keysAt) return cached.ring
      // Kept before it is there: a flood reads once, and a read that a rotation overtook is not kept after it.
      const reading = { ring: readRing(), readAt: clock.now(), keysAt }
      cached = reading
      try {
        return await reading.ring
      } catch (error) {
        if (cached === reading) cached = null
        throw error
      }
    },
    async rotate(when) {
      if (when === 'compromised') await rotateAfterTheft()
      else {
        const active_at = clock.now() + (when === 'now' ? 0 : policy.keyPublishSeconds)
        if (!(await succeed({ active_at, known: await store.listKeys(db) }))) throw overtaken()
      }
      cached = null
      return list()
    },
  }
}
