import { type Route, route } from '../http/route.ts'
import { refuse } from '../refusals.ts'
import type { Sessions } from './operations.ts'
import { sessionId, showSession } from './session.ts'

export function sessionRoutes(sessions: Sessions): Route[] {
  return [
    route({
      method: 'GET',
      path: '/auth/session',
      kind: 'api',
      caller: 'required',
      handle({ caller }) {
        if (caller === null) refuse('credential_missing')
        const { account, session, carrier, scopes, actor, grant } = caller
        return { status: 200, json: { account, session, carrier, scopes, actor, grant } }
      },
    }),
    route({
      method: 'GET',
      path: '/auth/sessions',
      kind: 'api',
      caller: 'required',
      async handle({ caller }) {
        if (caller === null) refuse('credential_missing')
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
      async handle({ caller, params }) {
        if (!caller?.session) refuse('credential_missing')
        const id = params.id ?? ''
        if (!sessionId.safeParse(id).success) refuse('session_unknown')
        await sessions.end({ id, accountId: caller.account.id, reason: 'ended_from_list' })
        return { status: 204, ...(id === caller.session.id ? { ended: true } : {}) }
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
          await sessions.end({ id: caller.session.id, accountId: caller.account.id, reason: 'sign_out' })
        }
        return { status: 204, ended: true }
      },
    }),
  ]
}
