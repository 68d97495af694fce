import { readFileSync } from 'node:fs'

/** The page loads only what this origin serves, talks to nobody else, and is shown in nobody's frame. */
const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

/** What every answer of the bank's own routes carries. */
export const headers: Readonly<Record<string, string>> = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** An answer that says no, in the form of RFC 9457, as Counterfoil's own routes do. */
export function problem(code: string, status: number, title = code): Response {
  const body = JSON.stringify({ type: 'about:blank', title, status, code })
  return new Response(body, { status, headers: { 'content-type': 'application/problem+json' } })
}

const kinds = { 'bank.css': 'text/css', 'bank.js': 'text/javascript', 'bank.svg': 'image/svg+xml' }

/** What the page loads, by name. */
export function assetNamed(name: string): Response | null {
  const type = Object.entries(kinds).find(([known]) => known === name)?.[1]
  if (type === undefined) return null
  const body = readFileSync(new URL(`./assets/${name}`, import.meta.url))
  return new Response(body, { headers: { 'content-type': `${type}; charset=utf-8` } })
}
