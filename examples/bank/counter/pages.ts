import type { Caller } from 'counterfoil'
import { html } from 'hono/html'
import { money, type Payment } from '../ledger.ts'
import { ada, mallory } from '../people.ts'
import type { Exchange } from './exchange.ts'
import { ticketOf } from './panel.ts'

export type Markup = ReturnType<typeof html>
export type Addresses = { bank: string; evil: string; textbook: string }

/** Why nothing was paid, for people. */
export const sayings = {
  payee_unknown: 'Nobody at this bank has that address. Nothing was paid.',
  not_covered: 'Your balance does not cover that. Nothing was paid.',
  amount_invalid: 'An amount looks like 25 or 25.50. Nothing was paid.',
} as const

/** The whole page. Without script it works by cookie; with script by either carrier, and live. */
export function pageOf(given: { addresses: Addresses; part: Markup; recent: readonly Exchange[] }): Markup {
  const { addresses, part, recent } = given
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Harbour Bank</title>
<link rel="icon" type="image/svg+xml" href="/assets/bank/bank.svg">
<link rel="stylesheet" href="/assets/bank/bank.css">
<script type="module" src="/assets/bank/bank.js"></script>
</head>
<body>
<a class="skip" href="#counter">Skip to your account</a>
<header class="top">
<a class="brand" href="/"><img src="/assets/bank/bank.svg" alt="" width="34" height="34">Harbour Bank</a>
<nav aria-label="The demonstration"><a href="${addresses.evil}/">Attacker’s site</a>
<a href="${addresses.textbook}/">Textbook bank</a> <a href="/dev/mail">Mailbox</a></nav>
</header>
<main>
<div><p id="said" class="notice" role="status" hidden></p>
<div id="counter">${part}</div></div>
<section class="panel" aria-labelledby="panel-title">
${tour(addresses)}
<h2 id="panel-title">Behind the counter</h2>
<p class="quiet">Each request that reaches this bank, from whichever window or site: what it carried, what was checked,
and what that cost. The newest first.</p>
<ol id="exchanges" class="exchanges">${recent.map((exchange, index) => ticketOf(exchange, index === 0))}</ol>
</section>
</main>
</body>
</html>`
}

/** What to do with five minutes. */
const tour = ({ evil, textbook }: Addresses) => html`<ol class="tour">
<li><b>Sign in</b> as Ada, by cookie or by token.</li>
<li><b>Pay.</b> The check of who you are asks the database nothing.</li>
<li><b>Use the other carrier instead,</b> and go back: the same session, carried the other way.</li>
<li><b>Open a private window,</b> sign in there too, and end one from the other.</li>
<li><b>Let a job write your statements,</b> sign out, and watch it go on. Then sign in and withdraw it.</li>
<li><b>Sign in at the <a href="${textbook}/">textbook bank</a></b> too, and go to the <a href="${evil}/">attacker’s site</a>.</li>
</ol>`

const field = (
  id: string,
  label: string,
  given: { type?: string; value?: string; extra?: Markup },
) => html`<p class="field">
<label for="${id}">${label}</label>
<input id="${id}" name="${id}" type="${given.type ?? 'text'}" value="${given.value ?? ''}" ${given.extra ?? ''} required>
</p>`

const noticeOf = (text: string | null) =>
  text === null ? '' : html`<p class="notice" role="alert">${text}</p>`

/** The form posts to Counterfoil's own page, which signs in by cookie; script can ask for either carrier. */
export function signInPart(notice: string | null): Markup {
  return html`<section class="hello">
<h1>Two ways to show who you are</h1>
${noticeOf(notice)}
<div class="ways">
<article><h2>A cookie</h2>
<p>The bank gives your browser a secret number, and the browser sends it along by itself, every time. That is its
weakness: <strong>another site can make your browser send a request</strong>, a payment perhaps, and the cookie goes with it.</p>
<p class="holds">Here the bank changes nothing unless the browser itself says that the request came from the bank’s own
pages.</p></article>
<article><h2>A token</h2>
<p>The bank signs a note that says who you are, and your page shows it each time. Its weaknesses: <strong>whoever copies
it has it</strong>, and a signature stays good after you have signed out.</p>
<p class="holds">Here it lives five minutes, works only together with a key that cannot be copied out of the browser, and ends in the
moment in which its session ends, as a cookie does.</p></article>
</div>
</section>
<section class="card" aria-labelledby="sign-in-title">
<h2 id="sign-in-title">Sign in as Ada</h2>
<form id="sign-in" method="post" action="/sign-in">
<input type="hidden" name="next" value="/">
${field('email', 'Email', { type: 'email', value: ada.email, extra: html`autocomplete="username"` })}
${field('password', 'Password', { type: 'password', value: ada.password, extra: html`autocomplete="current-password"` })}
<p class="actions"><button class="primary" name="carrier" value="cookie">Sign in by cookie</button>
<button class="primary scripted" name="carrier" value="token" hidden>Sign in by token</button></p>
<p class="problem" role="alert" hidden></p>
</form>
<p class="quiet">It is all filled in. Or <a href="/sign-up">open an account of your own</a>; the mail about it arrives in the
<a href="/dev/mail">mailbox of this demonstration</a>.</p>
</section>`
}

/** What somebody sees who is signed in, the same by either carrier. */
export function counterPart(given: {
  caller: Caller
  balance: number
  payments: readonly Payment[]
  notice: string | null
  statements: Markup
}): Markup {
  const { caller, balance, payments, notice, statements } = given
  const [here, other] = caller.carrier === 'cookie' ? ['cookie', 'token'] : ['token', 'cookie']
  return html`<section class="card account" aria-labelledby="balance-title">
<h1 id="balance-title"><span class="quiet">Your balance</span> <output id="balance">${money(balance)}</output></h1>
<p>${caller.account.email}, here by <strong id="carrier" data-carrier="${here}">${here}</strong></p>
<form id="sign-out" method="post" action="/sign-out"><button class="second">Sign out</button></form>
<form id="switch" class="scripted" data-to="${other}" hidden>
<p class="quiet">The ${other} can carry this session instead. That takes the password, which script on the page does not know.</p>
${field('password', 'Password', { type: 'password', value: caller.account.email === ada.email ? ada.password : '', extra: html`autocomplete="current-password"` })}
<p class="actions"><button class="second">Use the ${other} instead</button></p>
<p class="problem" role="alert" hidden></p>
</form>
</section>
${noticeOf(notice)}
<section class="card" aria-labelledby="pay-title">
<h2 id="pay-title">Pay somebody</h2>
<form id="pay" method="post" action="/payments">
${field('to', 'To', { type: 'email', value: caller.account.email === mallory.email ? ada.email : mallory.email })}
${field('amount', 'Amount in euros', { value: '12.50', extra: html`inputmode="decimal" autocomplete="off"` })}
<p class="field"><label for="note">Note</label><input id="note" name="note" maxlength="140" value="For the boat"></p>
<p class="actions"><button class="primary">Pay</button></p>
<p class="problem" role="alert" hidden></p>
</form>
<h3>Last payments</h3>
${payments.length === 0 ? html`<p class="quiet">None yet.</p>` : html`<ul class="lines">${payments.map(paymentLine)}</ul>`}
</section>
${statements}
<section class="card" aria-labelledby="devices-title">
<h2 id="devices-title">Where you are signed in</h2>
<ul class="lines" id="devices"></ul>
${deviceTemplate}
<p class="quiet">Open this page in a private window and sign in there. End one here, and watch the other be refused. <a href="/account">Devices and password</a></p>
</section>`
}

const paymentLine = ({ other, cents, note, at }: Payment) => html`<li><span>${other}
<small>${note} · <time datetime="${new Date(at).toISOString()}">${clock(at)}</time></small></span>
<b class="${cents < 0 ? 'out' : 'in'}">${money(cents)}</b></li>`

/** Filled in by script, from what Counterfoil answers; without it Counterfoil's own page has the list. */
const deviceTemplate = html`<template id="device"><li><span><span class="name"></span><small></small></span>
<b class="here">this one</b>
<form class="end"><input type="hidden" name="id"><button class="second">End</button></form></li></template>`

export const clock = (at: number) => new Date(at).toISOString().slice(11, 19)
