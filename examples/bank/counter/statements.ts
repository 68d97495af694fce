import { html } from 'hono/html'
import type { Job, Statement } from '../statements/queue.ts'
import { monthSeconds } from '../statements/start.ts'
import { clock, type Markup } from './pages.ts'

/** Why a job does not go on, for the person. */
const reasons = new Map([
  ['grant_withdrawn', 'You have withdrawn it. Its next request was refused, and it has stopped.'],
  ['grant_expired', 'The time that you gave it is over.'],
  ['grant_over', 'Your account ended everything that was allowed before.'],
])

/** The card about the job that writes statements while nobody is here. */
export function statementsPart(given: { job: Job | null; written: readonly Statement[] }): Markup {
  const { job, written } = given
  const isRunning = job !== null && job.dueAt !== null
  return html`<section class="card" aria-labelledby="statements-title" id="statements" data-state="${isRunning ? 'running' : job === null ? 'none' : 'stopped'}">
<h2 id="statements-title">Monthly statements</h2>
${isRunning ? running : asking(job)}
${written.length === 0 ? '' : html`<ul class="lines">${written.map(statementLine)}</ul>`}
</section>`
}

const running = html`<p><strong class="in">Running.</strong> A job of the bank, a program of its own, reads your balance and
payments and writes a statement each month, also while you are signed out. A month takes ${monthSeconds} seconds here.</p>
<p class="actions"><a class="button second" href="/account#grants-heading">See what you allow, or withdraw it</a></p>`

const asking = (job: Job | null) => html`${
  job === null
    ? html`<p>A job can write them for you each month while you are not here. It gets neither your password nor your session:
you allow it one thing, until a day, and withdraw it when you like.</p>`
    : html`<p><strong class="out">Stopped.</strong> ${reasons.get(job.why ?? '') ?? 'It is not allowed any more.'}</p>`
}
<p class="actions"><a class="button primary" href="/statements/ask">${job === null ? 'Let the job write them' : 'Allow it again'}</a></p>`

const statementLine = ({ number, text, at }: Statement) => html`<li><span>No. ${number}
<small>${text}</small></span><time datetime="${new Date(at).toISOString()}">${clock(at)}</time></li>`
