import { createCache } from './cache.ts'
import { sha256 } from './cryptography.ts'

/**
 * What can end. `changed` ends nothing: whoever holds a statement about that account reads it again. `cookie` is one
 * replaced cookie value of a session that goes on.
 */
export const feedKinds = [
  'session',
  'cookie',
  'account',
  'client',
  'grant',
  'key',
  'everyone',
  'changed',
] as const

export type FeedKind = (typeof feedKinds)[number]

/** One end, as it travels. */
export type FeedEntry = {
  readonly position: number
  readonly kind: FeedKind
  readonly key: string
  /** Whole seconds since a hub first saw it committed, rounded down: what it is kept for is counted from there. */
  readonly age: number
}

/** Revocations are kept this long by whoever takes cookies; a verifier that takes tokens alone may keep 330. */
export const feedWindowSeconds = { cookies: 3900, tokens: 330 } as const
/** How far two clocks that both tell the time may be apart before one of them is not believed. */
export const skewSeconds = 30
/** A statement about a cookie session ends this long after its read began, at the latest. */
export const cookieStatementSeconds = 3600

/**
 * 132 bits of SHA-256 over kind and id, so that the feed tells nothing to who does not hold the credential. A change of an
 * account has the account's own key.
 */
export function feedKey(kind: FeedKind, id: string): string {
  if (kind !== 'client' && kind !== 'key') return keyOf(kind === 'changed' ? 'account' : kind, id)
  const known = shared[kind].get(id)
  if (known !== undefined) return known
  const key = keyOf(kind, id)
  shared[kind].set(id, key)
  return key
}

// There are few clients and signing keys, and each token names one of both.
const shared = { client: createCache<string>(200), key: createCache<string>(200) }

const keyOf = (kind: FeedKind, id: string) => sha256(`${kind}:${id}`).slice(0, 22)

export const everyoneKey = feedKey('everyone', '')
/** A change that is nobody's: the issuer publishes other signing keys. */
export const keysKey = feedKey('changed', '')

/** The first 30 bits of a key, as a small number: what a cache keeps of a key, and what is looked for first. */
export function printOf(key: string): number {
  let print = 0
  for (let at = 0; at < 5; at++) print = print * 64 + sextet(key.charCodeAt(at))
  return print
}

function sextet(unit: number): number {
  if (unit >= 97) return unit - 71
  if (unit >= 65) return unit === 95 ? 63 : unit - 65
  return unit === 45 ? 62 : unit + 4
}
