import { cookieRights, type Instant, keysOf, type Statement } from '@counterfoil/verifier'
import { wallStart } from './clocks.ts'

/** The steps in which time passes in the small world, and what is said of its one session. Milliseconds. */
export const step = 10_000
/** In steps: how long a statement is believed, and how old what is known may be. */
export const life = 4
export const maxStale = 1
export const lifeSeconds = (life * step) / 1000

export const instantAt = (time: number): Instant => ({
  mono: 5_000_000 + time * step,
  wall: wallStart + time * step,
})
export const secondsAt = (time: number) => Math.floor((wallStart + time * step) / 1000)

export function statementOf(
  carried: 'cookies' | 'tokens',
  { readAt, asOf }: { readAt: number; asOf: number },
): Statement {
  const session = { id: 'one', created_at: 0, last_seen_at: 0, device: '', carrier: null, current: true }
  const rights = carried === 'cookies' ? cookieRights : { ...cookieRights, carrier: 'bearer' as const }
  const own = carried === 'cookies' ? { cookieId: 'cookie', keyId: null } : { cookieId: null, keyId: 'key' }
  const readStart = secondsAt(readAt)
  return {
    ...{ account: { id: 'account', email: null }, session, rights, authenticatedAt: 0, clientId: 'client' },
    ...{ ...own, asOf, readStart, end: readStart + lifeSeconds },
  }
}

export const allKeys = {
  cookies: keysOf(statementOf('cookies', { readAt: 0, asOf: 0 })),
  tokens: keysOf(statementOf('tokens', { readAt: 0, asOf: 0 })),
}
