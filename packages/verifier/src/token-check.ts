import { parseAccessToken, proveAccessToken } from './access-token.ts'
import { admit, type Checker, type Entry, find, isFresh } from './checker.ts'
import { skewSeconds } from './feed.ts'
import type { Keys } from './keys.ts'
import type { Limit } from './limit.ts'
import type { Machine } from './machine.ts'
import type { Said } from './questions.ts'
import { refuse } from './refusal.ts'
import { keysOf, type Statement, statementOf } from './statement.ts'
import { stamp, wallSeconds } from './steady.ts'
import { ageOf } from './view.ts'

export type TokenCheckNeeds = {
  checker: Checker
  machine: Machine
  keys: Keys
  issuer: string
  audience: string
  /** Whether a genuine token is still good. Null: we have no credential to ask with, and a signature has to do. */
  ask: ((token: string, maxStale: number) => Promise<Said<boolean> | null>) | null
}

/** The checks of a token that is not known yet, or of which too little is known for a route. */
export function createTokenCheck(needs: TokenCheckNeeds): (token: string, limit: Limit) => Promise<Entry> {
  const { checker, machine, keys, issuer, audience, ask } = needs

  /** When the server was asked about it and said yes, on the steady clock; 0 where it could not be asked. */
  async function askedAt(token: string, limit: Limit): Promise<number> {
    if (ask === null) return stamp(checker.view.steady, machine.now())
    const said = await ask(token, limit.maxStale)
    if (said?.value === false) refuse('session_ended', 'the server says that the token is not active')
    return said?.askedAt ?? 0
  }

  async function prove(token: string): Promise<Statement> {
    const unproven = parseAccessToken(token)
    const key = await keys.find(unproven.kid)
    if (key === 'unavailable') refuse('feed_stale', 'the keys of the issuer cannot be fetched')
    if (key === 'unknown') refuse('credential_invalid', 'access token: kid is unknown')
    const now = wallSeconds(checker.view.steady, machine.now())
    // The skew is for `iat` alone: `admit` holds on to the very end.
    const claims = await proveAccessToken(unproven, { key, issuer, audience, now, skewSeconds })
    return statementOf(claims, unproven.kid)
  }

  function accept(entry: Entry, limit: Limit): Entry {
    const isEnough =
      ask === null || limit.isLenient || isFresh(checker.view, entry, machine.now(), limit.maxStale)
    return isEnough ? entry : refuse('feed_stale', 'the feed is old and the server does not answer')
  }

  /** Known, but what is known is old. Null: something has ended it meanwhile. */
  async function renew(token: string, limit: Limit): Promise<Entry | null> {
    const asked = await askedAt(token, limit)
    const entry = find(checker, 'tokens', token, machine.now())
    if (entry === null) return null
    entry.askedAt = Math.max(entry.askedAt, Math.floor(asked))
    return accept(entry, limit)
  }

  return async function checkToken(token, limit) {
    if (find(checker, 'tokens', token, machine.now()) !== null) {
      const known = await renew(token, limit)
      if (known !== null) return known
    }
    const statement = await prove(token)
    const isCurrent = ask !== null && ageOf(checker.view, machine.now()) <= limit.maxStale
    const asked = isCurrent ? 0 : await askedAt(token, limit)
    const now = machine.now()
    const given = {
      carried: 'tokens',
      credential: token,
      statement,
      keys: keysOf(statement),
      askedAt: asked,
    } as const
    const admission = admit(checker, given, now)
    if (admission.kind === 'admitted') return accept(admission.entry, limit)
    if (admission.kind !== 'expired') refuse('session_ended', `access token: ${admission.kind}`)
    if (wallSeconds(checker.view.steady, now) >= statement.end) refuse('token_expired', 'exp has passed')
    return refuse('feed_stale', 'nothing is known of revocations yet')
  }
}
