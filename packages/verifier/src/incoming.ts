import { type Credential, carriesSessionCookie, readShown } from './credentials.ts'
import { guard, isSafe } from './guard.ts'
import type { ShownProof } from './proof.ts'
import { targetOf } from './proof-target.ts'

/** A request as any framework hands it over: a web `Request`, or node's message with its headers as they are. */
export type IncomingRequest = {
  readonly method?: string | undefined
  /** Whole, or from the path on. */
  readonly url?: string | undefined
  /** Express shortens `url` by where a router is mounted, and keeps the whole of it here. */
  readonly originalUrl?: string | undefined
  readonly headers: HeaderGetter | HeaderRecord
  /** Node's list of all headers as they came: in its record, a second `Authorization` has disappeared. */
  readonly rawHeaders?: readonly string[] | undefined
}

type HeaderGetter = { get(name: string): string | null }
type HeaderRecord = { readonly [name: string]: string | readonly string[] | undefined }

/** One header, or null. Several of one name are one, joined by commas, as RFC 9110 5.3 has it. */
export function headerOf({ headers }: IncomingRequest, name: string): string | null {
  if (isGetter(headers)) return headers.get(name)
  const value = headers[name]
  if (value === undefined) return null
  return typeof value === 'string' ? value : value.join(', ')
}

/** `Authorization`, where two count as two. A framework may have put one there itself, from wherever it takes it. */
export function authorizationOf(request: IncomingRequest): string | null {
  return sentHeader(request, 'authorization') ?? headerOf(request, 'authorization')
}

/** All cookies that were sent. The guard and the check read them here, so that neither sees one that the other does not. */
export function cookieOf(request: IncomingRequest): string | null {
  return sentHeader(request, 'cookie') ?? headerOf(request, 'cookie')
}

/**
 * As it was sent; several of one name are joined as RFC 9110 5.3 has it, cookies as RFC 9113 8.2.3. Node makes its record of
 * headers when somebody first asks for it, which costs more than a check.
 */
export function sentHeader(request: IncomingRequest, name: string): string | null {
  const { rawHeaders } = request
  if (rawHeaders === undefined) return headerOf(request, name)
  let found: string | null = null
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const sent = rawHeaders[at]
    if (sent === undefined || !isNamed(sent, name)) continue
    const value = rawHeaders[at + 1] ?? ''
    found = found === null ? value : `${found}${name === 'cookie' ? '; ' : ', '}${value}`
  }
  return found
}

/** `name` is in small letters. Of a header's name only ASCII letters have two cases (RFC 9110 5.6.2). */
function isNamed(sent: string, name: string): boolean {
  if (sent.length !== name.length) return false
  for (let at = 0; at < name.length; at++) {
    const unit = sent.charCodeAt(at)
    const isCapital = unit >= 0x41 && unit <= 0x5a
    if ((isCapital ? unit + 0x20 : unit) !== name.charCodeAt(at)) return false
  }
  return true
}

function isGetter(headers: HeaderGetter | HeaderRecord): headers is HeaderGetter {
  return typeof headers.get === 'function'
}

/** Which origins' pages may act here with our cookie: our own as browsers write it, and exact others. */
export type OwnOrigins = { readonly origin: string; readonly allowedOrigins: readonly string[] }

/** The guard. Where the method is safe it reads nothing else, so that a warm request costs two headers. */
export function guardIncoming(request: IncomingRequest, { origin, allowedOrigins }: OwnOrigins): void {
  const method = request.method ?? ''
  const upgrade = sentHeader(request, 'upgrade') !== null
  if (isSafe({ method, upgrade })) return
  guard({
    method,
    upgrade,
    secFetchSite: headerOf(request, 'sec-fetch-site'),
    origin: headerOf(request, 'origin'),
    carriesCookie: carriesSessionCookie(cookieOf(request)),
    asksForCookie: false,
    ownOrigin: origin,
    allowedOrigins,
  })
}

/** The one credential that counts, unchecked: see `readShown`. The cookie is not even read where there is an `Authorization`. */
export function credentialOf(request: IncomingRequest): Credential | null {
  const authorization = authorizationOf(request)
  const cookie = authorization === null ? cookieOf(request) : null
  return readShown({ authorization, cookie })
}

/** What a DPoP proof has to be about. Our origin is the one from the settings: of the address only the path is believed. */
export function proofOf(request: IncomingRequest, origin: string): ShownProof {
  return {
    header: headerOf(request, 'dpop'),
    method: request.method ?? '',
    target: targetOf(origin, request.originalUrl ?? request.url ?? ''),
  }
}
