import * as z from 'zod'
import { emptyForm, type FormState } from '../http/html.ts'
import { type Answer, type Route, type RouteRequest, route } from '../http/route.ts'
import type { ShowAccount } from '../sessions/index.ts'
import type { Passwords } from './operations.ts'
import { formAfter } from './pages.ts'
import { requirePresent } from './routes.ts'
import { passwordChangeForm } from './views.ts'

const toSignIn: Answer = { status: 303, location: '/sign-in?next=/account' }
const text = z.string().max(16_384)

/** The account page: the devices of the sessions room and the password form of this one. */
export function accountPages(passwords: Passwords, show: ShowAccount): Route[] {
  const { minimum } = passwords

  async function page(
    request: Pick<RouteRequest<unknown>, 'caller' | 'visitor' | 'query'>,
    { form, status }: { form: FormState; status: number },
  ): Promise<Answer> {
    const { accountId, sessionId } = requirePresent(request)
    const email = request.caller?.account.email ?? ''
    const html = await show({
      account: { id: accountId, email },
      current: sessionId,
      notice: request.query.get('notice'),
      passwordForm: passwordChangeForm({ form, minimum, email }),
    })
    return html === null ? toSignIn : { status, html }
  }

  return [
    route({
      method: 'GET',
      path: '/account',
      kind: 'page',
      caller: 'required',
      handle: (request) => page(request, { form: emptyForm, status: 200 }),
    }),
    route({
      method: 'POST',
      path: '/account/password',
      kind: 'page',
      caller: 'required',
      body: z.object({ current: text, new: text }),
      async handle(request) {
        const present = requirePresent(request)
        const { current, new: next } = request.body
        const owner = await passwords.changePassword({ ...present, current, next })
        const deviceCookie = passwords.deviceCookieFor(owner)
        return { status: 303, location: '/account?notice=password-changed', began: present, deviceCookie }
      },
      async refused(refusal, raw, request) {
        const isOver = request === null || refusal.code === 'session_ended'
        if (isOver) return toSignIn
        const form = formAfter(refusal, raw, { password: 'new' })
        const isCurrentWrong = refusal.code === 'password_wrong'
        const error = form.error && isCurrentWrong ? { ...form.error, field: 'current' } : form.error
        return page(request, { form: { ...form, error }, status: refusal.status })
      },
    }),
  ]
}
