import {
  carriesSessionCookie,
  type GuardedRequest,
  provesSameOrigin,
  readCookie,
} from '@counterfoil/verifier'
import { deviceCookieName, signUpCookieName } from '../carriers/index.ts'
import type { Remote } from '../contract.ts'
import { clientAddress, networkOf } from '../limits/index.ts'
import type { Visitor } from './route.ts'

/** A request of ours, or one that a proxy tells of, which may say by itself that it upgrades. */
export type AskedRequest = Pick<Request, 'method' | 'url' | 'headers'> & { readonly upgrade?: boolean }

/** What the guard judges, taken from the request line and the headers alone. */
export function guardedRequest(
  request: AskedRequest,
  own: { origin: string; allowedOrigins: readonly string[] },
): Omit<GuardedRequest, 'asksForCookie'> {
  const { headers, method } = request
  return {
    method,
    secFetchSite: headers.get('sec-fetch-site'),
    origin: headers.get('origin'),
    upgrade: request.upgrade ?? headers.has('upgrade'),
    carriesCookie: carriesSessionCookie(headers.get('cookie')),
    ownOrigin: own.origin,
    allowedOrigins: own.allowedOrigins,
  }
}

export function visitorOf(
  request: Request,
  given: { remote: Remote; url: URL; trustedHops: number; guarded: Omit<GuardedRequest, 'asksForCookie'> },
): Visitor {
  const { headers } = request
  const { remote, url, trustedHops, guarded } = given
  const forwardedFor = headers.get('x-forwarded-for')
  const cookies = headers.get('cookie')
  return {
    network: networkOf(clientAddress({ remote: remote.address, forwardedFor, trustedHops })),
    userAgent: headers.get('user-agent'),
    deviceCookie: readCookie(cookies, deviceCookieName),
    signUpCookie: readCookie(cookies, signUpCookieName),
    isSameOrigin: provesSameOrigin({ ...guarded, asksForCookie: true }),
    isLoopback: isLoopback(request, remote, url),
  }
}

/** Whatever a proxy adds: one beside us is not the person at this machine. */
const proxied = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

/**
 * Somebody at this very machine, as far as can be seen: a proxy that adds no header at all looks the same, so
 * only development may rely on it. A page of a foreign name that was made to resolve to 127.0.0.1 (DNS
 * rebinding) is given away by its `Host`.
 */
function isLoopback(request: Request, { address }: Remote, { hostname }: URL): boolean {
  if (proxied.some((name) => request.headers.has(name))) return false
  const isNear = address === '::1' || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(address ?? '')
  return isNear && /^(?:(?:[a-z0-9-]+\.)*localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)
}
