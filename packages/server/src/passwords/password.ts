import { refuse } from '../refusals.ts'
import { isComposedOfRuns, isPredictable } from './predictable.ts'

const longestCodePoints = 1024
/** Normalising costs time, so what cannot end up short enough is refused before: NFC seldom shrinks text by more. */
const longestRawUnits = 4 * longestCodePoints

/**
 * The one form that is hashed, when a password is set and when it is checked: NFC, and nothing else is changed (no
 * trimming, no case folding, no truncation). Refuses `password_too_long` and `password_malformed`.
 */
export function normalisePassword(given: string): string {
  if (given.length > longestRawUnits) refuse('password_too_long')
  // A lone surrogate becomes U+FFFD in UTF-8: different passwords would share one hash.
  if (!given.isWellFormed()) refuse('password_malformed')
  // Sorting a long run of combining marks takes time in the square of its length; UAX 15 knows none over 30.
  if (/\p{M}{31}/u.test(given)) refuse('password_malformed')
  const password = given.normalize('NFC')
  if (codePoints(password) > longestCodePoints) refuse('password_too_long')
  return password
}

/**
 * Refuses a new password (already normalised) that is shorter than `minimum` code points or among the first that
 * attackers try. No composition rules: they make passwords worse. Not checked: known breaches beyond the list.
 */
export function checkNewPassword(
  password: string,
  given: { minimum: number; email: string; common: ReadonlySet<string> },
): void {
  if (codePoints(password) < given.minimum) {
    refuse('password_too_short', { detail: `fewer than ${given.minimum} characters` })
  }
  const folded = password.toLowerCase()
  if (
    isPredictable(folded, given.common) ||
    isComposedOfRuns(folded) ||
    isAddress(folded, given.email.toLowerCase())
  ) {
    refuse('password_common')
  }
}

function codePoints(text: string): number {
  return [...text].length
}

/** The address or the part before the @, once or more, with nothing but digits beside it. */
function isAddress(password: string, email: string): boolean {
  const local = email.slice(0, Math.max(0, email.lastIndexOf('@')))
  return [email, local].some(
    (part) => part !== '' && password.includes(part) && /^\d*$/.test(password.replaceAll(part, '')),
  )
}
