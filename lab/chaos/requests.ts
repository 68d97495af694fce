import { count, type Ledger, type Shown, violate } from './ledger.ts'

/** `null`: no answer, so nobody knows whether it was done. */
export type Answer = {
  status: number
  body: Record<string, unknown>
  /** The session cookie that came with it. */
  cookie: string | null
  sentAt: number
  at: number
} | null

type Asked = {
  method?: string
  path: string
  shown?: Shown
  /** The page that sends it, for what has no session yet. */
  page?: string
  json?: object
  form?: Record<string, string>
  within?: number
}

/** Sends a request as a program would, and judges the manners of every answer: never 500, and each 503 says why. */
export async function request(ledger: Ledger, origin: string, asked: Asked): Promise<Answer> {
  const headers: Record<string, string> = { accept: 'application/json', ...headersOf(asked.shown) }
  if (asked.page !== undefined) headers.origin = asked.page
  if (asked.json !== undefined) headers['content-type'] = 'application/json'
  const body = asked.form !== undefined ? new URLSearchParams(asked.form) : JSON.stringify(asked.json)
  const method = asked.method ?? (body === undefined ? 'GET' : 'POST')
  const sentAt = performance.now()
  const signal = AbortSignal.timeout(asked.within ?? 25_000)
  count(ledger, 'requests')
  try {
    const answer = await fetch(`${origin}${asked.path}`, { method, headers, body, signal })
    const text = await answer.text()
    const parsed = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : {}
    judge(ledger, { what: `${method} ${asked.path}`, status: answer.status, text, parsed })
    const cookie = cookieIn(answer.headers.getSetCookie())
    return { status: answer.status, body: parsed, cookie, sentAt, at: performance.now() }
  } catch {
    count(ledger, 'no answer')
    return null
  }
}

const cookieName = '__Host-Http-session'

function headersOf(shown: Shown | undefined): Record<string, string> {
  if (shown === undefined) return {}
  if (shown.carrier === 'token') return { authorization: `Bearer ${shown.value}` }
  return { cookie: `${cookieName}=${shown.value}`, origin: shown.origin }
}

function cookieIn(lines: readonly string[]): string | null {
  for (const line of lines)
    if (line.startsWith(`${cookieName}=`)) return line.slice(cookieName.length + 1).split(';', 1)[0] ?? null
  return null
}

function judge(
  ledger: Ledger,
  seen: { what: string; status: number; text: string; parsed: Record<string, unknown> },
): void {
  const { what, status, text, parsed } = seen
  if (status < 500) return
  const code = parsed.code ?? parsed.error
  count(ledger, `${status} ${code ?? what.split('/').at(-1)}`)
  // The mailbox is a page of development, and says so in words alone.
  if (/\/(?:readyz|dev\/mail)$/.test(what) && status === 503) return
  if (status !== 503 || typeof code !== 'string')
    violate(ledger, `${what} answered ${status}: ${text.replace(/\s+/g, ' ').slice(0, 120)}`)
}

export const password = 'a long walk by the quiet river'

export function signIn(ledger: Ledger, origin: string, email: string): Promise<Answer> {
  return request(ledger, origin, { path: '/auth/sign-in', json: { email, password, carrier: 'token' } })
}

/** As a page of the issuer's own does it. */
export function signInByCookie(
  ledger: Ledger,
  origin: string,
  given: { email: string; page: string },
): Promise<Answer> {
  const { email, page } = given
  return request(ledger, origin, {
    path: '/auth/sign-in',
    page,
    json: { email, password, carrier: 'cookie' },
  })
}

export function refresh(ledger: Ledger, origin: string, refresh_token: string): Promise<Answer> {
  const form = { grant_type: 'refresh_token', refresh_token }
  return request(ledger, origin, { path: '/oauth/token', form })
}

export function look(
  ledger: Ledger,
  origin: string,
  given: { shown: Shown; within?: number },
): Promise<Answer> {
  return request(ledger, origin, { path: '/auth/session', ...given })
}

export function endSession(
  ledger: Ledger,
  origin: string,
  given: { shown: Shown; id: string; within?: number },
): Promise<Answer> {
  const { id, ...rest } = given
  return request(ledger, origin, { method: 'DELETE', path: `/auth/sessions/${id}`, ...rest })
}

export function endOthers(ledger: Ledger, origin: string, shown: Shown): Promise<Answer> {
  return request(ledger, origin, { method: 'POST', path: '/auth/sessions/end-others', shown })
}

export function ready(ledger: Ledger, origin: string): Promise<Answer> {
  return request(ledger, origin, { path: '/readyz', within: 1500 })
}

/** Signs up at one node, reads the mail at another, and proves the mailbox at a third. */
export async function signUp(
  ledger: Ledger,
  origins: readonly [string, string, string],
  email: string,
): Promise<Answer> {
  const [first, second, third] = origins
  const asked = await request(ledger, first, { path: '/auth/sign-up', json: { email, password } })
  if (asked?.status !== 202) return asked
  for (let attempt = 0; attempt < 40; attempt++) {
    const mails = await request(ledger, second, { path: '/dev/mail', within: 2000 })
    const list = Array.isArray(mails?.body) ? (mails.body as { to: string; text: string }[]) : []
    const mail = list.find(({ to }) => to === email)
    const token = /[?]token=([\w-]+)/.exec(mail?.text ?? '')?.[1]
    if (token !== undefined)
      return request(ledger, third, {
        path: '/auth/verify-email',
        json: { token, password, carrier: 'token' },
      })
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return null
}
