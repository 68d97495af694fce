import { refuse } from '../refusals.ts'

/**
 * One mailbox, one stored form. Only ASCII addresses, in lower case: no character folds into another
 * (Turkish dotless i, Kelvin sign), none can hide a second address, and no look-alike of a registered
 * address is mailed a link for it. Domains in other scripts are given in their `xn--` form. `+tag` is kept.
 */
export function parseEmail(given: string): string {
  const email = given.trim()
  if (!isMailbox(email)) refuse('email_invalid')
  return email.toLowerCase()
}

const localPart = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const domainLabel = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

function isMailbox(email: string): boolean {
  if (email.length > 254) return false
  const at = email.lastIndexOf('@')
  const local = email.slice(0, Math.max(at, 0))
  const labels = email.slice(at + 1).split('.')
  return (
    local.length <= 64 &&
    localPart.test(local) &&
    labels.length <= 20 &&
    labels.every((label) => domainLabel.test(label))
  )
}
