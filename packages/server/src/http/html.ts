import { html, raw } from 'hono/html'
import { assetPath } from './assets.ts'

export { html }

/** Markup whose every value has been escaped. Only the `html` tag makes it. */
export type Html = ReturnType<typeof html>

/** What a form shows again after a refusal: what was typed (never a password) and what to change. */
export type FormState = {
  values: Readonly<Record<string, string>>
  error: { message: string; field: string | null } | null
}

export const emptyForm: FormState = { values: {}, error: null }

export type Page = {
  title: string
  signedIn: boolean
  body: Html
  /** One ticket in the middle of the page rather than the full width. */
  narrow?: boolean
  /** The address carries a secret from a mail: page.js takes it out of the address bar. */
  tokenInAddress?: boolean
}

const doctype = raw('<!doctype html>')

/** The markup as a string, for mail and for tests. Markup that waits for a promise is a programming error. */
export function markupOf(markup: Html): string {
  if (markup instanceof Promise) throw new Error('markup that waits for a promise cannot be a string')
  return String(markup)
}

/** A whole document. Without script it works the same, but for the "Show" button beside passwords. */
export function layout(page: Page): Html {
  return html`${doctype}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title} · Counterfoil</title>
<link rel="stylesheet" href="${assetPath('style.css')}">
<link rel="icon" type="image/svg+xml" href="${assetPath('icon.svg')}">
<script src="${assetPath('page.js')}" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<a class="brand" href="/">${mark}<span>Counterfoil</span></a>
<nav aria-label="Main">${page.signedIn ? navSignedIn : navSignedOut}</nav>
</header>
<main id="content" class="${page.narrow ? 'narrow' : 'wide'}"${page.tokenInAddress ? html` data-token-in-address` : ''}>
${page.body}
</main>
</body>
</html>`
}

const navSignedIn = html`<a href="/">Home</a><a href="/account">Account</a>`
const navSignedOut = html`<a href="/">Home</a><a href="/sign-in">Sign in</a>`

/** The ticket with its stub, drawn once here and once in assets/icon.svg. */
export const mark = html`<svg class="mark" viewBox="0 0 36 24" width="36" height="24" aria-hidden="true" focusable="false"><path class="mark-ticket" d="M3 1h17.5a2.5 2.5 0 0 0 5 0H33a2 2 0 0 1 2 2v18a2 2 0 0 1-2 2h-7.5a2.5 2.5 0 0 0-5 0H3a2 2 0 0 1-2-2V3a2 2 0 0 1 2-2z"/><path class="mark-tear" d="M23 6.5v12" stroke-dasharray="0.1 3" stroke-linecap="round"/><path class="mark-line" d="M6 8.5h9M6 12.5h6"/></svg>`

/** A ticket: what this page is for, and beyond the perforation its counterfoil with what else one may do. */
export function ticket(parts: { body: Html; stub: Html }): Html {
  return html`<div class="shade"><div class="ticket">
<div class="face">${parts.body}</div>
<div class="stub">${parts.stub}</div>
</div></div>`
}

/** An instant (seconds since the epoch) in words for people, and exactly for machines. */
export function time(at: number, words: string): Html {
  return html`<time datetime="${new Date(at * 1000).toISOString().replace('.000Z', 'Z')}">${words}</time>`
}

export type Field = {
  name: string
  label: string
  type: 'email' | 'password' | 'text'
  autocomplete: string
  value?: string
  hint?: string
  error?: string | null
  autofocus?: boolean
  /** Shown and offered to password managers, but never sent. */
  readonly?: boolean
}

/** One labelled input. The hint and the error are tied to it, so that a screen reader says them with the label. */
export function field(given: Field): Html {
  const id = `field-${given.name}`
  const described = [given.error ? `${id}-error` : '', given.hint ? `${id}-hint` : '']
    .filter(Boolean)
    .join(' ')
  return html`<div class="field${given.error ? ' wrong' : ''}">
<label for="${id}">${given.label}</label>
${given.hint ? html`<p class="hint" id="${id}-hint">${given.hint}</p>` : ''}
${given.error ? html`<p class="error" id="${id}-error">${given.error}</p>` : ''}
<div class="entry"><input id="${id}" type="${given.type}" autocomplete="${given.autocomplete}"${
    given.readonly ? html` readonly` : html` name="${given.name}" required`
  }${given.value === undefined ? '' : html` value="${given.value}"`}${
    given.type === 'text' ? '' : html` autocapitalize="none" spellcheck="false"`
  }${described ? html` aria-describedby="${described}"` : ''}${
    given.error ? html` aria-invalid="true"` : ''
  }${given.autofocus ? html` autofocus` : ''}></div>
</div>`
}

/** What `field` needs from the state of its form: the value typed before, and the error if it is this field's. */
export function fieldState(
  form: FormState,
  name: string,
): { value?: string; error: string | null; autofocus: boolean } {
  const error = form.error?.field === name ? form.error.message : null
  const value = form.values[name]
  return {
    error,
    autofocus: error !== null,
    ...(value === undefined ? {} : { value }),
  }
}

export function notice(given: { kind: 'error' | 'done'; text: string }): Html {
  const role = given.kind === 'error' ? 'alert' : 'status'
  return html`<div class="notice ${given.kind}" role="${role}"><p>${given.text}</p></div>`
}

/**
 * Says at the top of a form what went wrong. An error of one field links to it, and the field has the focus;
 * an error of the whole form takes the focus itself. `next` says what to do where the message does not.
 */
export function errorSummary(form: FormState, next: Html | null = null): Html {
  if (form.error === null) return html``
  const { message, field: name } = form.error
  const focus = name === null ? html` tabindex="-1" autofocus` : ''
  return html`<div class="notice error" role="alert"${focus}>
<p>${name === null ? message : html`<a href="#field-${name}">${message}</a>`}</p>
${next === null ? '' : html`<p>${next}</p>`}
</div>`
}

/** Screen readers say the title first: an error belongs at its beginning. */
export function formTitle(title: string, form: FormState): string {
  return form.error === null ? title : `Error: ${title}`
}
