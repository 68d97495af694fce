import type { Refusal } from '@counterfoil/verifier'
import type { Policy } from '../policy.ts'
import { refusal as coded } from '../refusals.ts'
import type { AskedRequest } from './visitor.ts'

// A list of headers that are joined has a blank after its comma, and an address has none.
const addressPattern = /^[\x21-\x7e]{1,8192}$/
const methodPattern = /^[A-Z]{3,16}$/

/**
 * The request that a proxy asks about. Its own is always a GET, which is how such applications stay forgeable elsewhere. What
 * is not told exactly once gives a method that nobody knows, and that is unsafe.
 */
export function originalOf(
  request: Pick<Request, 'headers'>,
  names: NonNullable<Policy['forward']>,
): AskedRequest {
  const { headers } = request
  const [method, url] = [headers.get(names.method) ?? '', headers.get(names.url) ?? '']
  const isTold = methodPattern.test(method) && addressPattern.test(url)
  return { method: isTold ? method : '', url: isTold ? url : '', headers, upgrade: asksToUpgrade(headers) }
}

/**
 * Traefik takes `Upgrade` away from what it asks us, as a header of one hop, and nginx does where nobody tells it not to.
 * What a browser says besides when it opens a WebSocket comes through.
 */
function asksToUpgrade(headers: Headers): boolean {
  if (headers.get('sec-fetch-mode')?.toLowerCase() === 'websocket') return true
  return ['upgrade', 'sec-websocket-key', 'sec-websocket-version', 'sec-websocket-protocol'].some((name) =>
    headers.has(name),
  )
}

/** Proxies know 401 and 403; another fault of the client would reach it as a fault of the server. */
export function forwardedRefusal(refusal: Refusal): Refusal {
  const { status, code } = refusal
  const isKnown = status === 401 || status === 403 || status === 404 || status >= 500
  return isKnown ? refusal : coded('credential_invalid', { detail: code })
}
