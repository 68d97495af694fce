import { decodeBase64url } from './base64url.ts'
import { createCache } from './cache.ts'
import type { Caller } from './caller.ts'
import {
  type Admission,
  admit,
  type Checker,
  callerOf,
  type Entry,
  find,
  isFresh,
  isOver,
} from './checker.ts'
import { sha256 } from './cryptography.ts'
import type { Limit } from './limit.ts'
import type { Machine } from './machine.ts'
import type { Said } from './questions.ts'
import { refuse } from './refusal.ts'
import { keysOf, type Statement } from './statement.ts'
import { wallSeconds } from './steady.ts'

const cookiePattern = /^[A-Za-z0-9_-]{64}$/
/** The rest of a cookie is the server's tag. */
const secretBytes = 32
const attempts = 3
const absentMilliseconds = 2_000
const absentEntries = 10_000

/** The id under which the server keeps a cookie, or null for what is no cookie of its. */
export function cookieIdOf(value: string): string | null {
  const bytes = cookiePattern.test(value) ? decodeBase64url(value) : null
  return bytes && sha256(bytes.subarray(0, secretBytes))
}

export type CookieCheckNeeds = {
  checker: Checker
  machine: Machine
  /** Reads the statement about a cookie; its value is null where there is no such session. */
  ask: (cookie: string, maxStale: number) => Promise<Said<Statement | null> | null>
}

/** The checks of a cookie that is not known yet, or of which too little is known for a route. */
export function createCookieCheck(
  needs: CookieCheckNeeds,
): (value: string, limit: Limit) => Promise<Caller | null> {
  const { checker, machine, ask } = needs
  const absent = createCache<number>(absentEntries)

  function isAbsent(value: string): boolean {
    const until = absent.get(value)
    return until !== undefined && machine.now().mono < until
  }

  function noteAbsent(value: string): null {
    absent.set(value, machine.now().mono + absentMilliseconds)
    return null
  }

  function accept(entry: Entry, limit: Limit): Caller {
    const isEnough = limit.isLenient || isFresh(checker.view, entry, machine.now(), limit.maxStale)
    return isEnough ? callerOf(entry) : refuse('feed_stale', 'what is known is too old for this route')
  }

  /** Where the server cannot be asked, what is known has to do, or there is no answer. */
  function unasked(value: string, limit: Limit): Caller {
    const entry = find(checker, 'cookies', value, machine.now())
    return entry === null ? refuse('feed_stale', 'the server does not answer') : accept(entry, limit)
  }

  function take(value: string, cookieId: string, { value: statement, askedAt }: Said<Statement>): Admission {
    // Somebody else's session, whoever mixed them up: a cache between us, or a server that answers in another order.
    if (statement.cookieId !== cookieId) refuse('feed_stale', 'the statement is about another cookie')
    const given = {
      carried: 'cookies',
      credential: value,
      statement,
      keys: keysOf(statement),
      askedAt,
    } as const
    return admit(checker, given, machine.now())
  }

  return async function checkCookie(value, limit) {
    const cookieId = cookieIdOf(value)
    if (cookieId === null || isAbsent(value)) return null
    if (isOver(checker, value, cookieId)) {
      checker.cookies.delete(value)
      return noteAbsent(value)
    }
    for (let attempt = 0; attempt < attempts; attempt++) {
      const said = await ask(value, limit.maxStale)
      if (said === null) return unasked(value, limit)
      if (said.value === null) {
        checker.cookies.delete(value)
        return noteAbsent(value)
      }
      const admission = take(value, cookieId, { value: said.value, askedAt: said.askedAt })
      if (admission.kind === 'admitted') return accept(admission.entry, limit)
      if (admission.kind === 'dead') return noteAbsent(value)
      if (admission.kind === 'expired') return expired(said.value)
    }
    return refuse('feed_stale', 'each answer was older than what has ended meanwhile')
  }

  /** Over by its own word, or by our clock alone, which must be wrong then. */
  function expired({ end }: Statement): null {
    const isOver = wallSeconds(checker.view.steady, machine.now()) >= end
    return isOver ? null : refuse('feed_stale', 'what the server read lies too far in the past')
  }
}
