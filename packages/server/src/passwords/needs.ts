import type { Accounts, DeviceOwner } from '../accounts/index.ts'
import type { Db } from '../db/schema.ts'
import type { Events } from '../events.ts'
import type { Feed } from '../feed/index.ts'
import type { Clock, Entropy, PasswordHasher, Secrets } from '../machine.ts'
import type { Mail } from '../mail/index.ts'
import type { Policy } from '../policy.ts'
import type { Sessions } from '../sessions/index.ts'
import type { Attempts } from './attempts.ts'
import type { Turns } from './turns.ts'

/** What the verbs of this room stand on. */
export type Needs = {
  db: Db
  clock: Clock
  entropy: Entropy
  secrets: Secrets
  hasher: PasswordHasher
  policy: Policy
  feed: Feed
  events: Events
  mail: Mail
  accounts: Accounts
  sessions: Sessions
  attempts: Attempts
  /** By address: every password of an account is hashed in its turn. */
  turns: Turns
  /** What a person let jobs do for them goes on after a change of password; see grants/. */
  outlive: (
    tx: Db,
    given: { accountId: string; cause: 'change' | 'reset' },
  ) => Promise<(position: number) => Promise<void>>
  /** Refuses a new password that will not do; see password.ts. */
  checkNew: (password: string, email: string) => void
}

/** Where a session begins, whatever proved it. */
export type NewSession = {
  carrier: 'cookie' | 'token'
  device: string
  network: string | null
  /** The session whose cookie the new one takes the place of. */
  replaces: { id: string; accountId: string } | null
}

/** `drawn`: for carriers, which alone can open it; absent where they have to write a credential first. */
export type Begun = DeviceOwner & { sessionId: string; carrier: 'cookie' | 'token'; drawn?: object | null }
