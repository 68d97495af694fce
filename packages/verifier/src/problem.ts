import type { Caller } from './caller.ts'
import { authorizationOf, type IncomingRequest } from './incoming.ts'
import type { RouteOptions } from './limit.ts'
import { Refusal, refuse } from './refusal.ts'
import type { Verifier } from './verifier.ts'

export type AuthenticateOptions = RouteOptions & {
  /** Refuse whoever is nobody (`credential_missing`), so that the route always has a caller. */
  readonly required?: boolean
}

/** An answer to a request that is refused: RFC 9457. */
export type Problem = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Judged =
  | { readonly caller: Caller | null; readonly problem: null }
  | { readonly problem: Problem }

/** What the middlewares of all frameworks do with a request, up to the answer. What is broken is thrown on. */
export async function judgeRequest(
  verifier: Pick<Verifier, 'identify'>,
  request: IncomingRequest,
  options: AuthenticateOptions,
): Promise<Judged> {
  try {
    const caller = await verifier.identify(request, options)
    if (caller === null && options.required === true) refuse('credential_missing')
    return { caller, problem: null }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { problem: problemOf(error, authorizationOf(request) !== null) }
  }
}

/** A refusal as it is shown. Its `detail` is for operators and stays here. */
function problemOf(refusal: Refusal, showsToken: boolean): Problem {
  const { status, code, message, retryAfterSeconds } = refusal
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  }
  if (retryAfterSeconds !== null) headers['retry-after'] = String(retryAfterSeconds)
  // RFC 6750 3: an error only where a token was shown.
  if (status === 401)
    headers['www-authenticate'] = `Bearer realm="counterfoil"${showsToken ? ', error="invalid_token"' : ''}`
  return { status, headers, body: JSON.stringify({ type: 'about:blank', title: message, status, code }) }
}
