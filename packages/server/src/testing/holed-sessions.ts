import { randomUUID } from 'node:crypto'
import type { Answer, Sent } from '../attack/index.ts'
import type { HoledTokens } from './holed-tokens.ts'

type Refresh = { sid: string; used: boolean; successor: string | null }

/** Who is signed in, by cookie and by token, as carelessly as the open holes say. */
export function holedSessions(given: { open: ReadonlySet<string>; now: () => number; tokens: HoledTokens }) {
  const { open, now, tokens } = given
  const cookies = new Map<string, { isSignedIn: boolean }>()
  const live = new Set<string>()
  const burnt = new Set<string>()
  const refreshes = new Map<string, Refresh>()
  let counter = 1_000
  const name = open.has('cookie-prefix') ? 'sid' : '__Host-sid'
  const draw = () => {
    counter += 1
    return open.has('session-guessable') ? `${counter}` : `${randomUUID()}${randomUUID()}`.replaceAll('-', '')
  }
  const setting = (value: string) =>
    [
      `${name}=${value}`,
      'Path=/',
      ...(open.has('cookie-secure') ? [] : ['Secure']),
      ...(open.has('cookie-httponly') ? [] : ['HttpOnly']),
      ...(open.has('cookie-samesite') ? [] : ['SameSite=Lax']),
      ...(open.has('cookie-domain') ? ['Domain=app.example'] : []),
    ].join('; ')

  const isOurs = (spelled: string) =>
    open.has('cookie-disguised') ? spelled.trim().toLowerCase() === name.toLowerCase() : spelled === name

  function cookieIn({ headers }: Sent): string | null {
    const pairs = headers
      .filter(([header]) => header.toLowerCase() === 'cookie')
      .flatMap(([, value]) => value.split('; '))
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
      .filter(([spelled]) => isOurs(spelled))
    return pairs.length > 1 && !open.has('cookie-doubled') ? null : (pairs[0]?.[1] ?? null)
  }

  async function holderOf(token: string): Promise<string | null> {
    const refresh = refreshes.get(token)
    if (refresh !== undefined) return open.has('token-kind-access') ? refresh.sid : null
    const claims = await tokens.read(token)
    if (claims === null) return null
    const sid = String(claims.sid)
    return live.has(sid) || open.has('replay-token') ? sid : null
  }

  const signedIn = (value: string | null) => (value !== null && cookies.get(value)?.isSignedIn ? value : null)

  async function callerOf(sent: Sent, url: URL): Promise<string | null> {
    const shown = sent.headers.filter(([header]) => header.toLowerCase() === 'authorization')
    const [first = null] = shown.map(([, value]) => /^Bearer (\S+)$/.exec(value)?.[1] ?? '')
    if (first !== null) {
      const holder = shown.length > 1 && !open.has('authorization-doubled') ? null : await holderOf(first)
      if (holder !== null || !open.has('authorization-beside-cookie')) return holder
    }
    if (open.has('session-in-address')) {
      const value = url.searchParams.get(name) ?? url.searchParams.get('session')
      if (signedIn(value) !== null) return value
      const token = url.searchParams.get('access_token')
      if (token !== null) return holderOf(token)
    }
    return signedIn(cookieIn(sent))
  }

  const claims = (sid = [...live].at(-1) ?? '') => {
    const exp = now() + (open.has('token-long-lived') ? 30 * 86_400 : 300)
    return { sub: 'ada', sid, aud: 'app', iat: now(), exp, jti: randomUUID() }
  }

  function mint(sid: string): { access: string; refresh: string } {
    const refresh = `r.${randomUUID()}`
    refreshes.set(refresh, { sid, used: false, successor: null })
    return { access: tokens.issue(claims(sid)), refresh }
  }

  const handed = (pair: { access: string; refresh: string }): Answer => ({
    status: 200,
    headers: [['Cache-Control', 'no-store']],
    body: JSON.stringify({ tokens: pair }),
  })

  function refresh(token: string): Answer | null {
    const known = refreshes.get(token)
    if (known === undefined) {
      return open.has('token-kind-refresh') && token.startsWith('eyJ')
        ? handed(mint(String(claims().sid)))
        : null
    }
    const { sid } = known
    if (burnt.has(sid) || (!live.has(sid) && !open.has('replay-refresh'))) return null
    if (open.has('refresh-not-rotated')) return handed({ access: tokens.issue(claims(sid)), refresh: token })
    const successor = known.successor === null ? null : refreshes.get(known.successor)
    const isOld = successor?.used === true
    if (isOld && !open.has('refresh-reuse')) {
      if (!open.has('refresh-theft-unnoticed')) burnt.add(sid)
      return null
    }
    if (known.used && !isOld && !open.has('refresh-race')) {
      return handed({ access: tokens.issue(claims(sid)), refresh: known.successor ?? '' })
    }
    const pair = mint(sid)
    known.used = true
    known.successor ??= pair.refresh
    return handed(pair)
  }

  return {
    callerOf,
    claims,
    refresh,
    clearing: `${name}=; Max-Age=0; Path=/; Secure`,
    /** A visitor gets a session too, which nobody is signed in to. */
    visit(sent: Sent): Record<string, string> {
      if (cookieIn(sent) !== null) return {}
      const value = draw()
      cookies.set(value, { isSignedIn: false })
      return { 'Set-Cookie': setting(value) }
    },
    byCookie(sent: Sent): { cookie: string; body: object } {
      const before = cookieIn(sent)
      const isKept = before !== null && open.has(cookies.has(before) ? 'fixation-kept' : 'fixation-chosen')
      const value = isKept ? before : draw()
      cookies.set(value, { isSignedIn: true })
      return { cookie: setting(value), body: {} }
    },
    byToken(): object {
      const sid = randomUUID()
      live.add(sid)
      return { tokens: mint(sid) }
    },
    end(caller: string): void {
      if (!open.has('replay-cookie')) cookies.delete(caller)
      live.delete(caller)
    },
  }
}
