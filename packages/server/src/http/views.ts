import { type Html, html, layout, ticket } from './html.ts'

export type HomePage = { signedIn: boolean; development: boolean; issuer: string; version: string }

/** The front door: what runs here and where to go. In development also a tour of two minutes. */
export function homeView(given: HomePage): Html {
  const body = html`<h1>${given.development ? 'The server is running' : 'Welcome'}</h1>
<p class="lead">${given.signedIn ? leadSignedIn : leadSignedOut}</p>
<p class="actions">${given.signedIn ? homeSignedIn : homeSignedOut}</p>`
  // Visitors of a production server learn its address, which they know, and nothing else about it.
  const stub = html`<dl class="facts">
<div><dt>Address</dt><dd>${given.issuer}</dd></div>
${given.development ? html`<div><dt>Mode</dt><dd>Development</dd></div><div><dt>Version</dt><dd>${given.version}</dd></div>` : ''}
</dl>`
  return layout({
    title: given.development ? 'Home' : 'Welcome',
    signedIn: given.signedIn,
    body: html`${ticket({ body, stub })}${given.development ? tour(given.issuer) : ''}`,
  })
}

const leadSignedIn =
  'You are signed in. Your account lists every device that is, and can sign out any of them.'
const leadSignedOut =
  'One account, one list of the devices it is used on, and a button to sign out any of them.'
const homeSignedIn = html`<a class="primary" href="/account">Your account</a>`
const homeSignedOut = html`<a class="primary" href="/sign-up">Create an account</a> <a class="second" href="/sign-in">Sign in</a>`

function tour(issuer: string): Html {
  return html`<section class="tour" aria-labelledby="tour-heading">
<h2 id="tour-heading">A tour of two minutes</h2>
<ol>
<li><h3>Create an account</h3>
<p><a href="/sign-up">Sign up</a> with any address: in development no mail leaves this machine.</p></li>
<li><h3>Open the mailbox</h3>
<p>The mail waits in the <a href="/dev/mail">development mailbox</a>. Open its link and press the button.</p></li>
<li><h3>Look at your devices</h3>
<p><a href="/account">Your account</a> lists this browser. Sign in from another one and it lists both.</p></li>
<li><h3>Do the same from a terminal</h3>
<p>The same session can be shown by a token that an app sends, or by a cookie that a browser keeps. Put your own address and password in. With a token:</p>
${commands(tokenCommands(issuer))}
<p>With a cookie. A sign-in that asks for one has to say where it comes from, as a browser would; take the <code>Origin</code> line out and it is refused:</p>
${commands(cookieCommands(issuer))}</li>
<li><h3>End it, and watch it refused</h3>
<p>Press “Sign out” beside the new device in <a href="/account">your account</a>, or do it from the terminal. Then ask again with the same token: it is refused at once, though it has not expired.</p>
${commands(endCommands(issuer))}</li>
</ol>
</section>`
}

// The region can be scrolled sideways, so it must be reachable by keyboard.
const commands = (text: string) =>
  html`<pre tabindex="0" role="region" aria-label="Commands"><code>${text}</code></pre>`

const signIn = (issuer: string, carrier: 'token' | 'cookie', more: string) =>
  `curl -s ${issuer}/auth/sign-in${more} \\
  -H 'Content-Type: application/json' \\
  -d '{"email":"you@example.com","password":"your password","carrier":"${carrier}"}'`

const tokenCommands = (issuer: string) => `TOKEN=$(${signIn(issuer, 'token', '')} \\
  | sed -n 's/.*"access_token":"\\([^"]*\\)".*/\\1/p')
curl -s ${issuer}/auth/session -H "Authorization: Bearer $TOKEN"`

const cookieCommands = (
  issuer: string,
) => `${signIn(issuer, 'cookie', ` -c jar.txt \\\n  -H 'Origin: ${issuer}'`)}
curl -s ${issuer}/auth/session -b jar.txt`

const endCommands = (
  issuer: string,
) => `curl -s -X POST ${issuer}/auth/sign-out -H "Authorization: Bearer $TOKEN"
curl -s ${issuer}/auth/session -H "Authorization: Bearer $TOKEN"`

export type ProblemPage = { status: number; message: string; hint?: string; signedIn: boolean }

/** A refusal as a page: what happened in a few words, the refusal's own sentence, and what to do next. */
export function problemView(given: ProblemPage): Html {
  const known = problems[given.status] ?? (given.status >= 500 ? broken : general)
  const body = html`<h1>${known.heading}</h1>
<p>${given.message}</p>
<p>${given.hint ?? known.hint}</p>
<p class="actions"><a class="primary" href="/">Go to the front page</a> ${given.signedIn ? html`<a class="second" href="/account">Your account</a>` : ''}</p>`
  const stub = html`<p class="quiet">Error</p><p class="serial">${given.status}</p>`
  return layout({
    title: known.heading,
    signedIn: given.signedIn,
    narrow: true,
    body: ticket({ body, stub }),
  })
}

type Problem = { heading: string; hint: string }

const general: Problem = {
  heading: 'That did not work',
  hint: 'Go back, check what you entered, and try again.',
}
const broken: Problem = {
  heading: 'Something broke here',
  hint: 'It is not your fault. Wait a minute and try again; if it stays like this, tell the people who run this site.',
}

const problems: Readonly<Record<number, Problem>> = {
  401: {
    heading: 'Sign in first',
    hint: 'You are signed out, or were signed out elsewhere. Sign in and try again.',
  },
  403: {
    heading: 'We stopped this request',
    hint: 'It did not come from a page of this site, so nothing was changed. If you meant to do it, start again from the front page.',
  },
  404: {
    heading: 'We cannot find that page',
    hint: 'Check the address for a typing error, or start from the front page.',
  },
  405: { heading: 'That cannot be done here', hint: 'Start again from the front page.' },
  410: {
    heading: 'This link is spent',
    hint: 'A link works once, and only for a short while. Ask for a new one.',
  },
  429: {
    heading: 'One moment, please',
    hint: 'This protects accounts from being guessed at. If the password is forgotten, choose a new one from the sign-in page.',
  },
  500: broken,
  503: { heading: 'Too busy just now', hint: 'Wait a few seconds, then load the page again.' },
}
