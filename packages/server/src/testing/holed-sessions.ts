import { randomUUID } from 'node:crypto'
import type { Answer, Sent } from '../attack/index.ts'
import { headerIn } from './holed-guard.ts'
import { type HoledProofs, isOpen } from './holed-proofs.ts'
import type { HoledTokens } from './holed-tokens.ts'

/** `key`: the thumbprint of the key that the session is bound to. */
type Refresh = { sid: string; key: string | null; used: boolean; successor: string | null }

/** Who is signed in, by cookie and by token, as carelessly as the open holes say. */
export function holedSessions(given: {
  open: ReadonlySet<string>
  now: () => number
  tokens: HoledTokens
  proofs: HoledProofs
}) {
  const { open, now, tokens, proofs } = given
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

  /** `sent`: what shows it as bound; `null` where it is shown plainly. */
  async function holderOf(token: string, sent: Sent | null): Promise<string | null> {
    const refresh = refreshes.get(token)
    if (refresh !== undefined) return open.has('token-kind-access') ? refresh.sid : null
    const claims = await tokens.read(token)
    if (claims === null) return null
    const thumbprint = (claims.cnf as { jkt: string } | undefined)?.jkt
    if (sent === null && thumbprint !== undefined && !open.has('bound-as-bearer')) return null
    if (sent !== null && (thumbprint === undefined || !proofs.fits(sent, { token, thumbprint }))) return null
    const sid = String(claims.sid)
    return live.has(sid) || open.has('replay-token') ? sid : null
  }

  const signedIn = (value: string | null) => (value !== null && cookies.get(value)?.isSignedIn ? value : null)

  async function callerOf(sent: Sent, url: URL): Promise<string | null> {
    const shown = sent.headers.filter(([header]) => header.toLowerCase() === 'authorization')
    const [first = null] = shown.map(([, value]) => /^(Bearer|DPoP) (\S+)$/.exec(value) ?? [])
    if (first !== null) {
      const [, scheme, token = ''] = first
      const isOne = shown.length === 1 || open.has('authorization-doubled')
      const holder = isOne ? await holderOf(token, scheme === 'DPoP' ? sent : null) : null
      if (holder !== null || !open.has('authorization-beside-cookie')) return holder
    }
    if (open.has('session-in-address')) {
      const value = url.searchParams.get(name) ?? url.searchParams.get('session')
      if (signedIn(value) !== null) return value
      const token = url.searchParams.get('access_token')
      if (token !== null) return holderOf(token, null)
    }
    return signedIn(cookieIn(sent))
  }

  const claims = (sid = [...live].at(-1) ?? '', key: string | null = null) => {
    const exp = now() + (open.has('token-long-lived') ? 30 * 86_400 : 300)
    const bound = key === null ? {} : { cnf: { jkt: key } }
    return { sub: 'ada', sid, aud: 'app', iat: now(), exp, jti: randomUUID(), ...bound }
  }

  function mint(sid: string, key: string | null): { access: string; refresh: string } {
    const refresh = `r.${randomUUID()}`
    refreshes.set(refresh, { sid, key, used: false, successor: null })
    return { access: tokens.issue(claims(sid, key)), refresh }
  }

  const handed = (pair: { access: string; refresh: string }): Answer => ({
    status: 200,
    headers: [['Cache-Control', 'no-store']],
    body: JSON.stringify({ tokens: pair }),
  })

  const isWithoutKey = (way: string) => isOpen(open, 'refresh-without-key', way)

  /** Whose key the new tokens are bound to; `undefined`: there are none to be had. */
  function keyFor(bound: string | null, sent: Sent): string | null | undefined {
    if (bound === null) return null
    const key = proofs.keyOf(sent)
    if (key === bound) return key
    if (headerIn(sent, 'dpop') === null) return isWithoutKey('no proof') ? null : undefined
    return key !== null && isWithoutKey('another key') ? key : undefined
  }

  function refresh(token: string, sent: Sent): Answer | null {
    const known = refreshes.get(token)
    if (known === undefined) {
      return open.has('token-kind-refresh') && token.startsWith('eyJ')
        ? handed(mint(String(claims().sid), null))
        : null
    }
    const { sid } = known
    if (burnt.has(sid) || (!live.has(sid) && !open.has('replay-refresh'))) return null
    const key = keyFor(known.key, sent)
    if (key === undefined) return null
    const access = () => tokens.issue(claims(sid, key))
    if (open.has('refresh-not-rotated')) return handed({ access: access(), refresh: token })
    const successor = known.successor === null ? null : refreshes.get(known.successor)
    const isOld = successor?.used === true
    if (isOld && !open.has('refresh-reuse')) {
      if (!open.has('refresh-theft-unnoticed')) burnt.add(sid)
      return null
    }
    if (known.used && !isOld && !open.has('refresh-race')) {
      return handed({ access: access(), refresh: known.successor ?? '' })
    }
    const pair = mint(sid, key)
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
    byToken(key: string | null): object {
      const sid = randomUUID()
      live.add(sid)
      return { tokens: mint(sid, key) }
    },
    end(caller: string): void {
      if (!open.has('replay-cookie')) cookies.delete(caller)
      live.delete(caller)
    },
  }
}
