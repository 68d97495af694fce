import type { Entropy, Secrets } from '../machine.ts'

/**
 * A device is known to an account when somebody signed in from it with success. The cookie that says so
 * opens nothing: it only gives the device its own counter of failed attempts, so that whoever guesses at an
 * account from elsewhere cannot lock its owner out.
 */
type DeviceTools = { secrets: Secrets; entropy: Entropy }

const nonceBytes = 16
const markBytes = 16

/** What a mark stands for: once everything of the account has ended, whoever knew the old password is a stranger. */
export type DeviceOwner = { accountId: string; accountEnd: number }

export function rememberDevice({ secrets, entropy }: DeviceTools, owner: DeviceOwner): string {
  const body = new Uint8Array(nonceBytes + markBytes)
  body.set(entropy.bytes(nonceBytes))
  body.set(markOf(secrets, owner), nonceBytes)
  return secrets.seal('device', body)
}

/** A name for this device if it is known to the account, else `null`. */
export function knownDevice(secrets: Secrets, sealed: string | null, owner: DeviceOwner): string | null {
  if (sealed === null) return null
  const body = secrets.open('device', sealed, nonceBytes + markBytes)
  if (body === null) return null
  const mark = markOf(secrets, owner)
  const fits = mark.every((byte, index) => byte === body[nonceBytes + index])
  return fits ? secrets.hash(body) : null
}

function markOf(secrets: Secrets, { accountId, accountEnd }: DeviceOwner): Uint8Array {
  return secrets.derive('device', accountId, String(accountEnd)).subarray(0, markBytes)
}
