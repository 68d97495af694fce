import type { Sent } from '../attack/index.ts'

const own = 'https://app.example'

export function headerIn({ headers }: Sent, wanted: string): string | null {
  return headers.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? null
}

/** Where a request comes from, in the words of the holes; `null` from our own pages. */
export function comesFrom(sent: Sent): string | null {
  const origin = headerIn(sent, 'origin')
  const site = headerIn(sent, 'sec-fetch-site')
  if (origin === null && site === null)
    return headerIn(sent, 'referer') === null ? 'no-evidence' : 'foreign-referer'
  if (origin === null) return site === 'same-origin' ? null : 'fetch-site-alone'
  if (origin === own) return null
  if (origin === 'null') return 'null-origin'
  if (origin === 'http://app.example') return 'plain-http'
  if (origin === 'https://app.example:8443') return 'other-port'
  if (/attacker-app\.example$|app\.example\.attacker\.example$/.test(origin)) return 'lookalike-origin'
  if (site === 'same-site') return 'same-site'
  if (site === 'same-origin') return 'contradiction'
  if (site === 'cross-site') return 'cross-site'
  return site === null ? 'foreign-origin' : 'unknown-fetch-site'
}

/** The body's fields in whatever type they come: a careless framework reads them all. */
export function fieldsIn(sent: Sent): Record<string, unknown> {
  const text = sent.body ?? ''
  const type = headerIn(sent, 'content-type') ?? ''
  if (type.startsWith('application/x-www-form-urlencoded'))
    return Object.fromEntries(new URLSearchParams(text))
  if (type.startsWith('multipart/')) {
    return Object.fromEntries(
      [...text.matchAll(/name="([^"]*)"\r\n\r\n([^\r]*)\r\n/g)].map(([, name, value]) => [name, value]),
    )
  }
  const parsed: unknown = text === '' ? {} : JSON.parse(text)
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
}
