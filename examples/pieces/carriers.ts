import { createClient } from '@counterfoil/browser'

export const byToken = createClient({ carrier: 'token' })

/** Takes over the session that the cookie carries. */
export const toToken = () => byToken.prove('/auth/carrier', {})
/** Gives it back, and forgets it. */
export const toCookie = () => byToken.prove('/auth/carrier', { carrier: 'cookie' })
