import type { Severity } from './check.ts'
import { evil } from './forging.ts'
import type { Scene } from './scene.ts'
import type { Header } from './wire.ts'

/** What the browser says about where a request comes from, and what is wrong with believing it. */
export type Evidence = {
  id: string
  from: string
  severity: Severity
  headers: (scene: Scene) => Header[][] | string
}

const site = (value: string): Header => ['Sec-Fetch-Site', value]
const from = (origin: string): Header => ['Origin', origin]

/** What the browser says about where a request comes from; each row is a page that an attacker can have. */
export const evidences: readonly Evidence[] = [
  {
    id: 'cross-site',
    from: 'another site',
    severity: 'high',
    headers: () => [[from(evil), site('cross-site')]],
  },
  {
    id: 'foreign-origin',
    from: 'another site, as a browser without Sec-Fetch-Site tells it',
    severity: 'high',
    headers: () => [[from(evil)]],
  },
  {
    id: 'fetch-site-alone',
    from: 'another site, told by Sec-Fetch-Site alone',
    severity: 'medium',
    headers: () => [[site('cross-site')]],
  },
  {
    id: 'same-site',
    from: 'a sibling subdomain, to which SameSite is no obstacle',
    severity: 'high',
    headers: (scene) => [[from(siblingOf(scene)), site('same-site')]],
  },
  {
    id: 'other-port',
    from: 'another port of the same host',
    severity: 'medium',
    headers: (scene) => [[from(otherPortOf(scene)), site('same-site')], [from(otherPortOf(scene))]],
  },
  {
    id: 'plain-http',
    from: 'the same host without TLS, where somebody on the way writes the page',
    severity: 'medium',
    headers: ({ origin }) =>
      origin.startsWith('https:')
        ? [
            [from(origin.replace('https:', 'http:')), site('cross-site')],
            [from(origin.replace('https:', 'http:'))],
          ]
        : 'the target itself is served without TLS',
  },
  {
    id: 'null-origin',
    from: 'a sandboxed frame or a data page, whose origin is null',
    severity: 'high',
    headers: () => [[from('null')], [from('null'), site('cross-site')]],
  },
  {
    id: 'lookalike-origin',
    from: 'an origin that only begins or ends like yours',
    severity: 'high',
    headers: (scene) => lookalikesOf(scene).map((origin) => [from(origin)]),
  },
  {
    id: 'unknown-fetch-site',
    from: 'another site, with a Sec-Fetch-Site that nobody knows',
    severity: 'medium',
    headers: () => [[from(evil), site('elsewhere')]],
  },
  {
    id: 'contradiction',
    from: 'another origin beside a Sec-Fetch-Site that claims to be yours',
    severity: 'low',
    headers: () => [[from(evil), site('same-origin')]],
  },
  {
    id: 'foreign-referer',
    from: 'another site, told by Referer alone',
    severity: 'low',
    headers: () => [[['Referer', `${evil}/page`]]],
  },
  { id: 'no-evidence', from: 'nowhere that can be told', severity: 'low', headers: () => [[]] },
]

function siblingOf({ origin }: Scene): string {
  const url = new URL(origin)
  const labels = url.hostname.split('.')
  const parent =
    labels.length > 2 && !/^[\d.]+$/.test(url.hostname) ? labels.slice(1).join('.') : url.hostname
  return `${url.protocol}//attacker.${parent}`
}

function otherPortOf({ origin }: Scene): string {
  const url = new URL(origin)
  return `${url.protocol}//${url.hostname}:${url.port === '8443' ? '9443' : '8443'}`
}

export function lookalikesOf({ origin }: Pick<Scene, 'origin'>): string[] {
  const url = new URL(origin)
  return [`${origin}.attacker.example`, `${url.protocol}//attacker-${url.host}`]
}

/** From these a browser sends no cookie that says SameSite. */
export const crossSites = new Set([
  'cross-site',
  'foreign-origin',
  'fetch-site-alone',
  'plain-http',
  'null-origin',
  'lookalike-origin',
  'unknown-fetch-site',
])
