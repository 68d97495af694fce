import type { Adoptable } from '../contract.ts'

/** What the application found, in one form: whose it is, what it is, and until when it would have been good. */
export type Found = {
  who: { id: string } | { email: string }
  credential: string
  expiresAt: number
}

/** In seconds it is the year 5138; a number beyond was given in milliseconds. */
const lastInstant = 100_000_000_000

/**
 * The application's answer, or an `Error` that names what is wrong with it: a hook that answers something else is broken,
 * and nobody is signed in by it. The error holds nothing of the credential.
 */
export function readFound(given: Adoptable): Found {
  const { account, email, credential, expiresAt }: Partial<Record<string, unknown>> = given
  const who = whoIn(account, email)
  if (typeof credential !== 'string' || credential === '' || credential.length > 16_384)
    throw new Error('adopt: `credential` is the old credential itself, as text')
  if (typeof expiresAt !== 'number' || !Number.isSafeInteger(expiresAt) || expiresAt > lastInstant)
    throw new Error(
      'adopt: `expiresAt` is when the old credential ends by itself, in whole seconds since 1970',
    )
  return { who, credential, expiresAt }
}

function whoIn(account: unknown, email: unknown): Found['who'] {
  if (typeof account === 'string' && account !== '' && email === undefined) return { id: account }
  if (typeof email === 'string' && email !== '' && account === undefined) return { email }
  throw new Error('adopt: give `account`, the id, or `email`, and not both')
}

/** An account as an adoption sees it, with the feed's position of that very read. */
export type Candidate = {
  accountId: string
  state: 'active' | 'disabled'
  verifiedAt: number | null
  accountEnd: number
  everyoneEnd: number
  /** When its owner ended all other sessions, if ever. */
  adoptionEnd: number | null
  position: number
}

/**
 * Why an old credential of this account is not taken, or `null`. Whatever ended the account's past here has ended what came
 * from the other system as well, since nobody can say which was first. After a restore of the database nobody can say
 * what was taken before, so nothing is taken any more.
 */
export function objectionTo(candidate: Candidate, given: { mustBeVerified: boolean }): string | null {
  if (candidate.state !== 'active') return 'account_disabled'
  if (given.mustBeVerified && candidate.verifiedAt === null) return 'account_unproven'
  if (candidate.accountEnd > 0 || candidate.adoptionEnd !== null) return 'account_ended'
  return candidate.everyoneEnd > 0 ? 'everyone_ended' : null
}
