import { html } from 'hono/html'
import { type Forgery, forgeries, groups, type Target } from './forgeries.ts'

type Shown = { banks: Record<Target, string>; port: number; here: string; balances: Record<Target, string> }

const csp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src * data:; connect-src *; form-action *; frame-src *; base-uri 'none'"

export function evilPage(shown: Shown) {
  const { banks, balances } = shown
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="content-security-policy" content="${csp}">
<title>The attacker’s site</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/attacker.css">
<script type="module" src="/attacker.js"></script>
</head>
<body>
<a class="skip" href="#forgeries">Skip to the forgeries</a>
<header>
<p class="brand">Mallory’s workshop</p>
<h1>This page belongs to somebody else. You are signed in at your bank. Can it spend your money?</h1>
<ol class="steps">
<li>Sign in at <a href="${banks.ours}/">our bank</a>, by cookie. One press; it is filled in.</li>
<li>Sign in at <a href="${banks.textbook}/">the textbook bank</a>, by cookie, and <a href="${banks.textbook}/modern">by token</a> too.</li>
<li>Come back and press.</li>
</ol>
<noscript><p class="warning">An attacker needs script for this page. The banks do not.</p></noscript>
${vantages(shown)}
<p class="quiet">Balances and findings are told by the demonstration’s server, which looks at the books of both banks. This page
cannot fake them.</p>
</header>
<section class="score" aria-label="Balances"><div class="books">
<p>Your money at our bank <output id="balance-ours">${balances.ours}</output></p>
<p>At the textbook bank <output id="balance-textbook">${balances.textbook}</output></p>
<p class="actions"><button id="all" type="button">Try all that need no window</button>
<button id="start-over" type="button" class="second">Start over</button></p>
</div></section>
<main id="forgeries">${Object.entries(groups).map(
    ([group, title]) => html`<section><h2>${title}</h2>
<ol>${forgeries.filter((one) => one.group === group).map((one) => card(one, banks))}</ol></section>`,
  )}</main>
<div hidden><iframe name="frame-ours" title="unseen"></iframe><iframe name="frame-textbook" title="unseen"></iframe></div>
</body>
</html>`
}

function vantages({ banks, port, here }: Shown) {
  const bank = new URL(banks.ours).hostname
  const places = [
    ['another site', `evil.localhost:${port}`],
    ['a sibling subdomain', `evil.${bank}:${port}`],
    ['another port of the bank’s host', `${bank}:${port}`],
  ] as const
  return html`<nav aria-label="Where to attack from"><p>Attack from
${places.map(
  ([name, host]) =>
    html`<a href="http://${host}/" ${host === here ? html`aria-current="page"` : ''}>${name}</a> `,
)}</p></nav>`
}

function card({ id, name, tries, opensWindow, group }: Forgery, banks: Shown['banks']) {
  return html`<li class="card" id="${id}" data-opens-window="${opensWindow ? 'yes' : 'no'}">
<div class="try"><h3 id="${id}-name">${name}</h3><p>${tries}</p>
<button type="button" aria-describedby="${id}-name">${opensWindow ? 'Try it in a window' : 'Try it'}</button></div>
<dl aria-live="polite">
${place('ours', 'Our bank', `${banks.ours}/`)}
${place('textbook', 'The textbook bank', banks.textbook + (group === 'token' ? '/modern' : '/'))}
</dl></li>`
}

const place = (
  target: Target,
  name: string,
  signIn: string,
) => html`<div data-target="${target}"><dt>${name}</dt>
<dd class="verdict">not tried</dd><dd class="way" hidden><a href="${signIn}">Sign in as Ada</a>, and try again.</dd>
<dd class="words"></dd></div>`
