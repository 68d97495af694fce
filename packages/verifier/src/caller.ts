/** How a request shows its session. */
export type Carrier = 'cookie' | 'bearer' | 'dpop'

/** The result of checking a request: who is asking, through what, and how far that goes. Snake case as in HTTP. */
export type Caller = {
  /**
   * Whose authority the request has. With a grant's token: the user's, not the worker's. `email` is null where a
   * verifier has nothing but an access token, which does not tell it.
   */
  readonly account: { readonly id: string; readonly email: string | null }
  /** The session that the credential belongs to; null for a grant's token, whose user need not be here at all. Beside `actor` it is what a token that was handed on ends with. */
  readonly session: CallerSession | null
  /** What carried the credential of this very request. */
  readonly carrier: Carrier
  /** What the request may do. Empty says nothing beyond being this account: the application decides. */
  readonly scopes: readonly string[]
  /**
   * The client that acts: for the account (`act.sub`), or for itself, and then the account's id is its own. Null if the user
   * acts. Such a caller is never present.
   */
  readonly actor: string | null
  /** The id of the grant that the actor acts under, or null. */
  readonly grant: string | null
  /** When the account last proved who it is, in whole seconds since the epoch. */
  readonly authenticated_at: number
}

/**
 * A session as its own user sees it in a list. What an access token does not tell is null for a verifier that has
 * nothing else.
 */
export type CallerSession = {
  readonly id: string
  /** Whole seconds since the epoch. */
  readonly created_at: number | null
  /** Whole seconds since the epoch; up to one touch behind. */
  readonly last_seen_at: number | null
  /** What the browser said it was when the session began, for a person to recognise; empty if it said nothing. */
  readonly device: string | null
  /** What carries the session itself: a short token taken from a cookie session leaves this at `cookie`. */
  readonly carrier: 'cookie' | 'token' | null
  /** Whether this is the session of the request that asks. */
  readonly current: boolean
}
