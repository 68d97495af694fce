import { type Caller, Refusal } from '@counterfoil/verifier'
import * as z from 'zod'
import { emptyForm, type FormState, type Html } from '../http/html.ts'
import { type Answer, pathWithin, type Route, type RouteRequest, route } from '../http/route.ts'
import type { Clock } from '../machine.ts'
import { refuse } from '../refusals.ts'
import { grantId, showGrant } from './grant.ts'
import type { Approving, Grants } from './operations.ts'
import type { GrantRequest } from './request.ts'
import { approvingOf } from './routes.ts'
import { closedView, consentView, grantsSection, type ScopeWords } from './views.ts'

/** A fresh proof within a session; refuses with `password_wrong`. The caller of it hands out a new credential. */
type Reauthenticate = (
  present: Approving & { carrier: 'cookie' | 'token'; password: string },
) => Promise<void>

type Needs = {
  grants: Grants
  clock: Clock
  issuer: string
  words: ScopeWords
  reauthenticate: Reauthenticate
}

const text = z.string().max(16_384)
const here = (request: string) => `/grants/new?request=${request}`
const toSignIn = (request: string): Answer => {
  const next = pathWithin(here(request))
  return { status: 303, location: next === null ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}` }
}

/** What the account page shows of this room. */
export function showGrants({ grants, clock, issuer, words }: Omit<Needs, 'reauthenticate'>) {
  return async (accountId: string): Promise<Html> => {
    const shown = (await grants.list(accountId)).map(showGrant)
    return grantsSection({ grants: shown, now: clock.now(), issuer, words })
  }
}

export function grantPages(needs: Needs): Route[] {
  const { grants, clock, issuer, words, reauthenticate } = needs

  const isFresh = ({ authenticated_at }: Caller) => clock.now() - authenticated_at <= grants.freshSeconds

  /** The request, for the account that it was made for. */
  function opened(sealed: string, { account }: Caller): GrantRequest {
    const request = grants.readRequest(sealed)
    if ((request.account_id ?? account.id) !== account.id) refuse('account_wrong')
    return request
  }

  async function page(
    caller: Caller,
    sealed: string,
    { form, status, askPassword }: { form: FormState; status: number; askPassword: boolean },
  ): Promise<Answer> {
    const request = opened(sealed, caller)
    const { name: worker } = await grants.check(request)
    const { purpose, scope, audience, expires_in, on_sign_out: onSignOut } = request
    const html = consentView({
      ...{ worker, purpose, scope, onSignOut, words, form, askPassword, request: sealed },
      elsewhere: audience === issuer ? null : audience,
      expiresAt: clock.now() + expires_in,
      email: caller.account.email ?? '',
      declined: pathWithin(request.return_to) ?? '/account',
    })
    return { status, html }
  }

  /** Only by cookie: what else a page would hand out is lost on the way. */
  function approving(request: RouteRequest<unknown>): Approving {
    if (request.caller?.carrier !== 'cookie') refuse('credential_missing')
    return approvingOf(request, { now: clock.now(), freshWithinSeconds: null })
  }

  async function approve(request: RouteRequest<{ request: string; password?: string | undefined }>) {
    const shown = approving(request)
    const { from: _, ...who } = shown
    const { body, caller } = request
    if (caller === null) refuse('credential_missing')
    const asked = opened(body.request, caller)
    const { password } = body
    if (password === undefined) return goOn(asked, (await grants.give(shown, asked, asked.id)).id)
    // Before the password is tried: what cannot be approved must not cost a proof.
    await grants.check(asked)
    await reauthenticate({ ...who, carrier: 'cookie', password })
    const began = { sessionId: who.sessionId, carrier: 'cookie' as const }
    try {
      return { ...goOn(asked, (await grants.give(who, asked, asked.id)).id), began }
    } catch (error) {
      // The cookie from before is dead: whatever is answered has to bring the new one.
      if (!(error instanceof Refusal) || error.code === 'session_ended') throw error
      const form = { values: {}, error: { message: error.message, field: null } }
      const state = { form, status: error.status, askPassword: false }
      return { ...(await page(caller, body.request, state)), began }
    }
  }

  return [
    route({
      method: 'GET',
      path: '/grants/new',
      kind: 'page',
      caller: 'optional',
      async handle(request) {
        const sealed = request.query.get('request') ?? ''
        grants.readRequest(sealed)
        if (request.caller === null) return toSignIn(sealed)
        approving({ ...request, body: null })
        const askPassword = !isFresh(request.caller)
        return page(request.caller, sealed, { form: emptyForm, status: 200, askPassword })
      },
    }),
    route({
      method: 'POST',
      path: '/grants/new',
      kind: 'page',
      caller: 'required',
      body: z.object({ request: text, password: text.optional() }),
      handle: approve,
      async refused(refusal, raw, request) {
        const sealed = raw.request ?? ''
        const caller = request?.caller ?? null
        if (caller === null || refusal.code === 'session_ended') return toSignIn(sealed)
        const isAboutPassword = refusal.code.startsWith('password_')
        const isLate = refusal.code === 'reauthentication_required'
        const error = { message: refusal.message, field: isAboutPassword ? 'password' : null }
        const shown = { form: { values: {}, error }, status: refusal.status }
        const askPassword = isLate || !isFresh(caller)
        try {
          return await page(caller, sealed, { ...shown, askPassword })
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          return { status: error.status, html: closedView(error.message) }
        }
      },
    }),
    route({
      method: 'POST',
      path: '/account/grants/withdraw',
      kind: 'page',
      caller: 'required',
      body: z.object({ id: grantId }),
      async handle(request) {
        const { accountId } = approving(request)
        await grants.withdraw({ id: request.body.id, accountId })
        return { status: 303, location: '/account?notice=grant-withdrawn' }
      },
    }),
  ]
}

/** Back to the application, which learns the id: it is no secret. */
function goOn({ return_to }: GrantRequest, id: string): Answer {
  const path = pathWithin(return_to)
  if (path === null) return { status: 303, location: '/account?notice=grant-given' }
  return { status: 303, location: `${path}${path.includes('?') ? '&' : '?'}grant=${id}` }
}
