import { html } from 'hono/html'
import { money, type Payment } from '../ledger.ts'
import { ada } from '../people.ts'

type Addresses = { bank: string; evil: string }
type Markup = ReturnType<typeof html>

function page(addresses: Addresses, title: string, body: Markup): string {
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Textbook Bank</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/textbook.css">
</head>
<body>
<header><a class="brand" href="/">Textbook Bank</a>
<nav aria-label="Main"><a href="/">By cookie</a> <a href="/modern">By token</a></nav></header>
<main>${body}</main>
<footer><p>The second bank of the demonstration: as in a tutorial, and forgeable.
<a href="${addresses.bank}/">Our bank</a> · <a href="${addresses.evil}/">The attacker’s site</a></p></footer>
</body>
</html>`)
}

const field = (id: string, label: string, type: string, value: string) => html`<p class="field">
<label for="${id}">${label}</label><input id="${id}" name="${id}" type="${type}" value="${value}" required></p>`

/** The person and the password are filled in: this is a demonstration, and one press is enough. */
export function signInPage(addresses: Addresses, error: string | null): string {
  return page(
    addresses,
    'Sign in',
    html`<h1>Sign in</h1>
${error === null ? '' : html`<p role="alert" class="error">${error}</p>`}
<form method="post" action="/sign-in">
${field('email', 'Email', 'email', ada.email)}${field('password', 'Password', 'password', ada.password)}
<button>Sign in by cookie</button>
</form>
${margin('express-session as tutorials set it up. The cookie travels with every request to this bank, whoever caused it, and the bank does not ask who that was.')}`,
  )
}

const margin = (text: string) => html`<aside><p>${text}</p></aside>`

const payForm = html`<form method="post" action="/payments">
${field('to', 'Pay to', 'email', 'mallory@example.com')}${field('amount', 'Amount in euros', 'text', '5')}
<button>Pay</button>
</form>`

export function accountPage(
  addresses: Addresses,
  account: { name: string; balance: number; payments: Payment[] },
): string {
  const { name, balance, payments } = account
  const rows = payments.map(
    ({ other, cents, note }) =>
      html`<tr><td>${other}<br><small>${note}</small></td><td class="sum">${money(cents)}</td></tr>`,
  )
  return page(
    addresses,
    'Account',
    html`<h1>${money(balance)}</h1>
<p>The account of ${name}, signed in by cookie.</p>
${payForm}
<table><caption>Last payments</caption><tbody>${rows}</tbody></table>
<form method="post" action="/sign-out"><button class="second">Sign out</button></form>
${margin('The session is in the server’s memory, its id in the cookie connect.sid. Every request reads the store.')}`,
  )
}

/** The same account for a page that holds a JWT in localStorage; its script fills in everything. */
export function tokenPage(addresses: Addresses): string {
  return page(
    addresses,
    'By token',
    html`<div id="modern">
<form id="sign-in" method="post" action="/token">
<h1>Sign in</h1>
${field('email', 'Email', 'email', ada.email)}${field('password', 'Password', 'password', ada.password)}
<button>Sign in by token</button>
</form>
<section id="account" hidden>
<h1 id="balance"></h1>
<p>The account of <span id="name"></span>, signed in by token.</p>
<table><caption>Last payments</caption><tbody id="payments"></tbody></table>
<button id="sign-out" class="second" type="button">Sign out</button>
</section>
<p id="problem" role="alert" class="error" hidden></p>
</div>
${margin('A JWT, good for a day, in localStorage. No other site can make the browser send it; but any script in this page can read it, and the bank cannot take it back.')}
<script type="module" src="/modern.js"></script>`,
  )
}
