import type { Proof } from '@counterfoil/verifier'
import type { ShownCookie } from '../contract.ts'
import type { Drawn } from '../sessions/index.ts'

/** What a client is handed. Field names are those of RFC 6749 5.1. */
export type TokenPair = {
  access_token: string
  token_type: 'Bearer' | 'DPoP'
  expires_in: number
  refresh_token: string
}

/** `from`: what it takes the place of, which has to carry the session still. `drawn`: shown as it began, where nothing is bound. */
export type NewPair = {
  sessionId: string
  proof: Proof | null
  from?: ShownCookie
  drawn?: Drawn | null
}
