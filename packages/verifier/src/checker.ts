import type { Cache } from './cache.ts'
import type { Caller, CallerSession } from './caller.ts'
import { createCredentialCache } from './credential-cache.ts'
import { judge, type StatementKeys } from './ends.ts'
import { feedKey, feedWindowSeconds, printOf, skewSeconds } from './feed.ts'
import type { Rights, Statement } from './statement.ts'
import { type Instant, stamp, steadyAt, wallSeconds } from './steady.ts'
import { createView, type View } from './view.ts'

/**
 * What a caller is made of, flat: two objects fewer for each one that is remembered, and what an application does to the
 * caller that it was given stays its own affair.
 */
export type Remembered = {
  readonly accountId: string
  readonly email: string | null
  readonly sessionId: string | null
  readonly createdAt: number | null
  lastSeenAt: number | null
  readonly device: string | null
  readonly sessionCarrier: CallerSession['carrier']
  readonly rights: Rights
  readonly authenticatedAt: number
}

/**
 * A statement as it is kept. A hundred thousand of them are what a verifier's memory is made of, so keys of the feed are
 * kept as thirty bits: a match means another look from the beginning, which compares the whole key.
 */
export type Entry = Remembered & {
  readonly credential: string
  /** Whole seconds since 1970. */
  readonly end: number
  /** The view's version at which it was last looked up. */
  seen: number
  readonly sessionPrint: number
  readonly otherPrint: number
  readonly accountPrint: number
  /** When the server was last asked about it, on the steady clock; 0 for never. */
  askedAt: number
}

export type Checker = {
  view: View
  readonly cookies: Cache<Entry>
  readonly tokens: Cache<Entry>
}

export function createChecker(given: { now: Instant; entries: number }): Checker {
  return {
    view: createView(given.now),
    cookies: createCredentialCache(given.entries),
    tokens: createCredentialCache(given.entries),
  }
}

/** The machine's clock was wrong: nothing that was judged by it is kept. */
export function restartChecker(checker: Checker, now: Instant): void {
  // The clock that ages are measured with goes on: an answer may be on its way to a question from before.
  const elapsed = stamp(checker.view.steady, now)
  checker.view = createView(now)
  checker.view.steady.elapsed = elapsed
  checker.cookies.clear()
  checker.tokens.clear()
}

export type Carried = 'cookies' | 'tokens'

/**
 * accept: believed. cold: not known, not any more, or something has ended: begin from the credential itself.
 * ask: known and not ended as far as we know, but what we know is too old for this route.
 */
export type Look = { kind: 'accept' | 'ask'; entry: Entry } | { kind: 'cold' }

const cold: Look = Object.freeze({ kind: 'cold' })

/** The warm path. `maxStale`: milliseconds, as `look` is told for each route; infinite for a lenient one. */
export function look(
  checker: Checker,
  given: { carried: Carried; credential: string; maxStale: number },
  now: Instant,
): Look {
  const { carried, credential, maxStale } = given
  const entry = find(checker, carried, credential, now)
  if (entry === null) return cold
  return { kind: isFresh(checker.view, entry, now, maxStale) ? 'accept' : 'ask', entry }
}

/** The statement that is kept for this credential, if nothing is known to have ended it. */
export function find(checker: Checker, carried: Carried, credential: string, now: Instant): Entry | null {
  const entry = recall(checker, carried, credential)
  return entry !== null && stands(checker, carried, entry, now) ? entry : null
}

/** What is kept for this credential, whatever has become of it. Reads no clock: most that are new need to be looked for only. */
export function recall(checker: Checker, carried: Carried, credential: string): Entry | null {
  return checker[carried].get(credential) ?? null
}

/** Whether nothing is known to have ended what is kept. */
export function stands(checker: Checker, carried: Carried, entry: Entry, now: Instant): boolean {
  const { view } = checker
  if (wallSeconds(view.steady, now) >= entry.end) {
    checker[carried].delete(entry.credential)
    return false
  }
  if (entry.seen === view.version) return true
  // Kept, although it is not believed: whose it was tells whether it is over for good.
  if (!isUntouched(view, entry)) return false
  entry.seen = view.version
  return true
}

/** Whether a cookie that is remembered is known to be over for good, so that nobody needs to be asked. */
export function isOver({ view, cookies }: Checker, cookie: string, cookieId: string): boolean {
  const sessionId = cookies.get(cookie)?.sessionId
  if (sessionId === undefined || sessionId === null) return false
  return view.ends.has(feedKey('session', sessionId)) || view.ends.has(feedKey('cookie', cookieId))
}

/** Whether nothing was learnt about it since it was last looked up. What came before that was judged by whole keys. */
function isUntouched({ prints, broad }: View, entry: Entry): boolean {
  const { seen, sessionPrint, otherPrint, accountPrint } = entry
  const isOld = (print: number) => (prints.get(print)?.learntAt ?? 0) <= seen
  return seen >= broad && isOld(sessionPrint) && isOld(otherPrint) && isOld(accountPrint)
}

/** Whether what is known about it is no older than `maxStale`: by the feed, or by having asked. */
export function isFresh(view: View, entry: Entry, now: Instant, maxStale: number): boolean {
  if (maxStale === Number.POSITIVE_INFINITY) return true
  const knownAt = view.freshAt === null || view.isSkewed ? 0 : view.freshAt
  const newest = Math.max(knownAt, entry.askedAt)
  return newest > 0 && steadyAt(view.steady, now) - newest <= maxStale
}

export type Admission =
  | { kind: 'admitted'; entry: Entry }
  /** Something ended after the reading that this statement was made from: it is over, or has to be read again. */
  | { kind: 'dead' | 'outdated' }
  /** Past its end, or past what the view can vouch for. */
  | { kind: 'expired' }

/**
 * Takes a statement in, after judging it: one that was read slowly may be older than an end that has come since.
 * `askedAt`: when the question left that it answers, on the steady clock, or 0 if nobody was asked.
 */
export function admit(
  checker: Checker,
  given: {
    carried: Carried
    credential: string
    statement: Statement
    keys: StatementKeys
    askedAt: number
  },
  now: Instant,
): Admission {
  const { carried, credential, statement, keys, askedAt } = given
  const { view } = checker
  const verdict = judge(view, keys, statement.asOf)
  if (verdict !== 'live') return { kind: verdict }
  const end = endOf(view, statement, askedAt)
  if (wallSeconds(view.steady, now) >= end) return { kind: 'expired' }
  const { account, session } = statement
  // Written out, since what is spread takes more room.
  const entry: Entry = {
    credential: carried === 'cookies' ? apart(credential) : credential,
    accountId: account.id,
    email: account.email,
    sessionId: session === null ? null : session.id,
    createdAt: session === null ? null : session.created_at,
    lastSeenAt: session === null ? null : session.last_seen_at,
    device: session === null ? null : session.device,
    sessionCarrier: session === null ? null : session.carrier,
    rights: statement.rights,
    authenticatedAt: statement.authenticatedAt,
    end,
    seen: view.version,
    sessionPrint: printOf(keys.session ?? keys.account),
    otherPrint: printOf(keys.cookie ?? keys.grant ?? keys.account),
    accountPrint: printOf(keys.account),
    // Whole milliseconds, earlier rather than later: small numbers take no room of their own.
    askedAt: Math.floor(askedAt),
  }
  checker[carried].set(entry.credential, entry)
  return { kind: 'admitted', entry }
}

/** The same text by itself: as a part of the header it came in, it would keep all other cookies in memory beside it. */
const apart = (text: string) => Array.from(text).join('')

/**
 * Whatever end a statement claims, it is believed only while an end that came after its reading cannot have been
 * forgotten. Before there is a view, only answers to questions count, each for as long as its route says.
 */
function endOf({ window }: View, { end, readStart }: Statement, askedAt: number): number {
  if (window === 0 && askedAt === 0) return 0
  return Math.min(end, readStart + (window || feedWindowSeconds.tokens) - skewSeconds)
}

/** What is remembered of a statement, without keeping it. */
export function remember({ account, session, rights, authenticatedAt }: Statement): Remembered {
  return {
    accountId: account.id,
    email: account.email,
    sessionId: session?.id ?? null,
    createdAt: session?.created_at ?? null,
    lastSeenAt: session?.last_seen_at ?? null,
    device: session?.device ?? null,
    sessionCarrier: session?.carrier ?? null,
    rights,
    authenticatedAt,
  }
}

/** The result of a check, in the shape that applications see. */
export function callerOf(given: Remembered): Caller {
  const { carrier, scopes, actor, grant } = given.rights
  return {
    account: { id: given.accountId, email: given.email },
    session: sessionOf(given),
    carrier,
    scopes,
    actor,
    grant,
    authenticated_at: given.authenticatedAt,
  }
}

function sessionOf(given: Remembered): CallerSession | null {
  const { sessionId, createdAt, lastSeenAt, device, sessionCarrier, rights } = given
  // A grant's token may name the session that approved it, since it ends with it; it is not of that session.
  if (sessionId === null || rights.grant !== null) return null
  // Written out, as this is paid by every request.
  return {
    id: sessionId,
    created_at: createdAt,
    last_seen_at: lastSeenAt,
    device,
    carrier: sessionCarrier,
    current: true,
  }
}
