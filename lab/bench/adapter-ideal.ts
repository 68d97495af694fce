import type { Caller } from 'counterfoil'

export type { Caller }

/** The least that a check can be: a Map from credential to caller. No guard, no end, no expiry, no second look. */
export type Ideal = {
  remember(credential: string, caller: Caller): void
  find(authorization: string | undefined, cookie: string | undefined): Caller | null
}

export function createIdeal(): Ideal {
  const known = new Map<string, Caller>()
  return {
    remember: (credential, caller) => void known.set(credential, caller),
    find(authorization, cookie) {
      if (authorization?.startsWith('Bearer ')) return known.get(authorization.slice(7)) ?? null
      const value = cookie?.split('; ').find((pair) => pair.startsWith('__Host-Http-session='))
      return value === undefined ? null : (known.get(value.slice(20)) ?? null)
    },
  }
}
