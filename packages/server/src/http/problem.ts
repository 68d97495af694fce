import { challengeOf, Refusal } from '@counterfoil/verifier'
import { isUnavailable } from '../db/unavailable.ts'
import type { Log } from '../machine.ts'
import { refusal as coded } from '../refusals.ts'
import type { RouteKind } from './route.ts'
import { problemView } from './views.ts'

/** RFC 6749 5.2 knows few words; whatever is not among them is a request that is not as it should be. */
const oauthErrors: ReadonlyMap<string, string> = new Map(
  Object.entries({
    grant_invalid: 'invalid_grant',
    grant_unknown: 'invalid_grant',
    grant_withdrawn: 'invalid_grant',
    grant_expired: 'invalid_grant',
    grant_over: 'invalid_grant',
    grant_type_unsupported: 'unsupported_grant_type',
    client_invalid: 'invalid_client',
    client_unauthorized: 'unauthorized_client',
    scope_invalid: 'invalid_scope',
    target_invalid: 'invalid_target',
    too_many_attempts: 'temporarily_unavailable',
    proof_invalid: 'invalid_dpop_proof',
    proof_nonce_needed: 'use_dpop_nonce',
    too_many_proofs: 'temporarily_unavailable',
    busy: 'temporarily_unavailable',
    feed_stale: 'temporarily_unavailable',
    store_unavailable: 'temporarily_unavailable',
    broken: 'server_error',
  }),
)

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

/** RFC 9457. */
export const problemType = 'application/problem+json'

export type ShownRefusal = { status: number; body: BodyInit; headers: Readonly<Record<string, string>> }

/** The one place that turns a refusal into an answer. Its `detail` is for operators and stays here. */
export function showRefusal(
  refusal: Refusal,
  asked: { kind: RouteKind; authorization: string | null; isSignedIn: boolean },
): ShownRefusal {
  const { code, message } = refusal
  const status = statusOf(refusal, asked.kind)
  const headers: Record<string, string> = {}
  if (refusal.retryAfterSeconds !== null) headers['retry-after'] = String(refusal.retryAfterSeconds)
  const isChallenged = (status === 401 && asked.kind !== 'page') || refusal.challenge !== null
  if (isChallenged) headers['www-authenticate'] = challenge(refusal, asked)
  if (asked.kind === 'page') {
    headers['content-type'] = 'text/html; charset=utf-8'
    return { status, headers, body: String(problemView({ status, message, signedIn: asked.isSignedIn })) }
  }
  if (asked.kind === 'oauth') {
    headers['content-type'] = 'application/json'
    // Of several ends that are one word there, `code` tells which: clients pass over what they do not know.
    const error = oauthErrors.get(code) ?? 'invalid_request'
    return { status, headers, body: JSON.stringify({ error, error_description: message, code }) }
  }
  headers['content-type'] = problemType
  return { status, headers, body: JSON.stringify({ type: 'about:blank', title: message, status, code }) }
}

function challenge(
  refusal: Refusal,
  { kind, authorization }: { kind: RouteKind; authorization: string | null },
): string {
  if (refusal.challenge === null && (kind === 'oauth' || kind === 'service'))
    return 'Basic realm="counterfoil"'
  return challengeOf(refusal, refusal.code === 'sign_in_failed' ? null : authorization)
}

/** Where tokens are asked for, a proof and a grant are parts of the request, not what admits to it (RFC 9449 5 and 8). */
export function statusOf({ code, status }: Pick<Refusal, 'code' | 'status'>, kind: RouteKind): number {
  return kind === 'oauth' && (code.startsWith('proof_') || code === 'grant_unknown') ? 400 : status
}
