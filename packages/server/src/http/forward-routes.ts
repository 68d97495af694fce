import { refuse } from '../refusals.ts'
import { type Route, route } from './route.ts'

/** For nginx `auth_request`, Caddy `forward_auth` and Traefik `forwardAuth`. Off until the policy names the headers. */
export function forwardRoutes(isOn: boolean): Route[] {
  return [
    route({
      method: 'GET',
      path: '/auth/forward',
      kind: 'api',
      caller: 'optional',
      forwards: true,
      handle({ caller }) {
        if (!isOn) refuse('not_found')
        if (caller === null) refuse('credential_missing')
        // An application that is told an account takes it for the whole of it.
        if (caller.actor !== null || caller.grant !== null || caller.session === null)
          refuse('presence_required')
        if (caller.scopes.length > 0) refuse('insufficient_scope')
        return { status: 200, forwarded: { account: caller.account.id, session: caller.session.id } }
      },
    }),
  ]
}
