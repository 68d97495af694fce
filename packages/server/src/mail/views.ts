import { type Html, html, layout, ticket, time } from '../http/html.ts'

export type MailboxRow = { to: string; subject: string; text: string; html: string; at: number }

/** The development mailbox: the text of every mail, with its links as buttons. */
export function mailboxView(given: { mails: readonly MailboxRow[] }): Html {
  const count = given.mails.length
  const body = html`<div class="heading"><div><h1>Development mailbox</h1>
<p class="quiet">${count === 0 ? 'Empty so far.' : `${count} ${count === 1 ? 'mail' : 'mails'}, newest first.`} No mail leaves this machine.</p></div>
<p><a class="second" href="/dev/mail">Look again</a></p></div>
${count === 0 ? emptyBox : html`<ul class="mails">${given.mails.map((mail) => html`<li>${mailCard(mail)}</li>`)}</ul>`}`
  return layout({ title: 'Development mailbox', signedIn: false, body })
}

const emptyBox = html`<div class="panel"><p><a href="/sign-up">Create an account</a> or <a href="/forgot">ask for a new password</a>, and the mail appears here.</p></div>`

function mailCard(mail: MailboxRow): Html {
  const links = [...new Set(mail.text.match(linkPattern) ?? [])]
  const body = html`<h2>${mail.subject}</h2>
<div class="letter">${linked(mail.text)}</div>`
  const stub = html`<dl class="facts"><div><dt>To</dt><dd>${mail.to}</dd></div>
<div><dt>Sent</dt><dd>${time(mail.at, `${sentAt(mail.at)} UTC`)}</dd></div></dl>
${links.map((link) => html`<p><a class="primary" href="${link}">Open ${pathOf(link)}</a></p>`)}`
  return ticket({ body, stub })
}

// A full stop, comma or bracket at the end belongs to the sentence, not to the address.
const linkPattern = /(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])/g

/** The text with its addresses as links (`split` keeps what the group matched at odd places); everything else is escaped as it stands. */
function linked(text: string): Html {
  const parts = text.split(linkPattern)
  return html`${parts.map((part, at) => (at % 2 === 1 ? html`<a href="${part}">${part}</a>` : part))}`
}

const pathOf = (link: string) => (URL.canParse(link) ? new URL(link).pathname : link)

// Made for the first page: it loads the platform's calendar, which a start should not wait for.
let sentFormat: Intl.DateTimeFormat | null = null

function sentAt(at: number): string {
  sentFormat ??= new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'medium',
    timeStyle: 'medium',
    timeZone: 'UTC',
  })
  return sentFormat.format(at * 1000)
}
