import {
  errorSummary,
  type FormState,
  field,
  fieldState,
  formTitle,
  type Html,
  html,
  layout,
  ticket,
} from '../http/html.ts'
import { ago, day } from '../sessions/index.ts'
import type { ShownGrant } from './grant.ts'

/** A scope in plain words, where policy has them. */
export type ScopeWords = Readonly<Record<string, string>>

export type ConsentPage = {
  worker: string
  purpose: string
  scope: string
  /** `null`: this very site. */
  elsewhere: string | null
  expiresAt: number
  onSignOut: 'keep' | 'end'
  email: string
  words: ScopeWords
  request: string
  /** Where whoever says no goes on to. */
  declined: string
  form: FormState
  askPassword: boolean
}

/** Who will do what, with which data, where, until when; and how to take it back. Nothing happens until the button is pressed. */
export function consentView(given: ConsentPage): Html {
  const { form, worker } = given
  const body = html`<h1>Let “${worker}” act for you?</h1>
${errorSummary(form)}
<p class="lead">In its own words: <q class="purpose">${given.purpose}</q></p>
<dl class="terms">
<div><dt>It may</dt><dd><ul>${scopesOf(given.scope, given.words)}</ul></dd></div>
<div><dt>Where</dt><dd>${given.elsewhere === null ? 'On this site' : given.elsewhere}</dd></div>
<div><dt>Until</dt><dd>${day(given.expiresAt)}, ${given.onSignOut === 'keep' ? 'also while you are signed out' : 'or until you sign out here'}</dd></div>
</dl>
<form method="post" action="/grants/new" novalidate>
<input type="hidden" name="request" value="${given.request}">
${given.askPassword ? passwordField(given) : ''}
<div class="actions"><button class="primary">Allow it</button> <a class="second" href="${given.declined}">Not now</a></div>
</form>`
  const stub = html`<h2>What stays yours</h2>
<p>It never gets your password, cannot change your account, and cannot allow anything to others.</p>
<p>Your account lists what you allowed, and takes it back at once.</p>
<p class="quiet">Signed in as <span class="address">${given.email}</span></p>`
  return layout({
    title: formTitle('Let it act for you?', form),
    signedIn: true,
    narrow: true,
    body: ticket({ body, stub }),
  })
}

/** A question that cannot be asked any more. */
export function closedView(message: string): Html {
  const body = html`<h1>Nothing to allow here</h1>
<p>${message}</p>
<p class="actions"><a class="primary" href="/account">Your account</a></p>`
  const stub = html`<h2>What changed</h2>
<p>Nothing. Your account lists what you allowed.</p>`
  return layout({
    title: 'Nothing to allow here',
    signedIn: true,
    narrow: true,
    body: ticket({ body, stub }),
  })
}

function passwordField({ form, email }: ConsentPage): Html {
  const { error, autofocus } = fieldState(form, 'password')
  return html`<input type="email" name="username" autocomplete="username" value="${email}" class="unseen" tabindex="-1" aria-hidden="true" readonly>
${field({
  name: 'password',
  label: 'Your password',
  type: 'password',
  autocomplete: 'current-password',
  hint: 'You signed in a while ago. Your password shows that this is you.',
  ...{ error, autofocus },
})}`
}

const scopesOf = (scope: string, words: ScopeWords) =>
  scope
    .split(' ')
    .map((one) =>
      Object.hasOwn(words, one) ? html`<li>${words[one]}</li>` : html`<li><code>${one}</code></li>`,
    )

/** A part of the account page: what works for the account while nobody is there. Nothing where there is none. */
export function grantsSection(given: {
  grants: readonly ShownGrant[]
  now: number
  issuer: string
  words: ScopeWords
}): Html {
  if (given.grants.length === 0) return html``
  const cards = given.grants.map((grant) => html`<li>${grantCard(grant, given)}</li>`)
  return html`<section aria-labelledby="grants-heading">
<div class="heading"><h2 id="grants-heading">Acts for you</h2></div>
<p class="quiet">What you allowed, also while you are not here. Take back what you do not need.</p>
<ul class="devices">${cards}</ul>
</section>`
}

function grantCard(
  grant: ShownGrant,
  { now, issuer, words }: { now: number; issuer: string; words: ScopeWords },
): Html {
  const used = grant.last_used_at === null ? 'not used yet' : html`last used ${ago(grant.last_used_at, now)}`
  const body = html`<h3>${grant.client_name}</h3>
<p><q class="purpose">${grant.purpose}</q></p>
<ul class="scopes">${scopesOf(grant.scope, words)}</ul>
<p class="quiet">${grant.audience === issuer ? '' : html`<span class="fact">At ${grant.audience}</span> `}<span class="fact">Until ${day(grant.expires_at)}, ${used}</span></p>`
  const stub = html`<form method="post" action="/account/grants/withdraw">
<input type="hidden" name="id" value="${grant.id}">
<button class="second">Take back<span class="unseen"> from ${grant.client_name}: ${grant.purpose}</span></button>
</form>`
  return ticket({ body, stub })
}
