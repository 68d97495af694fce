import type { Proof } from '@counterfoil/verifier'
import type { ShownCookie } from '../contract.ts'
import type { ShownSession } from '../sessions/index.ts'
import type { TokenPair } from '../tokens/index.ts'

/** What a new credential looks like to whoever receives it. */
export type Handed = {
  cookie: string | null
  tokens: TokenPair | null
  account: { id: string; email: string }
  session: ShownSession
}

/** `proof`: tokens are bound to its key. Without one they are bound to what they were bound to before, if anything. */
export type Handing = {
  sessionId: string
  carrier: 'cookie' | 'token'
  proof?: Proof | null
  /** Written with the beginning of the session, so there is nothing left but to show it. */
  drawn?: object | null
  /** What it takes the place of, where nothing else was proven: that has to carry the session still. */
  from?: ShownCookie
}
