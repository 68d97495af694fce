import * as z from 'zod'
import type { Html } from '../http/html.ts'
import { type Route, route } from '../http/route.ts'
import type { Clock } from '../machine.ts'
import { refuse } from '../refusals.ts'
import type { Sessions } from './operations.ts'
import { sessionId, showSession } from './session.ts'
import { accountView } from './views.ts'

/** What the account page says after something was done; a name in the address, never free text. */
const notices: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ended: 'That device is signed out.',
    'grant-given': 'It may act for you from now on.',
    'grant-withdrawn': 'Taken back. It can do nothing for you any more.',
    'others-ended': 'All other devices are signed out.',
    'password-changed': 'Your password is changed, and all other devices are signed out.',
  }),
)

/** `null` where the session that looks has ended meanwhile: it is shown nothing any more. */
export type ShowAccount = (given: {
  account: { id: string; email: string }
  current: string
  notice: string | null
  passwordForm: Html
}) => Promise<Html | null>

type Showing = {
  sessions: Sessions
  clock: Clock
  /** What works for the account while nobody is there. */
  showGrants(accountId: string): Promise<Html>
}

/** The account page is one page of several rooms: this room lists the devices, another puts in its form. */
export function showAccount({ sessions, clock, showGrants }: Showing): ShowAccount {
  return async ({ account, current, notice, passwordForm }) => {
    const listed = await sessions.list(account.id)
    if (!listed.some(({ id }) => id === current)) return null
    return accountView({
      account,
      sessions: listed.map((session) => showSession(session, current)),
      now: clock.now(),
      notice: notices.get(notice ?? '') ?? null,
      grants: await showGrants(account.id),
      passwordForm,
    })
  }
}

export function sessionPages(sessions: Sessions): Route[] {
  return [
    route({
      method: 'POST',
      path: '/account/sessions/end',
      kind: 'page',
      caller: 'required',
      body: z.object({ id: sessionId }),
      async handle({ body, caller }) {
        if (!caller?.session) refuse('credential_missing')
        await sessions.end({ id: body.id, accountId: caller.account.id, reason: 'ended_from_list' })
        return body.id === caller.session.id
          ? { status: 303, location: '/', ended: true }
          : { status: 303, location: '/account?notice=ended' }
      },
    }),
    route({
      method: 'POST',
      path: '/account/sessions/end-others',
      kind: 'page',
      caller: 'required',
      async handle({ caller }) {
        if (!caller?.session) refuse('credential_missing')
        await sessions.endOthers({ accountId: caller.account.id, keep: caller.session.id })
        return { status: 303, location: '/account?notice=others-ended' }
      },
    }),
    route({
      method: 'POST',
      path: '/sign-out',
      kind: 'page',
      caller: 'optional',
      async handle({ caller }) {
        if (caller?.session) {
          await sessions.signOut({ id: caller.session.id, accountId: caller.account.id })
        }
        return { status: 303, location: '/', ended: true }
      },
    }),
  ]
}
