import type { Feed } from '../feed/index.ts'
import { type Route, route } from '../http/route.ts'
import { refuse } from '../refusals.ts'
import type { Sessions } from './operations.ts'
import { sessionId, showSession } from './session.ts'

export function sessionRoutes(sessions: Sessions, feed: Feed): Route[] {
  return [
    route({
      method: 'GET',
      path: '/auth/session',
      kind: 'api',
      caller: 'required',
      handle({ caller }) {
        if (caller === null) refuse('credential_missing')
        return { status: 200, json: caller }
      },
    }),
    route({
      method: 'GET',
      path: '/auth/sessions',
      kind: 'api',
      caller: 'required',
      async handle({ caller }) {
        if (caller === null) refuse('credential_missing')
        // Where and how somebody is signed in is no job's to know.
        if (caller.session === null) refuse('presence_required')
        const current = caller.session?.id ?? null
        const listed = await sessions.list(caller.account.id)
        return { status: 200, json: { sessions: listed.map((session) => showSession(session, current)) } }
      },
    }),
    route({
      method: 'DELETE',
      path: '/auth/sessions/:id',
      kind: 'api',
      caller: 'required',
      async handle({ caller, params, query }) {
        if (!caller?.session) refuse('credential_missing')
        const id = params.id ?? ''
        if (!sessionId.safeParse(id).success) refuse('session_unknown')
        const wantsAck = query.get('wait') === 'applied'
        const given = { id, accountId: caller.account.id, reason: 'ended_from_list', wantsAck }
        const position = await sessions.end(given)
        const ended = id === caller.session.id ? { ended: true as const } : {}
        if (!wantsAck) return { status: 204, ...ended }
        return { status: 200, json: await feed.applied(position), ...ended }
      },
    }),
    route({
      method: 'POST',
      path: '/auth/sessions/end-others',
      kind: 'api',
      caller: 'required',
      async handle({ caller }) {
        if (!caller?.session) refuse('credential_missing')
        await sessions.endOthers({ accountId: caller.account.id, keep: caller.session.id })
        return { status: 204 }
      },
    }),
    route({
      method: 'POST',
      path: '/auth/sign-out',
      kind: 'api',
      caller: 'optional',
      async handle({ caller }) {
        if (caller?.session) {
          await sessions.signOut({ id: caller.session.id, accountId: caller.account.id })
        }
        return { status: 204, ended: true }
      },
    }),
  ]
}
