import { type Route, route } from '../http/route.ts'
import type { Mail } from './operations.ts'
import { mailboxView } from './views.ts'

/** The development mailbox. auth.ts leaves these routes out wherever it must not exist. */
export function mailboxRoutes(mail: Mail): Route[] {
  return [
    route({
      method: 'GET',
      path: '/dev/mail',
      kind: 'page',
      caller: 'ignored',
      loopbackOnly: true,
      async handle({ wantsJson }) {
        const mails = await mail.mailbox()
        return wantsJson ? { status: 200, json: mails } : { status: 200, html: mailboxView({ mails }) }
      },
    }),
  ]
}
