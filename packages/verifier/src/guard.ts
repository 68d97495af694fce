import { refuse } from './refusal.ts'

/** What the guard looks at: all of it from the request line and headers, none of it from the body. */
export type GuardedRequest = {
  readonly method: string
  readonly secFetchSite: string | null
  readonly origin: string | null
  /** The request asks to become something else: a WebSocket, or an extended CONNECT. */
  readonly upgrade: boolean
  /** From `carriesSessionCookie`: a malformed or doubled session cookie counts as well. */
  readonly carriesCookie: boolean
  /** The answer to this request may set a session cookie: sign-in by cookie (login CSRF). */
  readonly asksForCookie: boolean
  /** Our own origin as browsers write it: scheme, host, port unless it is the default one. */
  readonly ownOrigin: string
  /** Origins that may act here with our cookie. Compared exactly; there are no patterns. */
  readonly allowedOrigins: readonly string[]
}

const safeMethods = ['GET', 'HEAD', 'OPTIONS']

/**
 * Refuses (`forged_request`) an unsafe request that a browser may have been tricked into sending. One that carries our
 * cookie or asks for one must prove where it comes from; any other is refused only where evidence speaks against it,
 * since without evidence no browser sent it. Not checked: who the caller is, and whether safe methods change state.
 */
export function guard(request: GuardedRequest): void {
  if (isSafe(request)) return
  const guarded = request.carriesCookie || request.asksForCookie
  const accepted = guarded ? isProven(request) : !isContradicted(request)
  if (!accepted) refuse('forged_request', describe(request))
}

/**
 * Whether the browser itself says that the request comes from our own pages or straight from its user. False where
 * nothing is said; an allow-listed origin is trusted by the guard, but it is not ours.
 */
export function provesSameOrigin(request: GuardedRequest): boolean {
  return originOf(request) !== 'allowed' && isProven(request)
}

/** Whether a request of this kind changes nothing, so that it passes whatever else it says. */
export function isSafe(request: Pick<GuardedRequest, 'method' | 'upgrade'>): boolean {
  return !upgrades(request) && safeMethods.includes(request.method)
}

function isProven(request: GuardedRequest): boolean {
  const origin = originOf(request)
  // Checked before Sec-Fetch-Site: something between the browser and us may have added either header.
  if (origin === 'foreign') return false
  const crossing = crosses(request)
  // A WebSocket has no CORS, and not every browser says Sec-Fetch-Site when opening one; Origin is always sent.
  if (upgrades(request)) return origin === 'own' && !crossing
  if (crossing) return origin === 'allowed'
  // A page with Referrer-Policy no-referrer posts its own forms with `Origin: null`, so here that takes nothing away.
  if (request.secFetchSite === 'same-origin' || request.secFetchSite === 'none') return true
  return origin === 'own'
}

function isContradicted(request: GuardedRequest): boolean {
  const origin = originOf(request)
  return origin === 'foreign' || (crosses(request) && origin !== 'allowed')
}

function upgrades({ upgrade, method }: Pick<GuardedRequest, 'method' | 'upgrade'>): boolean {
  return upgrade || method === 'CONNECT'
}

function crosses({ secFetchSite }: GuardedRequest): boolean {
  return secFetchSite === 'same-site' || secFetchSite === 'cross-site'
}

function originOf(request: GuardedRequest): 'absent' | 'opaque' | 'own' | 'allowed' | 'foreign' {
  const { origin } = request
  if (origin === null) return 'absent'
  // Before any comparison: every sandboxed frame in the world is `null`, even if somebody puts it on a list.
  if (origin === 'null') return 'opaque'
  if (origin === request.ownOrigin) return 'own'
  return request.allowedOrigins.includes(origin) ? 'allowed' : 'foreign'
}

function describe(request: GuardedRequest): string {
  const said = JSON.stringify({
    site: request.secFetchSite?.slice(0, 64),
    origin: request.origin?.slice(0, 256),
  })
  return `${originOf(request)} origin, ${upgrades(request) ? 'upgrade' : 'unsafe method'}: ${said}`
}
