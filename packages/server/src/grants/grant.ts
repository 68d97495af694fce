import * as z from 'zod'
import type { GrantTable } from '../db/schema.ts'

/** The form of an id; what cannot be one never reaches the store. */
export const grantId = z.string().regex(/^[\w-]{22}$/)

export const shortestSeconds = 60

/**
 * Free text that an application writes and a person reads before saying yes: one line, without anything that could make it
 * look like something else (control characters, and those that turn the direction of writing).
 */
export const purposeText = z
  .string()
  .min(1)
  .max(200)
  .regex(/^(?! )[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+(?<! )$/u)

/** Whether it goes on after the person signs out, or sets a new password by mail. */
export const keepOrEnd = z.enum(['keep', 'end'])

/** What a person is asked to approve, whoever asks. */
export const grantTerms = z.object({
  client_id: z.string().min(1).max(256),
  scope: z.string().max(8192),
  audience: z.string().max(2048),
  expires_in: z.int().min(shortestSeconds),
  purpose: purposeText,
  on_sign_out: keepOrEnd.default('keep'),
  on_password_reset: keepOrEnd.default('end'),
})

export type GrantTerms = z.infer<typeof grantTerms>

/**
 * A grant with everything that decides whether it lives, read in one statement, and `as_of`: the feed position of that
 * very read. `client_*` are null where the client has been removed.
 */
export type GrantRecord = GrantTable & {
  email: string
  account_state: 'active' | 'disabled'
  account_end: number
  client_name: string | null
  client_scope: string | null
  client_end: number | null
  client_tokens_end: number | null
  everyone_end: number
  as_of: number
}

export type GrantEnd = 'grant_withdrawn' | 'grant_expired' | 'grant_over'

/**
 * Why a grant is over, or `null` while it lives; the verdict is an "or" over all that could have ended it. Not judged here:
 * the session of one that ends at sign-out.
 */
export function endOf(grant: GrantRecord, now: number): GrantEnd | null {
  if (grant.ended_at !== null) return 'grant_withdrawn'
  if (now >= grant.expires_at) return 'grant_expired'
  if (grant.account_state !== 'active' || grant.client_end === null) return 'grant_over'
  return Math.max(grant.account_end, grant.client_end, grant.everyone_end) > grant.began ? 'grant_over' : null
}

/** The position of the last end of any token that was made under this grant and that the grant itself outlived. */
export function lastTokenEnd(grant: GrantRecord): number {
  const { account_end, client_end, client_tokens_end, everyone_end } = grant
  return Math.max(account_end, client_end ?? 0, client_tokens_end ?? 0, everyone_end)
}

export type ShownGrant = {
  id: string
  client_id: string
  client_name: string
  scope: string
  audience: string
  purpose: string
  created_at: number
  expires_at: number
  last_used_at: number | null
  on_sign_out: 'keep' | 'end'
  on_password_reset: 'keep' | 'end'
}

/** What its owner may see of a grant. */
export function showGrant(grant: GrantRecord): ShownGrant {
  const { id, client_id, client_name, scope, audience, purpose, created_at, expires_at, last_used_at } = grant
  const { on_sign_out, on_password_reset } = grant
  return {
    ...{ id, client_id, client_name: client_name ?? client_id, scope, audience, purpose, created_at },
    ...{ expires_at, last_used_at, on_sign_out, on_password_reset },
  }
}
