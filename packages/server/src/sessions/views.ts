import { type Html, html, layout, notice, ticket, time } from '../http/html.ts'

export type DeviceRow = {
  id: string
  created_at: number
  last_seen_at: number
  device: string
  carrier: 'cookie' | 'token'
  current: boolean
}

export type AccountPage = {
  account: { id: string; email: string }
  sessions: readonly DeviceRow[]
  now: number
  notice: string | null
  /** What other rooms put in between; may be empty. */
  grants: Html
  passwordForm: Html
}

/** The account: who, on which devices, and the password. People know a session as a device that is signed in. */
export function accountView(given: AccountPage): Html {
  const others = given.sessions.filter((session) => !session.current).length
  const cards = given.sessions.map((session) => html`<li>${deviceCard(session, given.now)}</li>`)
  const here = given.sessions.some((session) => session.current)
  const body = html`${given.notice === null ? '' : notice({ kind: 'done', text: given.notice })}
<div class="heading"><div><h1>Your account</h1><p class="address">${given.account.email}</p></div>${here ? '' : signOut}</div>
<section aria-labelledby="devices-heading">
<div class="heading"><h2 id="devices-heading">Devices</h2>${others === 0 ? '' : endOthers(others)}</div>
<p class="quiet">${devicesIntro(given.sessions.length, others)}</p>
${cards.length === 0 ? '' : html`<ul class="devices">${cards}</ul>`}
</section>
${given.grants}
${given.passwordForm}`
  return layout({ title: 'Your account', signedIn: true, body })
}

function devicesIntro(all: number, others: number): string {
  if (all === 0) return 'No device is signed in. Sign in again to see it here.'
  if (others === 0) return 'Only this device is signed in.'
  return 'Everywhere you are signed in. Do not know one of them? Sign it out, then change the password.'
}

function deviceCard(session: DeviceRow, now: number): Html {
  const name = session.device.trim() === '' ? 'Unknown device' : session.device
  const kind = session.carrier === 'cookie' ? 'Browser' : 'App'
  const seen = session.current ? 'in use now' : html`last seen ${ago(session.last_seen_at, now)}`
  const body = html`<h3>${name}${session.current ? html` <span class="badge">This one</span>` : ''}</h3>
<p class="quiet"><span class="fact">${kind}, ${seen}</span> <span class="fact">Signed in ${day(session.created_at)}</span></p>`
  const stub = session.current ? signOut : endOne(session.id, name)
  return ticket({ body, stub })
}

const endOne = (id: string, name: string) => html`<form method="post" action="/account/sessions/end">
<input type="hidden" name="id" value="${id}">
<button class="second">Sign out<span class="unseen"> ${name}</span></button>
</form>`

const endOthers = (count: number) => html`<form method="post" action="/account/sessions/end-others">
<button class="second">Sign out ${count === 1 ? 'the other one' : 'all others'}</button>
</form>`

const signOut = html`<form method="post" action="/sign-out"><button class="second">Sign out</button></form>`

const steps = [
  { below: 3600, seconds: 60, unit: 'minute' },
  { below: 86_400, seconds: 3600, unit: 'hour' },
  { below: 30 * 86_400, seconds: 86_400, unit: 'day' },
] as const

/** How long ago in plain words; from thirty days on the date says more. Clocks that disagree make "just now". */
export function ago(at: number, now: number): Html {
  const passed = now - at
  const step = steps.find((candidate) => passed < candidate.below)
  if (step === undefined) return day(at)
  const count = Math.floor(passed / step.seconds)
  const words = passed < 60 ? 'just now' : `${count} ${step.unit}${count === 1 ? '' : 's'} ago`
  return time(at, words)
}

let dayFormat: Intl.DateTimeFormat | null = null

/** The first one loads the platform's calendar, which a start should not wait for. */
export function day(at: number): Html {
  dayFormat ??= new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' })
  return time(at, dayFormat.format(at * 1000))
}
