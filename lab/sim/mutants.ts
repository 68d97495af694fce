import {
  admit,
  type Checker,
  find,
  type Instant,
  keysOf,
  type StatementKeys,
  stepView,
  type ViewEvent,
} from '@counterfoil/verifier'
import { type Admitting, type Core, production, skew } from './core.ts'
import { keyOf } from './database.ts'

/** Known mistakes, each in place of one thing that the design counts on. The simulation has to find every one. */
export const mutants: Readonly<Record<string, Core>> = {
  'expiry-from-storing': { ...production, countsFrom: 'store' },
  'delete-only': { ...production, step: stepAndDelete },
  'lives-that-count-on': { ...production, lives: 'counting_on' },
  'serial-cursor': { ...production, positions: 'serial' },
  'liveness-by-reading': { ...production, beat: 'read' },
  'mixed-hub-clocks': { ...production, step: stepMixed },
  'answer-from-memory': { ...production, answers: 'memory' },
  'answer-from-any-copy': { ...production, answers: 'any_copy' },
  'short-retention': { ...production, keeps: (life) => life - 15, admit: admitUncapped },
  'verdict-and': { ...production, admit: admitByAll },
  'suspend-ignored': {
    ...production,
    step: (checker, event, now) => stepView(checker.view, event, withoutWall(checker, now)),
    find: (checker, { carried, credential }, now) =>
      find(checker, carried, credential, withoutWall(checker, now)),
    isFresh: (checker, given, now) => production.isFresh(checker, given, withoutWall(checker, now)),
    admit: (checker, given, now) => admit(checker, given, withoutWall(checker, now)),
  },
}

/** An end deletes what is cached and is then forgotten: a slow reading puts it back. */
function stepAndDelete(checker: Checker, event: ViewEvent, now: Instant) {
  const effects = stepView(checker.view, event, now)
  const { view } = checker
  if (view.ends.size === 0) return effects
  checker.cookies.clear()
  checker.tokens.clear()
  view.ends.clear()
  view.prints.clear()
  return effects
}

const firstLinks = new WeakMap<Checker, { link: number; hub: string }>()

/** What the first hub said of its clock is taken to hold for every other one. */
function stepMixed(checker: Checker, event: ViewEvent, now: Instant) {
  if (event.kind === 'opened' && !firstLinks.has(checker))
    firstLinks.set(checker, { link: event.link, hub: '' })
  const first = firstLinks.get(checker)
  if (first === undefined) return stepView(checker.view, event, now)
  if (event.kind === 'hello' && first.hub === '' && event.link === first.link) first.hub = event.hub
  if (event.kind === 'closed' && event.link === first.link) return []
  if (event.kind !== 'heartbeat' || first.hub === '') return stepView(checker.view, event, now)
  return stepView(checker.view, { ...event, link: first.link, hub: first.hub }, now)
}

/** Believes the end that a statement claims, however short ends are kept. */
function admitUncapped(checker: Checker, given: Admitting, now: Instant) {
  const { statement } = given
  const later = { ...statement, readStart: statement.readStart + 2 * skew }
  return admit(checker, { ...given, statement: later }, now)
}

/** Refuses only what has ended under its session and under its account: two scopes combined with the wrong word. */
function admitByAll(checker: Checker, given: Admitting, now: Instant) {
  const { ends } = checker.view
  const { statement, keys } = given
  const own = [keys.session, keys.cookie, keys.grant, keys.key].some((key) => key !== null && ends.has(key))
  const wide = [keys.account, keys.client, keyOf('everyone:')].some(
    (key) => (ends.get(key)?.position ?? 0) > statement.asOf,
  )
  if (own === wide) return admit(checker, given, now)
  const unknown: StatementKeys = {
    ...keysOf({ ...statement, session: null, cookieId: null, keyId: null, clientId: 'nobody' }),
    ...{ account: keyOf('account:nobody'), grant: null },
  }
  return admit(
    checker,
    { ...given, keys: unknown, statement: { ...statement, asOf: Number.MAX_SAFE_INTEGER } },
    now,
  )
}

const started = new WeakMap<Checker, Instant>()

/** A wall clock that knows no more than the monotonic one. */
function withoutWall(checker: Checker, now: Instant): Instant {
  const first = started.get(checker) ?? now
  if (!started.has(checker)) started.set(checker, now)
  return { mono: now.mono, wall: Math.floor(first.wall + now.mono - first.mono) }
}
