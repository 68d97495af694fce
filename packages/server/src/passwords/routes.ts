import type { Caller, Proof } from '@counterfoil/verifier'
import * as z from 'zod'
import { type Route, type RouteRequest, route } from '../http/route.ts'
import { refuse } from '../refusals.ts'
import { deviceLabel } from '../sessions/index.ts'
import type { NewSession } from './needs.ts'
import type { Passwords } from './operations.ts'
import type { Present } from './sign-in-operations.ts'

const carrier = z.enum(['cookie', 'token'])
const text = z.string().max(16_384)
const asksForCookie = (body: { carrier: 'cookie' | 'token' }) => body.carrier === 'cookie'

/** Where a session would begin: the cookie that this browser carries is replaced by the new one. */
export function newSession(request: RouteRequest<unknown>, carrier: NewSession['carrier']): NewSession {
  const { caller, visitor } = request
  const carried = carrier === 'cookie' && caller?.carrier === 'cookie' ? caller.session : null
  const replaces = carried && caller ? { id: carried.id, accountId: caller.account.id } : null
  return { carrier, device: deviceLabel(visitor.userAgent), network: visitor.network, replaces }
}

/** The key that tokens are to be bound to. A cookie is bound to none, so nothing is asked of a proof beside it. */
function proofFor(request: RouteRequest<unknown>, carrier: NewSession['carrier']): Promise<Proof | null> {
  return carrier === 'token' ? request.proveKey() : Promise.resolve(null)
}

/** Only somebody who is here, in a session of their own, may do this: never a job that acts for them. */
export function requirePresent({
  caller,
  visitor,
}: {
  caller: Caller | null
  visitor: { network: string | null }
}): Present {
  if (!caller?.session || caller.actor !== null || caller.grant !== null) refuse('credential_missing')
  const { id: sessionId, carrier } = caller.session
  if (carrier === null) refuse('credential_missing')
  return { accountId: caller.account.id, sessionId, carrier, network: visitor.network }
}

export function passwordRoutes(passwords: Passwords, verifiedEmail: 'required' | 'optional'): Route[] {
  return [
    route({
      method: 'POST',
      path: '/auth/sign-up',
      kind: 'api',
      caller: 'replaced',
      body: z.object({ email: text, password: text, carrier: carrier.default('cookie') }),
      // Where an account begins only with its mailbox proven, nothing that could be forged is handed out.
      asksForCookie: (body) => verifiedEmail === 'optional' && asksForCookie(body),
      async handle(request) {
        const { email, password, carrier } = request.body
        const session = newSession(request, carrier)
        const proof = await proofFor(request, carrier)
        const { began, browser } = await passwords.signUp({ email, password, ...session })
        const mark = { value: browser, lifeSeconds: passwords.linkSeconds }
        // Without that evidence another site could plant the mark and later have its own link clicked here.
        const signUpCookie = request.visitor.isSameOrigin ? { signUpCookie: mark } : {}
        if (began === null) return { status: 202, json: {}, ...signUpCookie }
        return {
          status: 201,
          began: { ...began, proof },
          deviceCookie: passwords.deviceCookieFor(began),
          ...signUpCookie,
        }
      },
    }),
    route({
      method: 'POST',
      path: '/auth/verify-email',
      kind: 'api',
      caller: 'replaced',
      body: z.object({ token: text, password: text.optional(), carrier: carrier.default('cookie') }),
      asksForCookie,
      async handle(request) {
        const { token, password = null, carrier } = request.body
        const browser = request.visitor.signUpCookie
        const proof = await proofFor(request, carrier)
        const began = await passwords.verifyEmail({
          token,
          password,
          browser,
          ...newSession(request, carrier),
        })
        return {
          status: 200,
          began: { ...began, proof },
          deviceCookie: passwords.deviceCookieFor(began),
        }
      },
    }),
    route({
      method: 'POST',
      path: '/auth/sign-in',
      kind: 'api',
      caller: 'replaced',
      body: z.object({ email: text, password: text, carrier: carrier.default('cookie') }),
      asksForCookie,
      async handle(request) {
        const { email, password, carrier } = request.body
        const { deviceCookie } = request.visitor
        const proof = await proofFor(request, carrier)
        const began = await passwords.signIn({
          email,
          password,
          deviceCookie,
          isBound: proof !== null,
          ...newSession(request, carrier),
        })
        return {
          status: 200,
          began: { ...began, proof },
          deviceCookie: passwords.deviceCookieFor(began),
        }
      },
    }),
    route({
      method: 'POST',
      path: '/auth/reauthenticate',
      kind: 'api',
      caller: 'required',
      body: z.object({ password: text }),
      async handle(request) {
        const present = requirePresent(request)
        await passwords.reauthenticate({ ...present, password: request.body.password })
        return { status: 200, began: present }
      },
    }),
    route({
      method: 'POST',
      path: '/auth/password/change',
      kind: 'api',
      caller: 'required',
      body: z.object({ current: text, new: text }),
      async handle(request) {
        const present = requirePresent(request)
        const { current, new: next } = request.body
        const owner = await passwords.changePassword({ ...present, current, next })
        return { status: 200, began: present, deviceCookie: passwords.deviceCookieFor(owner) }
      },
    }),
    route({
      method: 'POST',
      path: '/auth/password/forgot',
      kind: 'api',
      caller: 'ignored',
      body: z.object({ email: text }),
      async handle({ body, visitor }) {
        await passwords.forgot({ email: body.email, network: visitor.network })
        return { status: 202, json: {} }
      },
    }),
    route({
      method: 'POST',
      path: '/auth/password/reset',
      kind: 'api',
      caller: 'ignored',
      body: z.object({ token: text, password: text }),
      async handle({ body, visitor }) {
        const owner = await passwords.reset({ ...body, network: visitor.network })
        return { status: 204, deviceCookie: passwords.deviceCookieFor(owner) }
      },
    }),
  ]
}
