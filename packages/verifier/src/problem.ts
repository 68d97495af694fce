import { challengeOf } from './challenge.ts'
import { authorizationOf, type IncomingRequest } from './incoming.ts'
import { Refusal } from './refusal.ts'

/** An answer to a request that is refused: RFC 9457. */
export type Problem = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The answer to a request that was refused, or null where something broke, which is the framework's to answer. */
export function problemFor(error: unknown, request: IncomingRequest): Problem | null {
  return error instanceof Refusal ? problemOf(error, authorizationOf(request)) : null
}

/** A refusal as it is shown. Its `detail` is for operators and stays here. */
function problemOf(refusal: Refusal, authorization: string | null): Problem {
  const { status, code, message, retryAfterSeconds, challenge } = refusal
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  }
  if (retryAfterSeconds !== null) headers['retry-after'] = String(retryAfterSeconds)
  if (status === 401 || challenge !== null) headers['www-authenticate'] = challengeOf(refusal, authorization)
  return { status, headers, body: JSON.stringify({ type: 'about:blank', title: message, status, code }) }
}
