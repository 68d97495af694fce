import { type Caller, demand } from '@counterfoil/verifier'
import type { ShownCookie } from '../contract.ts'
import type { Feed } from '../feed/index.ts'
import { type Route, route } from '../http/route.ts'
import type { Clock } from '../machine.ts'
import { refuse } from '../refusals.ts'
import { grantId, grantTerms, showGrant } from './grant.ts'
import type { Approving, Grants } from './operations.ts'

type Needs = { grants: Grants; feed: Feed; clock: Clock }

/** Only somebody who is here, in a session of their own, gives and sees grants: never a job, nor a token for less. */
export function approvingOf(
  request: { caller: Caller | null; visitor: { network: string | null }; shown(): ShownCookie },
  { now, freshWithinSeconds }: { now: number; freshWithinSeconds: number | null },
): Approving {
  const fresh = freshWithinSeconds === null ? {} : { freshWithinSeconds }
  const { account, session, scopes } = demand(request.caller, { present: true, ...fresh }, () => now)
  if (session === null) refuse('credential_missing')
  if (scopes.length > 0) refuse('insufficient_scope')
  const { network } = request.visitor
  return { accountId: account.id, sessionId: session.id, network, from: request.shown() }
}

export function grantRoutes({ grants, feed, clock }: Needs): Route[] {
  return [
    route({
      method: 'POST',
      path: '/auth/grants',
      kind: 'api',
      caller: 'required',
      body: grantTerms,
      async handle(request) {
        const freshWithinSeconds = grants.freshSeconds
        const approving = approvingOf(request, { now: clock.now(), freshWithinSeconds })
        const grant = await grants.give(approving, request.body)
        return { status: 201, json: showGrant(grant) }
      },
    }),
    route({
      method: 'GET',
      path: '/auth/grants',
      kind: 'api',
      caller: 'required',
      async handle(request) {
        const { accountId } = approvingOf(request, { now: clock.now(), freshWithinSeconds: null })
        return { status: 200, json: { grants: (await grants.list(accountId)).map(showGrant) } }
      },
    }),
    route({
      method: 'DELETE',
      path: '/auth/grants/:id',
      kind: 'api',
      caller: 'required',
      async handle(request) {
        const { accountId } = approvingOf(request, { now: clock.now(), freshWithinSeconds: null })
        const id = request.params.id ?? ''
        if (!grantId.safeParse(id).success) refuse('grant_unknown')
        const wantsAck = request.query.get('wait') === 'applied'
        const position = await grants.withdraw({ id, accountId, wantsAck })
        return wantsAck ? { status: 200, json: await feed.applied(position) } : { status: 204 }
      },
    }),
  ]
}
