/** A person who is signed in, and the session that says so. Field names are those of the server. */
export type SignedIn = {
  readonly account: { readonly id: string; readonly email: string | null }
  readonly session: {
    readonly id: string
    readonly created_at: number | null
    readonly last_seen_at: number | null
    readonly device: string | null
    readonly carrier: 'cookie' | 'token' | null
    readonly current: boolean
  }
}

/** An access token in memory, with the key that it is bound to. */
export type Access = { keys: CryptoKeyPair; token: string; until: number; mark: string }

/** What one tab knows and tells the others. None of it can be used without the key. */
export type Known = {
  /** Later knowledge counts, whoever has it. */
  version: number
  /** `undefined`: nobody has asked yet. */
  session: SignedIn | null | undefined
  access: Access | null
  /** How far the server's clock is ahead of this device's, in milliseconds. */
  ahead: number
}

export const nothingKnown: Known = { version: 0, session: undefined, access: null, ahead: 0 }

/** What an application shows. The same object until something changes. */
export type SessionState =
  | { readonly status: 'loading'; readonly session: null }
  | { readonly status: 'signed-in'; readonly session: SignedIn }
  | { readonly status: 'signed-out'; readonly session: null }
  | { readonly status: 'failed'; readonly session: null; readonly error: unknown }

export function stateOf(session: SignedIn | null | undefined): SessionState {
  if (session === undefined) return { status: 'loading', session: null }
  return session === null ? { status: 'signed-out', session } : { status: 'signed-in', session }
}
