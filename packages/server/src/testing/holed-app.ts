import { type Answer, checks, type Sent, type Wire, wellKnownPath } from '../attack/index.ts'
import { comesFrom, fieldsIn, headerIn } from './holed-guard.ts'
import { holedProofs } from './holed-proofs.ts'
import { holedSessions } from './holed-sessions.ts'
import { holedTokens } from './holed-tokens.ts'

/** Every hole there is, by the id of the check that has to find it. */
export const holes: readonly string[] = checks.map(({ id }) => id)

export const account = { name: 'ada@app.example', password: 'a long walk by the river' }

export const description = {
  consent: true,
  account,
  cookie: { sign_in: 'POST /login {"email":"{name}","password":"{password}"}' },
  token: {
    sign_in: 'POST /login {"email":"{name}","password":"{password}","carrier":"token"}',
    access: 'tokens.access',
    refresh: 'tokens.refresh',
    refresh_by: 'POST /refresh {"token":"{refresh_token}"}',
    keys: '/keys',
    proof: true,
    expired: { request: 'GET /odd/expired', member: 'token' },
    other_audience: { request: 'GET /odd/audience', member: 'token' },
  },
  who: '/me',
  act: 'POST /pay {"to":"bob","amount":1}',
  effect: { request: '/balance', member: 'balance' },
  sign_out: 'POST /logout {}',
  redirect: '/go?to={url}',
  socket: '/live',
}

/**
 * An application in this process with the given holes, and no others. `fetchKeys`: how it would fetch foreign keys.
 * `isDescribed`: whether it says itself how it is to be attacked. `isBoundAlways`: whether it hands out no token without a
 * proof, and no proof counts without a nonce.
 */
export function holedApp(given: {
  open: ReadonlySet<string>
  now: () => number
  fetchKeys: (url: string) => Promise<string>
  isDescribed?: boolean
  isBoundAlways?: boolean
}): Wire {
  const { open, now, isDescribed = true, isBoundAlways = false } = given
  const tokens = holedTokens({ holes: open, now, fetchKeys: given.fetchKeys })
  const proofs = holedProofs({ open, now, isStrict: isBoundAlways })
  const sessions = holedSessions({ open, now, tokens, proofs })
  let balance = 1_000

  const answer = (status: number, body: object | string, headers: Record<string, string> = {}): Answer => {
    const kept = open.has('cache-personal')
      ? { 'Cache-Control': 'public, max-age=60' }
      : { 'Cache-Control': 'no-store' }
    return {
      status,
      headers: Object.entries({ ...kept, ...headers }),
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }
  }

  function isForged(sent: Sent): boolean {
    const from = comesFrom(sent)
    if (from === null) return false
    if (from === 'cross-site' && headerIn(sent, 'content-type') === 'application/json')
      return !open.has('forged-preflighted')
    return !open.has(`forged-${from}`)
  }

  async function pay(sent: Sent, url: URL): Promise<Answer> {
    const { method } = sent
    const overridden = ['x-http-method-override', 'x-method-override'].some(
      (name) => headerIn(sent, name) === 'POST',
    )
    const byOverride =
      open.has('forged-method-override') && (overridden || url.searchParams.get('_method') === 'POST')
    const byGet = open.has('forged-get') && ['GET', 'HEAD'].includes(method)
    if (method !== 'POST' && !byOverride && !byGet) return answer(405, {})
    if ((await sessions.callerOf(sent, url)) === null) return answer(401, {})
    if (method === 'POST' && isForged(sent)) return answer(403, {})
    const { amount } = method === 'POST' ? fieldsIn(sent) : Object.fromEntries(url.searchParams)
    balance -= Number(amount)
    return answer(200, { balance })
  }

  function signIn(sent: Sent): Answer {
    const fields = fieldsIn(sent)
    const from = comesFrom(sent)
    const hole = from === 'cross-site' ? 'login-csrf' : `login-csrf-${from}`
    if (fields.carrier !== 'token' && from !== null && !open.has(hole)) return answer(403, {})
    const isKnown = fields.email === account.name
    const isRight = fields.password === account.password || open.has('password-unchecked')
    if (!isKnown && open.has('user-enumeration')) return answer(401, { error: 'unknown' })
    if (!isKnown || !isRight) return answer(401, { error: 'wrong' })
    const keeps = open.has('cache-credential') ? {} : { 'Cache-Control': 'no-store' }
    const isProven = headerIn(sent, 'dpop') !== null
    const key = isProven ? proofs.keyOf(sent) : null
    if (fields.carrier === 'token' && key === null && (isProven || isBoundAlways))
      return answer(400, { error: isProven ? 'use_dpop_nonce' : 'invalid_dpop_proof' })
    const { cookie, body } =
      fields.carrier === 'token' ? { cookie: null, body: sessions.byToken(key) } : sessions.byCookie(sent)
    const made = answer(200, body, cookie === null ? {} : { 'Set-Cookie': cookie })
    return {
      ...made,
      headers: [...made.headers.filter(([name]) => name !== 'Cache-Control'), ...Object.entries(keeps)],
    }
  }

  async function signOut(sent: Sent, url: URL): Promise<Answer> {
    const caller = await sessions.callerOf(sent, url)
    const isByCookie = headerIn(sent, 'cookie') !== null
    if (isByCookie && comesFrom(sent) !== null && !open.has('forged-sign-out')) return answer(403, {})
    if (caller !== null) sessions.end(caller)
    return answer(204, '', isByCookie ? { 'Set-Cookie': sessions.clearing } : {})
  }

  const crossing = (sent: Sent): Record<string, string> => {
    const origin = headerIn(sent, 'origin')
    if (!open.has('cors-reflection') || origin === null) return {}
    return { 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true' }
  }

  async function respond(sent: Sent): Promise<Answer> {
    const url = new URL(sent.path, 'https://app.example')
    const path = url.pathname.replace(/;.*/, '')
    const caller = () => sessions.callerOf(sent, url)
    if (path === wellKnownPath) return isDescribed ? answer(200, description) : answer(404, {})
    if (path === '/keys') return answer(200, tokens.keySet())
    if (path === '/pay') return pay(sent, url)
    if (path === '/login' && sent.method === 'POST') return signIn(sent)
    if (path === '/logout') return signOut(sent, url)
    if (path === '/refresh') return sessions.refresh(await bodyToken(sent), sent) ?? answer(401, {})
    if (path === '/odd/expired')
      return answer(200, { token: tokens.issue({ ...sessions.claims(), exp: now() - 600 }) })
    if (path === '/odd/audience')
      return answer(200, { token: tokens.issue({ ...sessions.claims(), aud: 'other' }) })
    if (path === '/go') return redirect(url)
    if (path === '/live')
      return (await caller()) !== null && mayUpgrade(sent) ? answer(101, '') : answer(403, {})
    if ((await caller()) === null) return answer(401, {}, { ...crossing(sent), ...sessions.visit(sent) })
    if (path === '/me') return answer(200, { email: account.name }, crossing(sent))
    if (path === '/balance') return answer(200, { balance, at: Math.random() })
    return answer(404, {})
  }

  async function bodyToken(sent: Sent): Promise<string> {
    return String(fieldsIn(sent).token)
  }

  function redirect(url: URL): Answer {
    const to = url.searchParams.get('to') ?? '/'
    const isOwn = new URL(to, url).origin === url.origin
    return answer(303, '', { Location: isOwn || open.has('open-redirect') ? to : '/' })
  }

  const mayUpgrade = (sent: Sent) => comesFrom(sent) === null || open.has('socket-cross-origin')

  return async (sent) => {
    try {
      const given = await respond(sent)
      if (headerIn(sent, 'dpop') === null) return given
      return { ...given, headers: [...given.headers, ['DPoP-Nonce', proofs.nonce()]] }
    } catch (error) {
      return answer(
        400,
        open.has('error-leak') ? String((error as Error).stack) : { error: 'not understood' },
      )
    }
  }
}
