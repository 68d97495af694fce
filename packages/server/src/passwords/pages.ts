import type { Refusal } from '@counterfoil/verifier'
import * as z from 'zod'
import { emptyForm, type FormState } from '../http/html.ts'
import { pathWithin, type Route, route } from '../http/route.ts'
import { refusals } from '../refusals.ts'
import type { Passwords } from './operations.ts'
import { newSession } from './routes.ts'
import * as views from './views.ts'

const text = z.string().max(16_384)
const asksForCookie = () => true
const resetDone = 'Your new password is set, and every device is signed out. Sign in with it.'

/** Which field of a form a refusal is about, so that the page can say it there. */
const fieldOf: ReadonlyMap<string, string> = new Map(
  Object.entries({
    email_invalid: 'email',
    email_taken: 'email',
    password_too_short: 'password',
    password_too_long: 'password',
    password_common: 'password',
    password_malformed: 'password',
  }),
)

export function formAfter(
  refusal: Refusal,
  raw: Readonly<Record<string, string>>,
  rename: Readonly<Record<string, string>> = {},
): FormState {
  const field = fieldOf.get(refusal.code) ?? null
  return {
    values: { email: raw.email ?? '' },
    error: { message: refusal.message, field: field === null ? null : (rename[field] ?? field) },
  }
}

/** The pages of this room: plain forms that work without script, over the same verbs as the API. */
export function passwordPages(passwords: Passwords): Route[] {
  const { minimum } = passwords
  const home = '/account'

  const signUp = [
    route({
      method: 'GET',
      path: '/sign-up',
      kind: 'page',
      caller: 'optional',
      handle: ({ caller }) => ({
        status: 200,
        html: views.signUpView({ form: emptyForm, signedIn: caller !== null, minimum }),
      }),
    }),
    route({
      method: 'POST',
      path: '/sign-up',
      kind: 'page',
      caller: 'replaced',
      body: z.object({ email: text, password: text }),
      asksForCookie,
      refused: (refusal, raw) => ({
        status: refusal.status,
        html: views.signUpView({ form: formAfter(refusal, raw), signedIn: false, minimum }),
      }),
      async handle(request) {
        const session = newSession(request, 'cookie')
        const { began, browser } = await passwords.signUp({ ...request.body, ...session })
        const signUpCookie = { value: browser, lifeSeconds: passwords.linkSeconds }
        if (began === null) {
          return { status: 200, html: views.signUpSentView({ email: request.body.email }), signUpCookie }
        }
        const deviceCookie = passwords.deviceCookieFor(began)
        return { status: 303, location: home, began, deviceCookie, signUpCookie }
      },
    }),
  ]

  const verify = [
    route({
      method: 'GET',
      path: '/verify',
      kind: 'page',
      caller: 'ignored',
      async handle({ query }) {
        const token = query.get('token')
        const email = token === null ? null : await passwords.peek(token)
        if (token !== null && email === null) {
          return { status: refusals.link_invalid.status, html: views.deadLinkView({ what: 'verify' }) }
        }
        return {
          status: 200,
          html: views.verifyView({ token, email, form: emptyForm, askPassword: false, minimum }),
        }
      },
    }),
    route({
      method: 'POST',
      path: '/verify',
      kind: 'page',
      caller: 'replaced',
      body: z.object({ token: text, password: text.optional() }),
      asksForCookie,
      async refused(refusal, raw) {
        const token = raw.token ?? ''
        const email = await passwords.peek(token)
        if (email === null) return { status: refusal.status, html: views.deadLinkView({ what: 'verify' }) }
        // The first time this is no error of theirs: it is how a link is finished in another browser.
        const form = refusal.code === 'password_required' ? emptyForm : formAfter(refusal, raw)
        return {
          status: refusal.status,
          html: views.verifyView({ token, email, form, askPassword: true, minimum }),
        }
      },
      async handle(request) {
        const { token, password = null } = request.body
        const browser = request.visitor.signUpCookie
        const session = newSession(request, 'cookie')
        const began = await passwords.verifyEmail({ token, password, browser, ...session })
        const deviceCookie = passwords.deviceCookieFor(began)
        return { status: 303, location: home, began, deviceCookie }
      },
    }),
  ]

  const signIn = [
    route({
      method: 'GET',
      path: '/sign-in',
      kind: 'page',
      caller: 'optional',
      handle: ({ caller, query }) =>
        caller === null
          ? {
              status: 200,
              html: views.signInView({
                form: emptyForm,
                next: query.get('next'),
                done: query.get('done') === 'reset' ? resetDone : null,
              }),
            }
          : { status: 303, location: pathWithin(query.get('next')) ?? home },
    }),
    route({
      method: 'POST',
      path: '/sign-in',
      kind: 'page',
      caller: 'replaced',
      body: z.object({ email: text, password: text, next: text.optional() }),
      asksForCookie,
      refused: (refusal, raw) => ({
        status: refusal.status,
        html: views.signInView({ form: formAfter(refusal, raw), next: raw.next ?? null }),
      }),
      async handle(request) {
        const { next, ...typed } = request.body
        const { deviceCookie } = request.visitor
        const session = { ...newSession(request, 'cookie'), isBound: false }
        const began = await passwords.signIn({ ...typed, deviceCookie, ...session })
        return {
          status: 303,
          location: pathWithin(next ?? null) ?? home,
          began,
          deviceCookie: passwords.deviceCookieFor(began),
        }
      },
    }),
  ]

  const recovery = [
    route({
      method: 'GET',
      path: '/forgot',
      kind: 'page',
      caller: 'ignored',
      handle: () => ({ status: 200, html: views.forgotView({ form: emptyForm }) }),
    }),
    route({
      method: 'POST',
      path: '/forgot',
      kind: 'page',
      caller: 'ignored',
      body: z.object({ email: text }),
      asksForCookie,
      refused: (refusal, raw) => ({
        status: refusal.status,
        html: views.forgotView({ form: formAfter(refusal, raw) }),
      }),
      async handle({ body, visitor }) {
        await passwords.forgot({ email: body.email, network: visitor.network })
        return { status: 200, html: views.forgotSentView({ email: body.email }) }
      },
    }),
    route({
      method: 'GET',
      path: '/reset',
      kind: 'page',
      caller: 'ignored',
      async handle({ query }) {
        const token = query.get('token')
        if (token === null) return { status: 200, html: views.resetWithoutTokenView() }
        return (await passwords.peekReset(token))
          ? { status: 200, html: views.resetView({ token, form: emptyForm, minimum }) }
          : { status: refusals.link_invalid.status, html: views.deadLinkView({ what: 'reset' }) }
      },
    }),
    route({
      method: 'POST',
      path: '/reset',
      kind: 'page',
      caller: 'ignored',
      body: z.object({ token: text, password: text }),
      asksForCookie,
      refused: (refusal, raw) => ({
        status: refusal.status,
        html:
          refusal.code === 'link_invalid'
            ? views.deadLinkView({ what: 'reset' })
            : views.resetView({ token: raw.token ?? '', form: formAfter(refusal, raw), minimum }),
      }),
      async handle({ body, visitor }) {
        const owner = await passwords.reset({ ...body, network: visitor.network })
        return {
          status: 303,
          location: '/sign-in?done=reset',
          deviceCookie: passwords.deviceCookieFor(owner),
        }
      },
    }),
  ]

  return [...signUp, ...verify, ...signIn, ...recovery]
}
