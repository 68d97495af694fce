import type { FeedKind } from '@counterfoil/verifier'
import type { Kysely } from 'kysely'

/** What a row of each table holds. Instants are whole seconds since 1970, positions are positions in the feed. */
export type Schema = {
  account: AccountTable
  password: PasswordTable
  password_reset: PasswordResetTable
  sign_up: SignUpTable
  client: ClientTable
  client_assertion: ClientAssertionTable
  session: SessionTable
  account_grant: GrantTable
  old_credential: OldCredentialTable
  adoption_end: AdoptionEndTable
  status_list: StatusListTable
  status_place: StatusPlaceTable
  signing_key: SigningKeyTable
  key_succession: KeySuccessionTable
  feed_head: FeedHeadTable
  feed_log: FeedLogTable
  feed_epoch: FeedEpochTable
  feed_verifier: FeedVerifierTable
  limit_state: LimitStateTable
  outbox: OutboxTable
  event: EventTable
}

/** A connection or an open transaction: the same SQL runs in both. */
export type Db = Kysely<Schema>

export type AccountTable = {
  id: string
  /** Lower case, the one form that is stored, compared and mailed to. */
  email: string
  state: 'active' | 'disabled'
  verified_at: number | null
  /** Position of the last end of everything this account had begun. */
  end_position: number
  created_at: number
}

/** One of another system that was taken here, by its hash, until it would have ended by itself. */
export type OldCredentialTable = {
  digest: string
  account_id: string
  adopted_at: number
  expires_at: number
}

/** Whose owner ended all other sessions: none of another system is taken for it any more. */
export type AdoptionEndTable = { account_id: string; ended_at: number }

export type PasswordTable = { account_id: string; hash: string; changed_at: number }

/** The id travels in the mail with a tag that only the root secret can make; the database alone opens nothing. */
export type PasswordResetTable = {
  id: string
  account_id: string | null
  created_at: number
  expires_at: number
}

/** One record per sign-up; none overwrites another. */
export type SignUpTable = {
  id: string
  email: string
  /** Unproven until the mailbox is; dropped when the link alone is shown. */
  password_hash: string | null
  browser_hash: string | null
  /** Set where the account began before its address was proven (policy `verifiedEmail: "optional"`). */
  account_id: string | null
  created_at: number
  expires_at: number
}

export type ClientTable = {
  id: string
  name: string
  end_position: number
  created_at: number
  /** Of its secret, which nobody can guess; `null` for a client that has none. */
  secret_hash: string | null
  auth_method: ClientMethod
  /** Its public keys, as it registered them; `null` for a client that signs nothing. */
  jwks: string | null
  /** All that it may ever ask for, separated by spaces. */
  scope: string
  /** Position of the last end of the tokens it was given, and of those alone. */
  tokens_end: number
}

/** How a client proves itself, in the words of the OAuth registry. Each has exactly one way. */
export type ClientMethod = 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'

/** An assertion that was used; forgotten once it has expired. */
export type ClientAssertionTable = { id: string; client_id: string; expires_at: number }

export type SessionTable = {
  id: string
  account_id: string
  client_id: string
  carrier: 'cookie' | 'token'
  /** The feed position read in the same statement as the credential that proved this session. */
  began: number
  created_at: number
  authenticated_at: number
  last_seen_at: number
  expires_at: number
  ended_at: number | null
  ended_reason: string | null
  device: string
  amr: string
  cookie_hash: string | null
  refresh_generation: number
  refresh_current: string | null
  refresh_previous: string | null
  refresh_salt: string | null
  refresh_rotated_at: number | null
  /** Repeats in a row, over generations; see tokens/rotation.ts. */
  refresh_repeats: number
  /** The generation whose predecessor was last repeated. */
  refresh_repeated_generation: number
  /** The thumbprint of the key that the session's tokens are bound to; `null` where they are plain. */
  bound_key: string | null
  /** Of the refresh token that is bound; such a session has no `refresh_current`. */
  bound_hash: string | null
}

/** A user's permission for a worker to act later. Not named `grant`, which SQL keeps for itself. */
export type GrantTable = {
  id: string
  account_id: string
  /** The session in which it was approved. */
  session_id: string
  /** The worker. */
  client_id: string
  audience: string
  /** At least one word. */
  scope: string
  /** What for, in the application's words, as the account saw it. */
  purpose: string
  /** The feed position that it was approved at: what ends after it ends the grant, unless that was made to outlive it. */
  began: number
  created_at: number
  expires_at: number
  on_sign_out: 'keep' | 'end'
  on_password_reset: 'keep' | 'end'
  last_used_at: number | null
  ended_at: number | null
  ended_reason: string | null
}

/** The one list that places are given from, by its number, and how many of them were. */
export type StatusListTable = { id: number; list: number; given: number }

/** Where the status of a session's tokens is told. A session has one, and another after each end that it outlived. */
export type StatusPlaceTable = {
  place: number
  session_id: string
  /** The position of the last end before the session was read: what comes after it ends these tokens. */
  cutoff: number
  /** That of the session, which none of its tokens outlives. */
  expires_at: number
}

export type SigningKeyTable = {
  kid: string
  algorithm: string
  public_jwk: string
  wrapped_private: string
  /** Wrapped under the second secret, waiting for an emergency. */
  is_reserve: number
  published_at: number
  active_at: number | null
  retired_at: number | null
}

/** One key was made after those that it follows, whoever noticed first that it was missing. */
export type KeySuccessionTable = { follows: string; kid: string }

export type FeedHeadTable = { id: number; epoch: number; seq: number; everyone_end: number }

export type FeedLogTable = {
  seq: number
  epoch: number
  kind: FeedKind
  key: string
  at: number
  /** Somebody waits until every verifier has applied it. */
  wants_ack: number
}

/** One life of the database: a number that no other life of it ever had, and the head when it began. */
export type FeedEpochTable = { epoch: number; start: number; identity: string }

/** A verifier that is connected, or was so lately that it may still trust itself. */
export type FeedVerifierTable = {
  id: string
  /** Of its client. */
  name: string
  /** Seconds; the largest that any of its routes allows. */
  max_stale: number
  applied: number
  /** Until when it may trust itself at the most, if it hears nothing more. */
  lapses_at: number
}

/** GCRA: the theoretical arrival time of the next conforming attempt. */
export type LimitStateTable = { key: string; arrival_at: number }

export type OutboxTable = {
  id: string
  kind: string
  recipient: string
  link_id: string | null
  created_at: number
  attempts: number
  next_at: number
  sent_at: number | null
}

export type EventTable = {
  id: string
  at: number
  kind: string
  outcome: string
  account_id: string | null
  session_id: string | null
  network: string | null
  detail: string | null
  /** Who acted, where that was a worker. */
  client_id: string | null
  grant_id: string | null
}
