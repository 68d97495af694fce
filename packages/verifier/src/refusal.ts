/** A coded "no". Absent is `null`, broken is an ordinary `Error`; only this is shown to whoever asked. */
export class Refusal extends Error {
  readonly code: string
  readonly status: number
  /** For operators: logged, never sent. */
  readonly detail: string | null
  readonly retryAfterSeconds: number | null
  /** What `WWW-Authenticate` says after the realm: what the route wants instead. Sent as it is. */
  readonly challenge: string | null

  constructor(given: {
    code: string
    status: number
    message: string
    detail?: string | null
    retryAfterSeconds?: number | null
    challenge?: string | null
  }) {
    super(given.message)
    this.name = 'Refusal'
    this.code = given.code
    this.status = given.status
    this.detail = given.detail ?? null
    this.retryAfterSeconds = given.retryAfterSeconds ?? null
    this.challenge = given.challenge ?? null
  }
}

/** What a refusal says: its HTTP status and one sentence that is safe to show to anyone. */
export type RefusalEntry = { readonly status: number; readonly message: string }

/** Every refusal that a verifier can give. Codes are permanent. */
export const verifierRefusals = {
  credential_missing: {
    status: 401,
    message: 'Sign in first: this request carries no credential, or one that is over.',
  },
  credential_invalid: { status: 401, message: 'The credential of this request is not valid.' },
  credential_ambiguous: { status: 400, message: 'The request carries more than one credential. Send one.' },
  proof_invalid: {
    status: 401,
    message: 'The proof of possession (DPoP) is missing or does not fit this request.',
  },
  proof_nonce_needed: {
    status: 401,
    message: 'Sign the proof of possession (DPoP) with the nonce of this answer, and send the request again.',
  },
  too_many_proofs: {
    status: 429,
    message: 'This key has sent more requests than can be told apart. Wait a little.',
  },
  token_expired: { status: 401, message: 'The access token has expired. Refresh it.' },
  session_ended: { status: 401, message: 'The session has ended. Sign in again.' },
  grant_ended: { status: 401, message: 'What allowed this has ended. Only the user can allow it again.' },
  forged_request: {
    status: 403,
    message: 'The browser did not prove that this request comes from our own pages.',
  },
  reauthentication_required: {
    status: 401,
    message: 'This takes a fresh proof of who you are. Enter your password again.',
  },
  insufficient_scope: { status: 403, message: 'The credential of this request does not reach that far.' },
  presence_required: { status: 403, message: 'Only the user can do this, and nobody who acts for them.' },
  feed_stale: { status: 503, message: 'Revocations cannot be seen at the moment. Try again shortly.' },
} as const satisfies Record<string, RefusalEntry>

export type VerifierRefusalCode = keyof typeof verifierRefusals

export function refuse(code: VerifierRefusalCode, detail?: string): never {
  // What is stale is fresh again within a heartbeat or two, if it ever is; proofs are forgotten every second.
  const retryAfterSeconds = code === 'feed_stale' || code === 'too_many_proofs' ? 1 : null
  throw new Refusal({ code, ...verifierRefusals[code], detail: detail ?? null, retryAfterSeconds })
}
