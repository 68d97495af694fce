import type { Edge } from './chain.ts'
import type { RouteKind } from './route.ts'

const pagePolicy =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
const dataPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox"

/** What every answer carries. `keepSeconds` only for what is the same for everyone and holds no credential. */
export function answerHeaders(given: {
  kind: RouteKind
  isHttps: boolean
  keepSeconds?: number | undefined
}): Headers {
  const { kind, isHttps, keepSeconds } = given
  const headers = new Headers({
    'content-security-policy': kind === 'page' ? pagePolicy : dataPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy':
      keepSeconds === undefined || kind === 'page' ? 'same-origin' : 'cross-origin',
    // A shared cache that keeps one person's answer hands it to the next.
    'cache-control': keepSeconds === undefined ? 'no-store' : `public, max-age=${keepSeconds}`,
  })
  if (isHttps) headers.set('strict-transport-security', 'max-age=63072000')
  return headers
}

/** Script of an allow-listed origin may read the answer. Compared exactly; no other origin is ever named. */
export function allowOrigin(headers: Headers, origin: string | null, allowed: readonly string[]): void {
  if (allowed.length > 0) headers.append('vary', 'Origin')
  if (origin === null || !allowed.includes(origin)) return
  headers.set('access-control-allow-origin', origin)
  headers.set('access-control-allow-credentials', 'true')
  headers.set('access-control-expose-headers', 'date, dpop-nonce, retry-after, www-authenticate')
}

/** Whoever shows a proof learns what the next one has to be made with, so that it is never refused for being old. */
export function offerNonce(headers: Headers, request: Request, { carriers }: Pick<Edge, 'carriers'>): void {
  if (request.headers.has('dpop')) headers.set('dpop-nonce', carriers.proofs.nonce())
}

export function preflight(headers: Headers): void {
  if (!headers.has('access-control-allow-origin')) return
  headers.set('access-control-allow-methods', 'GET, POST, DELETE')
  headers.set('access-control-allow-headers', 'authorization, content-type, dpop, counterfoil-passive')
  headers.set('access-control-max-age', '600')
}
