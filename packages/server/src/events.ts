import type { Db, EventTable } from './db/schema.ts'
import { type Slots, template } from './db/template.ts'
import type { Clock, Entropy } from './machine.ts'

/** Every security-relevant act, one row each. The list is closed; a row never holds a secret. */
export const eventKinds = [
  'account_disabled',
  'account_enabled',
  'account_imported',
  'adoption_refused',
  'carrier_changed',
  'client_added',
  'client_removed',
  'client_rotated',
  'email_verified',
  'grant_exchanged',
  'grant_given',
  'grant_misused',
  'grant_withdrawn',
  'limit_reached',
  'password_change_failed',
  'password_changed',
  'password_reset',
  'password_reset_requested',
  'password_upgraded',
  'reauthenticated',
  'reauthentication_failed',
  'refresh_from_the_future',
  'refresh_repeats_exhausted',
  'refresh_reused',
  'refresh_unproven',
  'session_adopted',
  'session_began',
  'session_ended',
  'sessions_ended',
  'sign_in_failed',
  'sign_up_requested',
  'signing_key_revoked',
  'signing_key_rotated',
  'token_exchanged',
  'token_misused',
] as const

export type EventKind = (typeof eventKinds)[number]

export type NewEvent = {
  kind: EventKind
  outcome: 'done' | 'refused'
  accountId?: string | null
  sessionId?: string | null
  network?: string | null
  /** The worker that acted, or may. */
  clientId?: string | null
  grantId?: string | null
  /** A short machine word such as a reason; never anything that a person or a client typed. */
  detail?: string | null
}

export type Events = {
  /** Takes at least one. */
  record(db: Db, ...events: readonly NewEvent[]): Promise<void>
  /** Forgets what is older than policy wants kept. */
  prune(db: Db, keepSeconds: number): Promise<void>
}

const insertOne = template((db, event: Slots<EventTable>) => db.insertInto('event').values(event))

/** Pass the open transaction of the act itself, so that neither is there without the other. */
export function createEvents({ clock, entropy }: { clock: Clock; entropy: Entropy }): Events {
  return {
    async record(db, ...events) {
      const at = clock.now()
      const rows = events.map((event) => ({
        id: entropy.id(),
        at,
        kind: event.kind,
        outcome: event.outcome,
        account_id: event.accountId ?? null,
        session_id: event.sessionId ?? null,
        network: event.network ?? null,
        detail: event.detail ?? null,
        client_id: event.clientId ?? null,
        grant_id: event.grantId ?? null,
      }))
      const [first, ...others] = rows
      if (first !== undefined && others.length === 0) await insertOne(db, first)
      else await db.insertInto('event').values(rows).execute()
    },
    async prune(db, keepSeconds) {
      await db
        .deleteFrom('event')
        .where('at', '<', clock.now() - keepSeconds)
        .execute()
    },
  }
}
