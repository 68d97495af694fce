/** While a row is being sent nobody else takes it; after that long its sender is taken for dead. */
export const leaseSeconds = 60

const firstWaitSeconds = 30
const longestWaitSeconds = 4 * 60 * 60
export const noticeSeconds = 24 * 60 * 60

/** When to try again after the given number of failed attempts, or `null` once the mail is of no use any more. */
export function nextAttemptAt(given: {
  attempts: number
  createdAt: number
  now: number
  usefulSeconds: number
}): number | null {
  const { attempts, createdAt, now, usefulSeconds } = given
  const next = now + Math.min(firstWaitSeconds * 2 ** Math.max(0, attempts - 1), longestWaitSeconds)
  return next >= createdAt + usefulSeconds ? null : next
}
