import {
  errorSummary,
  type FormState,
  field,
  fieldState,
  formTitle,
  type Html,
  html,
  layout,
  notice,
  ticket,
} from '../http/html.ts'

const lengthHint = (minimum: number) =>
  `At least ${minimum} characters. Three or four words that do not belong together are easy to remember and hard to guess.`

const sameAnswer = 'Nothing after a few minutes? Look in the spam folder and check that the address is right.'

export function signUpView(given: { form: FormState; signedIn: boolean; minimum: number }): Html {
  const { form } = given
  const body = html`<h1>Create an account</h1>
${given.signedIn ? html`<p class="quiet">You are signed in already. A new account will be separate from that one.</p>` : ''}
${errorSummary(form)}
<form method="post" action="/sign-up" novalidate>
${emailField(form)}
${newPasswordField({ ...given, name: 'password', label: 'Password' })}
<button class="primary">Create account</button>
</form>`
  const stub = html`<h2>What happens next</h2>
<p>We send a mail with a link. Open it, press the button, and you are in.</p>
<p>Have an account? <a href="/sign-in">Sign in</a></p>`
  return layout({
    title: formTitle('Create an account', form),
    signedIn: given.signedIn,
    narrow: true,
    body: ticket({ body, stub }),
  })
}

export function signUpSentView(given: { email: string }): Html {
  const body = html`<h1>Look in your mailbox</h1>
<p>We sent a mail to <strong class="address">${given.email}</strong>. It says how to go on.</p>
<p class="quiet">You can close this page.</p>`
  const stub = html`<h2>No mail?</h2>
<p>${sameAnswer}</p>
<p><a href="/sign-up">Try another address</a></p>`
  return layout({
    title: 'Look in your mailbox',
    signedIn: false,
    narrow: true,
    body: ticket({ body, stub }),
  })
}

export function signInView(given: { form: FormState; next: string | null; done?: string | null }): Html {
  const { form } = given
  const first = form.error === null
  const body = html`<h1>Sign in</h1>
${given.done ? notice({ kind: 'done', text: given.done }) : ''}
${errorSummary(form, html`Check both before the next try. Not sure of the password? <a href="/forgot">Choose a new one</a>.`)}
<form method="post" action="/sign-in" novalidate>
${given.next === null ? '' : html`<input type="hidden" name="next" value="${given.next}">`}
${emailField(form, first)}
${currentPasswordField(form, 'password')}
<button class="primary">Sign in</button>
</form>`
  const stub = html`<h2>Not that way?</h2>
<p><a href="/forgot">I forgot my password</a></p>
<p><a href="/sign-up">Create an account</a></p>`
  return layout({
    title: formTitle('Sign in', form),
    signedIn: false,
    narrow: true,
    body: ticket({ body, stub }),
  })
}

export type VerifyPage = {
  token: string | null
  email: string | null
  form: FormState
  askPassword: boolean
  minimum: number
}

/** Confirms on a press of the button only: mail scanners open every link, and must not confirm anything. */
export function verifyView(given: VerifyPage): Html {
  const { form, email } = given
  if (given.token === null) return verifyWithoutToken()
  // The address in full, never cut short: what is about to be confirmed must be seen.
  const whose = email === null ? 'Your address' : html`<strong class="address">${email}</strong>`
  const passwordFields = [
    email === null ? '' : accountField(email),
    newPasswordField({ ...given, name: 'password' }),
  ]
  const body = html`<h1>${given.askPassword ? 'Confirm and choose a password' : 'Confirm your address'}</h1>
${errorSummary(form)}
<p>${whose} becomes the address of your account. ${given.askPassword ? otherBrowser : 'One press, and it is ready.'}</p>
<form method="post" action="/verify" novalidate>
<input type="hidden" name="token" value="${given.token}">
${given.askPassword ? passwordFields : ''}
<button class="primary">Confirm this address</button>
</form>`
  const stub = html`<h2>Not you?</h2>
<p>If you did not ask for this account, close the page. Nothing happens until the button is pressed.</p>`
  return layout({
    title: formTitle('Confirm your address', form),
    signedIn: false,
    narrow: true,
    tokenInAddress: true,
    body: ticket({ body, stub }),
  })
}

const otherBrowser =
  'This is not the browser that signed up, so choose the password here. The one typed at sign-up is dropped, and only you know this one.'

function verifyWithoutToken(): Html {
  const body = html`<h1>Open the link once more</h1>
<p>This page needs the link from the mail, and it was opened without it. Go back to the mail and open the link again: it still works if you have not confirmed yet.</p>`
  const stub = html`<h2>Confirmed already?</h2>
<p><a href="/sign-in">Sign in</a></p>
<p><a href="/sign-up">Get a new mail</a></p>`
  return layout({
    title: 'Open the link once more',
    signedIn: false,
    narrow: true,
    body: ticket({ body, stub }),
  })
}

export function forgotView(given: { form: FormState }): Html {
  const { form } = given
  const body = html`<h1>Choose a new password</h1>
${errorSummary(form)}
<p>Tell us your address. We send a link for choosing a new password.</p>
<form method="post" action="/forgot" novalidate>
${emailField(form)}
<button class="primary">Send the link</button>
</form>`
  const stub = html`<h2>It came back to you?</h2>
<p><a href="/sign-in">Sign in</a></p>`
  return layout({
    title: formTitle('Choose a new password', form),
    signedIn: false,
    narrow: true,
    body: ticket({ body, stub }),
  })
}

export function forgotSentView(given: { email: string }): Html {
  const body = html`<h1>Look in your mailbox</h1>
<p>If there is an account for <strong class="address">${given.email}</strong>, a mail with a link is on its way.</p>
<p class="quiet">The old password works until you choose a new one.</p>`
  const stub = html`<h2>No mail?</h2>
<p>${sameAnswer}</p>
<p><a href="/forgot">Try another address</a></p>`
  return layout({
    title: 'Look in your mailbox',
    signedIn: false,
    narrow: true,
    body: ticket({ body, stub }),
  })
}

export function resetView(given: { token: string; form: FormState; minimum: number }): Html {
  const { form } = given
  const body = html`<h1>Choose a new password</h1>
${errorSummary(form)}
<form method="post" action="/reset" novalidate>
<input type="hidden" name="token" value="${given.token}">
${newPasswordField({ ...given, name: 'password' })}
<button class="primary">Set the new password</button>
</form>`
  const stub = html`<h2>What changes</h2>
<p>The old password stops working, and every device is signed out, so that nobody stays in by accident.</p>`
  return layout({
    title: formTitle('Choose a new password', form),
    signedIn: false,
    narrow: true,
    tokenInAddress: true,
    body: ticket({ body, stub }),
  })
}

/** A page that was loaded again: page.js took the token out of its address, and the link is as good as before. */
export function resetWithoutTokenView(): Html {
  const body = html`<h1>Open the link once more</h1>
<p>This page needs the link from the mail, and it was opened without it. Go back to the mail and open the link again: it still works if you have not chosen a new password with it.</p>`
  const stub = html`<h2>No mail at hand?</h2>
<p><a href="/forgot">Get a new mail</a></p>
<p><a href="/sign-in">Sign in</a></p>`
  return layout({
    title: 'Open the link once more',
    signedIn: false,
    narrow: true,
    body: ticket({ body, stub }),
  })
}

export function deadLinkView(given: { what: 'verify' | 'reset' }): Html {
  const again = given.what === 'verify' ? '/sign-up' : '/forgot'
  const body = html`<h1>This link is spent</h1>
<p>A link works once, and only for a short while. This one was used already, or it is too old.</p>
<p><a class="primary" href="${again}">Get a new link</a></p>`
  const stub = html`<h2>Used it already?</h2>
<p>Then all is well.</p>
<p><a href="/sign-in">Sign in</a></p>`
  return layout({ title: 'This link is spent', signedIn: false, narrow: true, body: ticket({ body, stub }) })
}

/** A part of the account page, not a page. */
export function passwordChangeForm(given: { form: FormState; minimum: number; email: string }): Html {
  const { form } = given
  return html`<section class="panel split" aria-labelledby="password-heading">
<div class="aside"><h2 id="password-heading">Change the password</h2>
<p class="quiet">Every other device is signed out when you do.</p></div>
<div class="work">
${errorSummary(form)}
<form method="post" action="/account/password" novalidate>
${accountField(given.email)}
${currentPasswordField(form, 'current')}
${newPasswordField({ ...given, name: 'new' })}
<button class="primary">Change password</button>
</form>
</div>
</section>`
}

function emailField(form: FormState, autofocus = false): Html {
  const state = fieldState(form, 'email')
  return field({
    name: 'email',
    label: 'Email address',
    type: 'email',
    autocomplete: 'username',
    ...state,
    autofocus: autofocus || state.autofocus,
  })
}

/** The account that a new password belongs to, for password managers: without a name it is never sent. */
const accountField = (email: string) =>
  field({
    name: 'username',
    label: 'Account',
    type: 'email',
    autocomplete: 'username',
    value: email,
    readonly: true,
  })

function currentPasswordField(form: FormState, name: 'password' | 'current'): Html {
  return field({
    name,
    label: name === 'current' ? 'Current password' : 'Password',
    type: 'password',
    autocomplete: 'current-password',
    ...unfilled(form, name),
  })
}

function newPasswordField(given: {
  form: FormState
  name: 'password' | 'new'
  label?: string
  minimum: number
}): Html {
  return field({
    name: given.name,
    label: given.label ?? 'New password',
    type: 'password',
    autocomplete: 'new-password',
    hint: lengthHint(given.minimum),
    ...unfilled(given.form, given.name),
  })
}

/** A password never goes back to the page, whatever the caller left among the values. */
function unfilled(form: FormState, name: string): { error: string | null; autofocus: boolean } {
  const { error, autofocus } = fieldState(form, name)
  return { error, autofocus }
}
