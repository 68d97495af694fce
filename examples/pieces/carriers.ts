import { createClient } from '@counterfoil/browser'

export const byToken = createClient({ carrier: 'token' })

/** Takes over the session that the cookie carries. */
export const toToken = (password: string) => byToken.prove('/auth/carrier', { password })
/** Gives it back, and forgets it. */
export const toCookie = (password: string) => byToken.prove('/auth/carrier', { carrier: 'cookie', password })
