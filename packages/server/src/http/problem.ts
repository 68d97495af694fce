import { Refusal } from '@counterfoil/verifier'
import { isUnavailable } from '../db/unavailable.ts'
import type { Log } from '../machine.ts'
import { refusal as coded } from '../refusals.ts'
import type { RouteKind } from './route.ts'
import { problemView } from './views.ts'

/** RFC 6749 5.2 knows few words; whatever is not among them is a request that is not as it should be. */
const oauthErrors: ReadonlyMap<string, string> = new Map(
  Object.entries({
    grant_invalid: 'invalid_grant',
    grant_type_unsupported: 'unsupported_grant_type',
    client_invalid: 'invalid_client',
    scope_invalid: 'invalid_scope',
    busy: 'temporarily_unavailable',
    feed_stale: 'temporarily_unavailable',
    store_unavailable: 'temporarily_unavailable',
    broken: 'server_error',
  }),
)

const bearer = 'Bearer realm="counterfoil"'

/** Broken is ours to know and theirs only to be told: nothing of the error leaves. */
export function asRefusal(error: unknown, log: Log, where: string): Refusal {
  if (error instanceof Refusal) return error
  if (isUnavailable(error)) {
    log.error('the database is out of reach or does not keep up', error, { where })
    return coded('store_unavailable', { retryAfterSeconds: 1 })
  }
  log.error('a request broke', error, { where })
  return coded('broken')
}

export type ShownRefusal = { status: number; body: BodyInit; headers: Readonly<Record<string, string>> }

/** The one place that turns a refusal into an answer. Its `detail` is for operators and stays here. */
export function showRefusal(
  refusal: Refusal,
  asked: { kind: RouteKind; hasAuthorization: boolean; isSignedIn: boolean },
): ShownRefusal {
  const { code, status, message } = refusal
  const headers: Record<string, string> = {}
  if (refusal.retryAfterSeconds !== null) headers['retry-after'] = String(refusal.retryAfterSeconds)
  if (status === 401 && asked.kind !== 'page') headers['www-authenticate'] = challenge(code, asked)
  if (refusal.challenge !== null) headers['www-authenticate'] = `${bearer}, ${refusal.challenge}`
  if (asked.kind === 'page') {
    headers['content-type'] = 'text/html; charset=utf-8'
    return { status, headers, body: String(problemView({ status, message, signedIn: asked.isSignedIn })) }
  }
  if (asked.kind === 'oauth') {
    headers['content-type'] = 'application/json'
    const error = oauthErrors.get(code) ?? 'invalid_request'
    return { status, headers, body: JSON.stringify({ error, error_description: message }) }
  }
  headers['content-type'] = 'application/problem+json'
  return { status, headers, body: JSON.stringify({ type: 'about:blank', title: message, status, code }) }
}

/** RFC 6750 3: an error only where a token was shown. */
function challenge(code: string, asked: { kind: RouteKind; hasAuthorization: boolean }): string {
  if (asked.kind === 'oauth' || asked.kind === 'service') return 'Basic realm="counterfoil"'
  if (!asked.hasAuthorization || code === 'sign_in_failed') return bearer
  return `${bearer}, error="invalid_token"`
}
