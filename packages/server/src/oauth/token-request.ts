import type { Proof } from '@counterfoil/verifier'
import type { ProvenClient } from '../clients/index.ts'

/** The fields of a token request; what a grant type does not know of, it ignores (RFC 6749 3.2). */
export type TokenForm = {
  grant_type: string
  refresh_token?: string | undefined
  scope?: string | undefined
  resource?: string | undefined
  audience?: string | undefined
  subject_token?: string | undefined
  subject_token_type?: string | undefined
  requested_token_type?: string | undefined
  actor_token?: string | undefined
  actor_token_type?: string | undefined
}

/** A request for tokens whose client is known. */
export type TokenRequest = {
  client: ProvenClient
  form: TokenForm
  network: string | null
  /** A proof of possession (RFC 9449): what is handed out is bound to its key. `null`: plain bearer. */
  proof: Proof | null
}

/** RFC 6749 5.1. */
export type TokenAnswer = {
  access_token: string
  token_type: 'Bearer' | 'DPoP'
  expires_in: number
  scope?: string
  refresh_token?: string
  issued_token_type?: string
}

export type GrantType = (request: TokenRequest) => Promise<TokenAnswer>
