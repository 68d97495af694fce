import { html } from 'hono/html'

export type MailKind = 'verify' | 'account_exists' | 'reset' | 'password_changed'

/**
 * `link` is where the mail leads: for `verify` and `reset` the address with its token, for `account_exists`
 * the sign-in page, for `password_changed` the page for choosing a new password. `minutes` is how long a token lives.
 */
export type MailFacts = { email: string; link: string; minutes: number; serviceName: string }

export type MailBody = { subject: string; text: string; html: string }

type Letter = {
  subject: string
  before: string[]
  action: string
  link: string
  after: string[]
  more?: { label: string; link: string }
}

/** What a mail says, as plain text and as HTML with the same words. */
export function mailText(kind: MailKind, facts: MailFacts): MailBody {
  const letter = letters[kind](facts)
  const more = letter.more ? [`${letter.more.label}:\n${letter.more.link}`] : []
  const lines = [...letter.before, `${letter.action}:\n${letter.link}`, ...more, ...letter.after, sign(facts)]
  return {
    subject: letter.subject,
    text: `${lines.join('\n\n')}\n`,
    html: String(mailMarkup(letter, facts)),
  }
}

const sign = (facts: MailFacts) => `${facts.serviceName}. This mail went to ${facts.email}.`

const once = (minutes: number) =>
  `The link works once, for ${minutes === 1 ? 'one minute' : `${minutes} minutes`}. If it is too late, ask for a new one on the page it opens.`

const letters: Readonly<Record<MailKind, (facts: MailFacts) => Letter>> = {
  verify: ({ email, link, minutes, serviceName }) => ({
    subject: `Confirm your address for ${serviceName}`,
    before: [`Somebody, we hope you, asked for an account at ${serviceName} with the address ${email}.`],
    action: 'Confirm the address',
    link,
    after: [once(minutes), 'Was it not you? Then do nothing: without this link there is no account.'],
  }),
  account_exists: ({ email, link, serviceName }) => ({
    subject: `You already have an account at ${serviceName}`,
    before: [
      `Somebody tried to sign up at ${serviceName} with ${email}. There is an account with this address already, so nothing was changed.`,
      'If it was you, sign in with the password you have.',
    ],
    action: 'Sign in',
    link,
    more: { label: 'Forgot the password? Choose a new one', link: new URL('/forgot', link).href },
    after: ['Was it not you? Then there is nothing to do. Your account is as it was.'],
  }),
  reset: ({ email, link, minutes, serviceName }) => ({
    subject: `Choose a new password for ${serviceName}`,
    before: [`Somebody, we hope you, asked for a new password for ${email} at ${serviceName}.`],
    action: 'Choose a new password',
    link,
    after: [once(minutes), 'Was it not you? Then do nothing: your password stays as it is.'],
  }),
  password_changed: ({ email, link, serviceName }) => ({
    subject: `Your password for ${serviceName} was changed`,
    before: [
      `The password for ${email} at ${serviceName} has just been changed. If it was you, there is nothing to do.`,
      'If it was not you, choose a new password now. That signs out every device, also the one of whoever changed it.',
    ],
    action: 'Choose a new password',
    link,
    after: [],
  }),
}

// Mail programs drop style sheets and know no custom properties: the few styles stand on the elements.
const paragraph = (text: string) => html`<p style="margin:0 0 16px">${text}</p>`
const shown = (link: string) =>
  html`<p style="margin:0 0 16px;font-size:13px;color:#4c5a54;word-break:break-all">${link}</p>`

function mailMarkup(letter: Letter, facts: MailFacts) {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${letter.subject}</title></head>
<body style="margin:0;padding:24px 12px;background:#eceff0;color:#16211d;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
<div style="max-width:520px;margin:0 auto;padding:28px;background:#ffffff;border-radius:6px;overflow-wrap:anywhere;word-break:break-word">
<h1 style="margin:0 0 16px;font-size:21px;line-height:1.3">${letter.subject}</h1>
${letter.before.map(paragraph)}
<p style="margin:0 0 12px"><a href="${letter.link}" style="display:inline-block;padding:11px 20px;border-radius:4px;background:#0e5a49;color:#ffffff;font-weight:600;text-decoration:none">${letter.action}</a></p>
${shown(letter.link)}
${letter.more ? html`<p style="margin:0 0 4px"><a href="${letter.more.link}" style="color:#0e5a49">${letter.more.label}</a></p>${shown(letter.more.link)}` : ''}
${letter.after.map(paragraph)}
<p style="margin:24px 0 0;padding-top:16px;border-top:2px dotted #b9c4be;font-size:13px;color:#4c5a54">${sign(facts)}</p>
</div></body></html>`
}
