import type { SendBound } from './bound.ts'
import type { Access } from './known.ts'
import type { Machine } from './machine.ts'
import { codesOf, refuse } from './refusal.ts'

/** A token that has less left than this is renewed first, so that it does not end on its way. Milliseconds. */
const spare = 10_000

/** What is refused for the sake of the token, and may go through with a new one. */
const worn = ['invalid_token', 'token_expired', 'session_ended', 'credential_invalid']

export type Renewing = {
  machine: Machine
  sendBound: SendBound
  /** The token at hand, however old. */
  held(): Access | null
  /** Another one in place of `old`; null where nobody is signed in. */
  renew(old: Access | null): Promise<Access | null>
}

export function isFresh(machine: Machine, access: Access | null): access is Access {
  return access !== null && access.until - machine.now() > spare
}

export function accessOf(machine: Machine, keys: CryptoKeyPair, answer: Record<string, unknown>): Access {
  if (answer.access_token === undefined) refuse('unknown', 'The server’s answer cannot be read.')
  // A token that works without the key is what all of this exists to avoid. It is dropped, not kept.
  if (String(answer.token_type).toLowerCase() !== 'dpop')
    refuse('binding_refused', 'The server does not bind tokens to keys. Use the cookie carrier.')
  const until = machine.now() + Number(answer.expires_in) * 1000
  return { keys, token: String(answer.access_token), until, mark: machine.id() }
}

/** Sends with a token that is good, and once more with a new one if it was not. Without any, as nobody. */
export async function sendRenewing(
  request: Request,
  { machine, sendBound, held, renew }: Renewing,
): Promise<Response> {
  const old = held()
  const access = isFresh(machine, old) ? old : await renew(old)
  if (access === null) return machine.send(new Request(request, { credentials: 'omit' }))
  const response = await sendBound(request, access)
  if (response.status !== 401) return response
  const codes = await codesOf(response)
  if (!worn.some((code) => codes.includes(code))) return response
  const next = await renew(access)
  return next === null ? response : sendBound(request, next)
}
