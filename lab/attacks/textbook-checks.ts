import type { IncomingHttpHeaders } from 'node:http'

type Asked = { method: string; headers: IncomingHttpHeaders }
/** Whether a request that changes something comes from a page of the application, which browsers know as `own`. */
export type PageCheck = (asked: Asked, own: string) => boolean

const hostOf = (origin: string | undefined) => (origin ?? '').split('://')[1] ?? ''
const siteOf = ({ headers }: Asked) => headers['sec-fetch-site']
const domainOf = (own: string) => new URL(own).hostname.split('.').slice(-2).join('.')

/**
 * How applications tell their own pages from others'. Each stops the plain forgery of another site, has a reason, and
 * is wrong in one thing.
 */
export const pageChecks: Readonly<Record<string, PageCheck>> = {
  // The scheme is unknown behind a proxy that ends TLS, so only the rest is compared.
  'compares hosts': ({ headers }) => hostOf(headers.origin) === (headers.host ?? ''),
  // The page and the API have different ports in development.
  'compares names without ports': ({ headers: { origin = '', host = '' } }) =>
    URL.canParse(origin) && new URL(origin).hostname === host.split(':')[0],
  // Every team has its subdomain.
  'takes the whole domain': ({ headers }, own) => (headers.origin ?? '').endsWith(domainOf(own)),
  // The address in the settings ends with a slash on some machines.
  'compares beginnings': ({ headers }, own) => (headers.origin ?? '').startsWith(own),
  // The web view of the mobile application sends `null`.
  'takes null': ({ headers: { origin } }, own) => origin === 'null' || origin === own,
  // curl, webhooks and old browsers send none.
  'takes a missing origin': ({ headers: { origin } }, own) => origin === undefined || origin === own,
  // The new header says it all.
  'asks Sec-Fetch-Site alone': (asked) => ['same-origin', 'none'].includes(String(siteOf(asked))),
  // What is new should refuse only what is surely wrong.
  'refuses what says cross-site': (asked) => siteOf(asked) !== 'cross-site',
  // It worked before the new header came.
  'asks Origin alone': ({ headers }, own) => headers.origin === own,
  // Forms send nothing else.
  'looks at POST alone': ({ method, headers }, own) => method !== 'POST' || headers.origin === own,
}

export function checkNamed(name: string): PageCheck {
  const check = pageChecks[name]
  if (check === undefined) throw new Error(`nobody ${name}`)
  return check
}

/** The value of a cookie by its name, as people read it who have no library at hand. */
export type CookieReader = (header: string, name: string) => string | null

export const cookieReaders: Readonly<Record<string, CookieReader>> = {
  // The answer with the most votes.
  'by a pattern': (header, name) =>
    new RegExp(`${name}\\s*=\\s*"?([^;",& ]+)`, 'i').exec(header)?.[1] ?? null,
  // The other one: names and values are decoded, since values have to be, and trimmed, since there is a blank.
  'by splitting': (header, name) => {
    let found: string | null = null
    for (const pair of Buffer.from(header, 'latin1').toString().split(/[;,]/)) {
      const [key = '', value = ''] = pair.split('=').map((part) => decodeURIComponent(part).trim())
      if (key === name) found = value.replace(/^"|"$|\0$/g, '')
    }
    return found
  },
}

/** Which origins may read answers, of an application that means to let in `https://app.example.com` alone. */
export const allowLists: Readonly<Record<string, (origin: string) => boolean>> = {
  'a pattern without ends': (origin) => /https:\/\/app.example.com/.test(origin),
  'a beginning': (origin) => origin.startsWith('https://app.example.com'),
  'an end': (origin) => origin.endsWith('app.example.com'),
  'a part, in any case': (origin) => origin.toLowerCase().includes('example.com'),
  'null, for local files': (origin) => origin === 'null' || origin === 'https://app.example.com',
}

/** "It is more robust": the fields of a body of whatever type. */
export function fieldsOf(body: unknown): Record<string, unknown> {
  if (typeof body !== 'string') return { ...Object(body) }
  const fields = body.matchAll(/name="(\w+)"\r\n\r\n(.*?)\r\n/g)
  return Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, value]))
}
