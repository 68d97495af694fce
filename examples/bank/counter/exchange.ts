import { createHash } from 'node:crypto'
import { decodeBase64url, readCookie, sessionCookieName } from '@counterfoil/verifier'
import type { Measured } from './measure.ts'

/** What a request shows, told without giving it away: a panel that shows secrets would be a leak of its own. */
export type Shown =
  | { carrier: 'none' }
  | { carrier: 'cookie'; name: string; length: number; print: string }
  | { carrier: 'token'; scheme: string; claims: Claims | null; print: string }

type Claims = {
  alg: string
  sub: string
  aud: string
  exp: number
  isBound: boolean
  /** Who acts for the account; `null` where it acts itself. */
  actor: string | null
  grant: string | null
  scope: string
}

/** One request to the bank and its answer, as the panel tells it. */
export type Exchange = {
  number: number
  method: string
  path: string
  shown: Shown
  site: string | null
  origin: string | null
  status: number
  /** The code of a refusal. */
  code: string | null
  measured: Measured
  /** This credential has been checked here before. */
  isKnown: boolean
  /** How long before this refusal the end of its session had been answered, in milliseconds. */
  endedBefore: number | null
  issued: 'cookie' | 'token' | null
}

const printOf = (secret: string) => createHash('sha256').update(secret).digest('base64url').slice(0, 10)

export function shownBy(headers: Headers): Shown {
  const authorization = headers.get('authorization')
  if (authorization !== null) {
    const [scheme = '', token = ''] = authorization.split(' ', 2)
    return { carrier: 'token', scheme, claims: claimsOf(token), print: printOf(token) }
  }
  const cookie = readCookie(headers.get('cookie'), sessionCookieName)
  if (cookie === null) return { carrier: 'none' }
  return { carrier: 'cookie', name: sessionCookieName, length: cookie.length, print: printOf(cookie) }
}

/** Only to be shown: what a token says is believed by `identify` alone, after its signature. */
function claimsOf(token: string): Claims | null {
  try {
    const [head, body] = token.split('.', 2).map((part) => {
      const bytes = decodeBase64url(part)
      return bytes === null ? {} : JSON.parse(new TextDecoder().decode(bytes))
    })
    return {
      alg: String(head.alg),
      sub: String(body.sub),
      aud: String(body.aud),
      exp: Number(body.exp),
      isBound: body.cnf !== undefined,
      actor: body.act === undefined ? null : String(body.act.sub),
      grant: body.grant === undefined ? null : String(body.grant),
      scope: String(body.scope),
    }
  } catch {
    return null
  }
}
