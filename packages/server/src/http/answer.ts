import { carriesSessionCookie } from '@counterfoil/verifier'
import { deviceCookie, endedSessionCookie, type Handed, setCookies, signUpCookie } from '../carriers/index.ts'
import type { Edge, Exchange } from './chain.ts'
import { allowOrigin, answerHeaders, offerNonce } from './headers.ts'
import type { Answer } from './route.ts'

/** Turns an answer into a response; the only place where a credential is handed out or taken back. */
export async function writeAnswer(
  answer: Answer,
  { route, request, caller }: Pick<Exchange, 'route' | 'request' | 'caller'>,
  edge: Edge,
): Promise<Response> {
  const handed = answer.began === undefined ? null : await edge.carriers.handOut(answer.began)
  const { keepSeconds } = answer
  const headers = answerHeaders({ kind: route.kind, isHttps: edge.isHttps, keepSeconds })
  allowOrigin(headers, request.headers.get('origin'), edge.policy.origins)
  offerNonce(headers, request, edge)
  setCookies(headers, cookiesFor(answer, handed, { request, caller }))
  if (answer.location !== undefined) headers.set('location', answer.location)
  if (answer.forwarded !== undefined) {
    headers.set('x-auth-account', answer.forwarded.account)
    headers.set('x-auth-session', answer.forwarded.session)
  }
  if (answer.etag !== undefined) headers.set('etag', answer.etag)
  if (answer.stream !== undefined) return streamed(answer, headers, { isRead: request.method !== 'HEAD' })
  const content = contentOf(answer, handed)
  if (content !== null) headers.set('content-type', content.type)
  return new Response(content?.body ?? null, { status: answer.status, headers })
}

async function streamed(
  { status, stream }: Answer,
  headers: Headers,
  { isRead }: { isRead: boolean },
): Promise<Response> {
  headers.set('content-type', stream?.type ?? '')
  // A proxy that collects what it passes on would turn every heartbeat into an old one.
  headers.set('x-accel-buffering', 'no')
  if (isRead) return new Response(stream?.body ?? null, { status, headers })
  // Nobody reads the body of an answer to HEAD, and this one would go on for ever.
  await stream?.body.cancel()
  return new Response(null, { status, headers })
}

function cookiesFor(
  answer: Answer,
  handed: Handed | null,
  { request, caller }: Pick<Exchange, 'request' | 'caller'>,
): string[] {
  const cookies: string[] = []
  if (handed?.cookie != null) cookies.push(handed.cookie)
  // Whoever ended a session by its token may carry the cookie of another one, which goes on.
  const isItsCookie = caller === null || caller.carrier === 'cookie'
  if (answer.ended && isItsCookie && carriesSessionCookie(request.headers.get('cookie')))
    cookies.push(endedSessionCookie())
  // A client that keeps tokens keeps no cookies.
  if (answer.deviceCookie !== undefined && handed?.tokens == null)
    cookies.push(deviceCookie(answer.deviceCookie))
  if (answer.signUpCookie !== undefined) {
    cookies.push(signUpCookie(answer.signUpCookie.value, answer.signUpCookie.lifeSeconds))
  }
  return cookies
}

function contentOf(answer: Answer, handed: Handed | null): { type: string; body: string } | null {
  if (answer.location !== undefined) return null
  if (answer.html !== undefined) return { type: 'text/html; charset=utf-8', body: String(answer.html) }
  if (answer.text !== undefined) return answer.text
  if (handed !== null) {
    const { tokens, account, session } = handed
    return { type: 'application/json', body: JSON.stringify({ ...tokens, account, session }) }
  }
  return answer.json === undefined ? null : { type: 'application/json', body: JSON.stringify(answer.json) }
}
