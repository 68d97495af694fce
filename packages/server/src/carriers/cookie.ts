import { sessionCookieName } from '@counterfoil/verifier'

/**
 * The one file that writes cookies. Every name has the `__Host-Http-` prefix: Secure, HttpOnly, this host
 * only, path `/`; a sibling domain cannot plant one and script cannot read or write one. SameSite is always
 * said aloud, since browsers treat a cookie without it as sendable cross-site for its first two minutes.
 */
export const deviceCookieName = '__Host-Http-device'
export const signUpCookieName = '__Host-Http-sign-up'

const yearSeconds = 365 * 24 * 3600

export function sessionCookie(value: string, lifeSeconds: number): string {
  return write(sessionCookieName, value, lifeSeconds)
}

export function endedSessionCookie(): string {
  return write(sessionCookieName, '', 0)
}

export function deviceCookie(value: string): string {
  return write(deviceCookieName, value, yearSeconds)
}

export function signUpCookie(value: string, lifeSeconds: number): string {
  return write(signUpCookieName, value, lifeSeconds)
}

/** Adds cookies to an answer's headers, each name at most once (RFC 6265bis 4.1.1). */
export function setCookies(headers: Headers, cookies: readonly string[]): void {
  for (const cookie of cookies) headers.append('set-cookie', cookie)
}

function write(name: string, value: string, lifeSeconds: number): string {
  return `${name}=${value}; Max-Age=${lifeSeconds}; Path=/; Secure; HttpOnly; SameSite=Lax`
}
