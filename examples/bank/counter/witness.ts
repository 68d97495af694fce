import { createJournal, type Journal } from '../journal.ts'
import { createEndings } from './endings.ts'
import { type Exchange, shownBy } from './exchange.ts'
import { measured, unmeasured } from './measure.ts'

/** What other windows should look at again. */
export type Change = 'money' | 'sessions' | null

export type Heard = { exchange: Exchange; changed: Change }

/** Watches the bank at work, for the panel: a real bank has none. */
export type Witness = {
  journal: Journal
  /** One request, from its arrival to its answer. */
  watch(request: Request, answer: () => Promise<Response>): Promise<Response>
  /** The newest first. */
  recent(): Exchange[]
  /** The cookies of the browser that was last recognised by one, as it sent them: they are never shown. */
  lastCookies(): string | null
  /** Calls back for each exchange that ends from now on; the function it gives stops that. */
  listen(hear: (heard: Heard) => void): () => void
}

const kept = 24

export function createWitness(): Witness {
  const journal = createJournal()
  const endings = createEndings()
  const recent: Exchange[] = []
  const listeners = new Set<(heard: Heard) => void>()
  let number = 0
  let lastCookies: string | null = null

  function changeBy(exchange: Exchange, print: string): Change {
    if (endings.note(exchange, print)) return 'sessions'
    if (exchange.issued !== null) return 'sessions'
    const { method, path, status } = exchange
    return method === 'POST' && path === '/payments' && status < 400 ? 'money' : null
  }

  function tell(exchange: Exchange, changed: Change): void {
    recent.unshift(exchange)
    recent.length = Math.min(recent.length, kept)
    for (const hear of listeners) hear({ exchange, changed })
  }

  async function watch(request: Request, answer: () => Promise<Response>): Promise<Response> {
    const shown = shownBy(request.headers)
    const print = shown.carrier === 'none' ? '' : shown.print
    const isKnown = endings.isKnown(print)
    const seen = unmeasured()
    const response = await measured(seen, answer)
    const { method, url, headers } = request
    if (seen.caller !== null) endings.learn(print, seen.caller)
    if (seen.caller?.carrier === 'cookie') lastCookies = headers.get('cookie')
    const { pathname: path } = new URL(url)
    const { status } = response
    const [site, origin] = [headers.get('sec-fetch-site'), headers.get('origin')]
    const exchange: Exchange = {
      ...{ method, path, shown, site, origin, status, isKnown },
      number: ++number,
      code: await codeOf(response),
      measured: seen,
      endedBefore: status === 401 ? endings.since(print) : null,
      issued: await issuedBy(response),
    }
    journal.note({ method, path, cookie: shown.carrier === 'cookie', site, origin, status })
    // A window that only looks again is told of where it is refused, or where its check asked the database.
    const isPassive = headers.get('counterfoil-passive') === '?1'
    const isTold = status >= 400 || (seen.what === 'check' && seen.statements !== 0)
    if (!isPassive || isTold) tell(exchange, changeBy(exchange, print))
    return response
  }

  return {
    journal,
    watch,
    recent: () => [...recent],
    lastCookies: () => lastCookies,
    listen(hear) {
      listeners.add(hear)
      return () => listeners.delete(hear)
    },
  }
}

async function issuedBy(response: Response): Promise<Exchange['issued']> {
  const cookies = response.headers.getSetCookie()
  if (cookies.some((line) => /^__Host-Http-session=[^;]/.test(line))) return 'cookie'
  return (await memberOf(response, 'application/json', 'access_token')) === null ? null : 'token'
}

/** Of a problem, or beside the words of OAuth. */
async function codeOf(response: Response): Promise<string | null> {
  const code = await memberOf(response, 'application/problem+json', 'code')
  return code ?? (response.status < 400 ? null : memberOf(response, 'application/json', 'code'))
}

async function memberOf(response: Response, type: string, name: string): Promise<string | null> {
  // HEAD is answered with the type of a body, and without the body.
  if (response.body === null) return null
  if (response.headers.get('content-type')?.split(';', 1)[0] !== type) return null
  const body: unknown = await response.clone().json()
  const value = body !== null && typeof body === 'object' ? Reflect.get(body, name) : null
  return typeof value === 'string' ? value : null
}
