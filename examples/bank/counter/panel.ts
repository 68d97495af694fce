import { html } from 'hono/html'
import type { Exchange } from './exchange.ts'
import type { Markup } from './pages.ts'

/** One exchange as a ticket: what came in on its face, what it cost on its stub. */
export function ticketOf(exchange: Exchange, isOpen = true): Markup {
  const { number, method, path, status, code, site } = exchange
  const kind = status < 400 ? 'taken' : 'refused'
  const facts = [carried(exchange), guarded(exchange), checked(exchange), outcome(exchange)]
  return html`<li class="exchange ${kind}"><details data-number="${number}"${isOpen ? html` open` : ''}>
<summary><span class="line"><b>${method}</b> ${path.replace(longId, '$1…')}${site === 'cross-site' || site === 'same-site' ? html` <em>${site}</em>` : ''}</span>
<span class="status">${status}${code === null ? '' : html` ${code}`}</span>
<span class="cost">${cost(exchange)}</span></summary>
<dl>${facts.map(([term, fact]) => html`<dt>${term}</dt><dd>${fact}</dd>`)}</dl></details></li>`
}

/** An id of 22 characters, of which four are enough to tell one line from another. */
const longId = /([\w-]{4})[\w-]{18}$/

type Fact = [term: string, fact: string | Markup]

function cost({ measured: { what, microseconds, statements }, endedBefore }: Exchange): string {
  if (endedBefore !== null) return `refused ${endedBefore.toFixed(1)} ms after its end`
  const time = microseconds < 1000 ? `${microseconds} µs` : `${(microseconds / 1000).toFixed(1)} ms`
  const asked =
    statements === null ? '' : `, ${statements} ${statements === 1 ? 'database query' : 'database queries'}`
  return `${what === 'whole' ? 'answered' : 'checked'} in ${time}${asked}`
}

/** A job at the token endpoint: browsers say where they come from. */
const isWorker = ({ path, site }: Exchange) => path === '/oauth/token' && site === null

function carried(exchange: Exchange): Fact {
  const { shown } = exchange
  if (isWorker(exchange))
    return [
      'Carried',
      'the id of a grant, which is no secret, and what makes it worth something: a signature by the worker’s own key, made for this request. Nobody has to be signed in.',
    ]
  if (shown.carrier === 'none') return ['Carried', 'no credential']
  if (shown.carrier === 'cookie') {
    const text = `the cookie ${shown.name}: ${shown.length} characters that mean nothing. The bank keeps their hash; script cannot read them.`
    return ['Carried', text]
  }
  const { claims } = shown
  if (claims === null) return ['Carried', 'something that is no token']
  const left = Math.max(0, Math.round(claims.exp - Date.now() / 1000))
  const bound = claims.isBound
    ? ' It is bound to a key that cannot leave the browser, and beside it is a proof by that key for this one request.'
    : ''
  if (claims.actor !== null) {
    const whose = `a token of a job. It acts for account ${claims.sub.slice(0, 6)}…, who need not be here, as worker ${claims.actor.slice(0, 6)}…, under grant ${claims.grant?.slice(0, 6) ?? 'none'}…`
    return [
      'Carried',
      `${whose}, and may do "${claims.scope}" and nothing else. Over in ${left} s, and worth nothing without a key of that process.`,
    ]
  }
  return [
    'Carried',
    `an access token, signed with ${claims.alg}: account ${claims.sub.slice(0, 6)}…, for ${claims.aud} alone, over in ${left} s.${bound}`,
  ]
}

function guarded(exchange: Exchange): Fact {
  const { method, site, origin, shown, status, code } = exchange
  if (isWorker(exchange)) return ['Guard', 'no cookie counts here, so there is nothing to forge']
  if ((method === 'GET' || method === 'HEAD') && code !== 'forged_request')
    return ['Guard', `a ${method} changes nothing, so it needs no proof`]
  const said = `Sec-Fetch-Site: ${site ?? 'absent'}${origin === null ? '' : `, Origin: ${origin}`}`
  if (code === 'forged_request') return ['Guard', `refused before anything was read. ${said}`]
  if (shown.carrier === 'token') return ['Guard', `no browser sends a token by itself. ${said}`]
  return ['Guard', `${status < 500 ? 'our own page' : 'passed'}. ${said}`]
}

function checked({ measured, shown, isKnown, code }: Exchange): Fact {
  const { what, statements } = measured
  if (code === 'forged_request') return ['Checked', 'nothing else: it ended at the guard']
  if (what === 'whole')
    return ['Checked', 'by the authentication server, which reads and writes its own database']
  if (shown.carrier === 'none') return ['Checked', 'nothing to check']
  if (statements !== null && statements > 0)
    return [
      'Checked',
      'against the database, this once. Kept in memory from now on, until the feed tells its end.',
    ]
  const proof =
    shown.carrier === 'token' && shown.claims?.isBound ? ' The proof: its signature, and that it is new.' : ''
  if (shown.carrier === 'token' && !isKnown)
    return ['Checked', `its signature, this once; no database.${proof}`]
  return ['Checked', `in memory, against the feed of everything that ended. No database.${proof}`]
}

/** Answers that say no, and are still a step on the way. */
const steps = new Map([
  [
    'proof_nonce_needed',
    'whoever asks is told what the next proof has to hold, so that none can be made in advance',
  ],
  ['credential_missing', 'nobody is signed in'],
  ['grant_withdrawn', 'no token: the person has withdrawn it, and the worker is told so'],
  ['grant_ended', 'refused: the person has withdrawn it. The worker asks once why, and stops'],
])

function outcome({ status, code, issued, endedBefore }: Exchange): Fact {
  if (endedBefore !== null)
    return [
      'Outcome',
      html`refused <strong>${endedBefore.toFixed(1)} ms</strong> after the end of its session was answered`,
    ]
  if (issued === 'cookie') return ['Outcome', 'a new cookie; one that was there before is dead']
  if (issued === 'token') return ['Outcome', 'an access token for five minutes, and what renews it']
  return ['Outcome', steps.get(code ?? '') ?? (status < 400 ? 'done' : 'nothing has changed')]
}
