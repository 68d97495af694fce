import { judgeAccessToken, parseAccessToken, type UnprovenToken } from './access-token.ts'
import { admit, type Checker, type Entry, find, isFresh } from './checker.ts'
import { checkSignature } from './cryptography.ts'
import { isGrantOver } from './ends.ts'
import { skewSeconds } from './feed.ts'
import type { Keys } from './keys.ts'
import type { Limit } from './limit.ts'
import type { Machine } from './machine.ts'
import type { VerificationKey } from './public-key.ts'
import type { Said } from './questions.ts'
import { refuse } from './refusal.ts'
import { type Soon, soon } from './soon.ts'
import { keysOf, type Statement, statementOf } from './statement.ts'
import { type Instant, stamp, wallSeconds } from './steady.ts'
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
export type TokenCheck = {
  /** Of one that is not known. At once where nobody has to be asked and signatures are checked at once. */
  first(token: string, limit: Limit): Soon<Entry>
  /** Of one that is known, although too little of it for a route. */
  again(token: string, limit: Limit): Promise<Entry>
}

export function createTokenCheck(needs: TokenCheckNeeds): TokenCheck {
  const { checker, machine, keys, issuer, audience, ask } = needs

  /** When the server was asked about it and said yes, on the steady clock; 0 where it could not be asked. */
  async function askedAt(token: string, limit: Limit): Promise<number> {
    if (ask === null) return stamp(checker.view.steady, machine.now())
    const said = await ask(token, limit.maxStale)
    if (said?.value === false) refuse('session_ended', 'the server says that the token is not active')
    return said?.askedAt ?? 0
  }

  type Found = VerificationKey | 'unknown' | 'unavailable'

  function prove({ jws }: UnprovenToken, key: Found): Soon<boolean> {
    if (key === 'unavailable') refuse('feed_stale', 'the keys of the issuer cannot be fetched')
    if (key === 'unknown') refuse('credential_invalid', 'access token: kid is unknown')
    return checkSignature(key, jws)
  }

  function read(unproven: UnprovenToken, at: Instant): Statement {
    const now = wallSeconds(checker.view.steady, at)
    // The skew is for `iat` alone: `admit` holds on to the very end.
    const claims = judgeAccessToken(unproven, { issuer, audience, now, skewSeconds })
    return statementOf(claims, unproven.kid)
  }

  function accept(entry: Entry, limit: Limit, now: Instant): Entry {
    const isEnough = ask === null || limit.isLenient || isFresh(checker.view, entry, now, limit.maxStale)
    return isEnough ? entry : refuse('feed_stale', 'the feed is old and the server does not answer')
  }

  /** Known, but what is known is old. Null: something has ended it meanwhile. */
  async function renew(token: string, limit: Limit): Promise<Entry | null> {
    const asked = await askedAt(token, limit)
    const now = machine.now()
    const entry = find(checker, 'tokens', token, now)
    if (entry === null) return null
    entry.askedAt = Math.max(entry.askedAt, Math.floor(asked))
    return accept(entry, limit, now)
  }

  type Taken = { limit: Limit; askedAt: number; now: Instant }

  function take(token: string, statement: Statement, { limit, askedAt, now }: Taken): Entry {
    const keys = keysOf(statement)
    const admission = admit(checker, { carried: 'tokens', credential: token, statement, keys, askedAt }, now)
    if (admission.kind === 'admitted') return accept(admission.entry, limit, now)
    if (admission.kind !== 'expired')
      refuse(
        isGrantOver(checker.view, keys) ? 'grant_ended' : 'session_ended',
        `access token: ${admission.kind}`,
      )
    if (wallSeconds(checker.view.steady, now) >= statement.end) refuse('token_expired', 'exp has passed')
    return refuse('feed_stale', 'nothing is known of revocations yet')
  }

  function first(token: string, limit: Limit): Soon<Entry> {
    const unproven = parseAccessToken(token)
    const key = keys.find(unproven.kid)
    const isGenuine =
      key instanceof Promise ? key.then((found) => prove(unproven, found)) : prove(unproven, key)
    return soon(isGenuine, (is) => {
      if (is !== true) refuse('credential_invalid', 'access token: signature or alg is wrong')
      // After whatever took its time.
      const now = machine.now()
      const statement = read(unproven, now)
      const isCurrent = ask !== null && ageOf(checker.view, now) <= limit.maxStale
      if (isCurrent) return take(token, statement, { limit, askedAt: 0, now })
      return askedAt(token, limit).then((at) =>
        take(token, statement, { limit, askedAt: at, now: machine.now() }),
      )
    })
  }

  return {
    first,
    async again(token, limit) {
      return (await renew(token, limit)) ?? first(token, limit)
    },
  }
}
