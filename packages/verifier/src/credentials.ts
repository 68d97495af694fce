import { refuse } from './refusal.ts'

/** The one credential that counts for a request, unchecked. */
export type Credential =
  | { readonly kind: 'cookie'; readonly value: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'dpop'; readonly token: string }

/** `__Host-` keeps sibling domains from setting it, `__Host-Http-` keeps script from doing so. */
export const sessionCookieName = '__Host-Http-session'

// RFC 9110 section 11.4.
const token68Pattern = /^[A-Za-z0-9\-._~+/]+=*$/
const cookieValuePattern = /^[A-Za-z0-9_-]+$/

/**
 * The credential of a request, or null if it carries none. `Authorization` counts alone if it is there at all, even
 * empty: refused as `credential_invalid` when it is not Bearer or DPoP, as `credential_ambiguous` when there are two
 * (a comma, which is how headers are merged), and never a fall-back to the cookie: otherwise whoever can add a cookie
 * decides who an API call is from. A malformed or doubled session cookie is none. Not checked: whether it is genuine.
 */
export function readCredential(headers: CredentialHeaders): Credential | null {
  const shown = readShown(headers)
  if (shown?.kind === 'cookie') return cookieValuePattern.test(shown.value) ? shown : null
  if (shown !== null && !token68Pattern.test(shown.token))
    refuse('credential_invalid', 'Authorization is malformed')
  return shown
}

export type CredentialHeaders = { readonly authorization: string | null; readonly cookie: string | null }

/**
 * The same for whoever looks the credential up or takes it apart, and so knows but one spelling of it. Not checked: its letters, a
 * cookie's included, which to go through once more costs as much as all else on the way of a request that is known.
 */
export function readShown(headers: CredentialHeaders): Credential | null {
  if (headers.authorization !== null) return readAuthorization(headers.authorization)
  const value = readCookie(headers.cookie, sessionCookieName)
  return value === null || value === '' ? null : { kind: 'cookie', value }
}

function readAuthorization(authorization: string): Credential {
  if (authorization.includes(',')) refuse('credential_ambiguous', 'Authorization holds a comma')
  // A scheme, one space, and the rest. White space is exact: one credential has one spelling.
  const space = authorization.indexOf(' ')
  const token = authorization.slice(space + 1)
  if (space < 1 || token === '' || token.includes(' '))
    refuse('credential_invalid', 'Authorization is malformed')
  const scheme = authorization.slice(0, space)
  switch (scheme === 'Bearer' ? 'bearer' : scheme.toLowerCase()) {
    case 'bearer':
      return { kind: 'bearer', token }
    case 'dpop':
      return { kind: 'dpop', token }
    default:
      return refuse('credential_invalid', 'Authorization has another scheme than Bearer or DPoP')
  }
}

/**
 * Whether the browser sent anything under the session cookie's name, however often and however malformed. For the
 * guard, which must never see less than `readCredential` does.
 */
export function carriesSessionCookie(cookieHeader: string | null): boolean {
  return cookieValues(cookieHeader, sessionCookieName).length > 0
}

/**
 * The value of the one cookie with this exact name, or null if there is none or more than one: a second one was put
 * there by somebody else, and no order says which. Names and values are bytes: no percent decoding, no quotes, no
 * `$Version`, no case folding, no trimming but of spaces and tabs.
 */
export function readCookie(cookieHeader: string | null, name: string): string | null {
  const values = cookieValues(cookieHeader, name)
  return values.length === 1 ? (values[0] ?? null) : null
}

function cookieValues(cookieHeader: string | null, name: string): readonly string[] {
  const values: string[] = []
  for (let start = 0; cookieHeader !== null && start < cookieHeader.length; ) {
    const semicolon = cookieHeader.indexOf(';', start)
    const end = semicolon === -1 ? cookieHeader.length : semicolon
    const value = valueIn(cookieHeader, start, end, name)
    if (value !== null) values.push(value)
    start = end + 1
  }
  return values
}

/** Of the one pair between `start` and `end`, if it has that name. One without `=` is a nameless cookie: all of it is value. */
function valueIn(header: string, start: number, end: number, name: string): string | null {
  const from = skipBlanks(header, start)
  if (!header.startsWith(name, from)) return null
  const equals = skipBlanks(header, from + name.length)
  if (equals >= end || header[equals] !== '=') return null
  const first = skipBlanks(header, equals + 1)
  let last = end
  while (last > first && isBlank(header.charCodeAt(last - 1))) last--
  return header.slice(first, Math.max(first, last))
}

/** Spaces and tabs alone: `trim` would strip U+00A0 and more, and make two names one. */
function skipBlanks(text: string, from: number): number {
  let at = from
  while (isBlank(text.charCodeAt(at))) at++
  return at
}

function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09
}
