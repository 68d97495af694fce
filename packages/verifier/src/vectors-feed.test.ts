import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller } from './caller.ts'
import { admit, callerOf, createChecker, look } from './checker.ts'
import { isGrantOver } from './ends.ts'
import type { FeedEntry, FeedKind } from './feed.ts'
import { keysOf, type Statement } from './statement.ts'
import { type Instant, stamp } from './steady.ts'
import { readOwnVectors } from './testing/own-vectors.ts'
import { ageOf, createView, stepView, type ViewEffect, type ViewEvent } from './view.ts'

type WireEntry = [position: number, kind: FeedKind, key: string, age: number]
const entriesOf = (entries: readonly WireEntry[]): FeedEntry[] =>
  entries.map(([position, kind, key, age]) => ({ position, kind, key, age }))

type ListedStatement = {
  carrier: Caller['carrier']
  account: Caller['account']
  session: Caller['session']
  scopes: string[]
  actor: string | null
  actors: string[]
  grant: string | null
  client_id: string
  cookie_id: string | null
  key_id: string | null
  authenticated_at: number
  as_of: number
  read_start: number
  end: number
}
type VerdictCase = {
  name: string
  statement: string
  changes?: Partial<ListedStatement>
  now: number
  feed: { epoch: number; applied: number; window: number; age_ms: number | null; entries: WireEntry[] }
  asked_ms_ago: number | null
  max_stale_ms: number | null
  verdict: string
}
type VerdictFile = {
  statements: Record<string, ListedStatement>
  callers: Record<string, Caller>
  cases: VerdictCase[]
}
const { statements, callers, cases } = readOwnVectors<VerdictFile>('verdicts', 150)

function statementOf(given: ListedStatement): Statement {
  const { carrier, account, session, scopes, actor, actors, grant } = given
  return {
    ...{ account, session, rights: { carrier, confirmation: null, scopes, actor, actors, grant } },
    ...{ authenticatedAt: given.authenticated_at, clientId: given.client_id },
    ...{ cookieId: given.cookie_id, keyId: given.key_id },
    ...{ asOf: given.as_of, readStart: given.read_start, end: given.end },
  }
}

/** The verdict in the words of the vectors, and the caller where there is one. */
function verdictOf(given: VerdictCase, statement: Statement): { verdict: string; caller: Caller | null } {
  const { feed, now } = given
  const at = (ago: number): Instant => ({ mono: 1e9 - ago, wall: now * 1000 - ago })
  const checker = createChecker({ now: at(1e6), entries: 10 })
  const { view } = checker
  const moments = [
    { ago: feed.age_ms, kind: 'opened' },
    { ago: given.asked_ms_ago, kind: 'asked' },
  ]
  let askedAt = 0
  for (const { ago, kind } of moments.sort((one, other) => (other.ago ?? 0) - (one.ago ?? 0))) {
    if (ago === null) continue
    if (kind === 'asked') askedAt = stamp(view.steady, at(ago))
    else stepView(view, { kind: 'opened', link: 1, nonce: 'n' }, at(ago))
  }
  const { epoch, applied: head } = feed
  stepView(view, { kind: 'hello', link: 1, nonce: 'n', hub: 'h', at: 0, epoch, head }, at(0))
  const snapshot = { epoch, position: head, window: feed.window, entries: entriesOf(feed.entries) }
  stepView(view, { kind: 'snapshot', snapshot }, at(0))
  stepView(view, { kind: 'heartbeat', link: 1, hub: 'h', epoch, head, a: 0, wall: now * 1000 }, at(0))

  const isCookie = statement.cookieId !== null
  const of = { carried: isCookie ? 'cookies' : 'tokens', credential: 'it' } as const
  const admission = admit(checker, { ...of, statement, keys: keysOf(statement), askedAt }, at(0))
  if (admission.kind === 'admitted') {
    const maxStale = given.max_stale_ms ?? Number.POSITIVE_INFINITY
    const { kind } = look(checker, { ...of, maxStale }, at(0))
    return { verdict: kind, caller: kind === 'accept' ? callerOf(admission.entry) : null }
  }
  return { verdict: refused(admission.kind), caller: null }

  function refused(kind: 'dead' | 'outdated' | 'expired'): string {
    if (kind === 'expired' && feed.window === 0) return 'ask'
    if (isCookie) return kind === 'dead' ? 'absent' : 'read_again'
    if (kind !== 'expired') return isGrantOver(view, keysOf(statement)) ? 'grant_ended' : 'session_ended'
    return now >= statement.end ? 'token_expired' : 'feed_stale'
  }
}

for (const one of cases) {
  test(`vector, verdict: ${one.name}: ${one.verdict}`, () => {
    const listed = statements[one.statement]
    assert.ok(listed !== undefined)
    const found = verdictOf(one, statementOf({ ...listed, ...one.changes }))
    const caller = one.verdict === 'accept' ? callers[one.statement] : null
    assert.deepEqual(found, { verdict: one.verdict, caller })
  })
}

type WireEvent =
  | Exclude<ViewEvent, { kind: 'snapshot' | 'revoked' }>
  | { kind: 'snapshot'; epoch: number; position: number; window: number; entries: WireEntry[] }
  | { kind: 'revoked'; epoch: number; entries: WireEntry[]; wants_ack: boolean }
type Step = { mono: number; wall: number } & (
  | { event: WireEvent; asks: string[] }
  | { age_ms: { at_least: number; at_most: number } | null }
)

function eventOf(event: WireEvent): ViewEvent {
  if (event.kind === 'snapshot') {
    const { kind, ...snapshot } = event
    return { kind, snapshot: { ...snapshot, entries: entriesOf(event.entries) } }
  }
  if (event.kind !== 'revoked') return event
  const { kind, epoch, entries, wants_ack: wantsAck } = event
  return { kind, epoch, entries: entriesOf(entries), wantsAck }
}

function asked(effect: ViewEffect): string {
  if (effect.kind === 'log') return `log ${effect.from}-${effect.to}`
  if (effect.kind === 'ack') return `ack ${effect.position}`
  return effect.kind === 'reconnect' ? `reconnect ${effect.link}` : effect.kind
}

for (const { name, steps } of readOwnVectors<{ cases: { name: string; steps: Step[] }[] }>('freshness', 30)
  .cases) {
  test(`vector, freshness: ${name}`, () => {
    const [first] = steps
    assert.ok(first !== undefined)
    const view = createView({ mono: first.mono, wall: first.wall })
    for (const [index, step] of steps.entries()) {
      const now = { mono: step.mono, wall: step.wall }
      if ('event' in step) {
        assert.deepEqual(stepView(view, eventOf(step.event), now).map(asked), step.asks, `step ${index}`)
        continue
      }
      const age = ageOf(view, now)
      if (step.age_ms === null) assert.equal(age, Number.POSITIVE_INFINITY, `step ${index}`)
      else {
        const { at_least, at_most } = step.age_ms
        assert.ok(
          age >= at_least && age <= at_most,
          `step ${index}: ${age} is not within ${at_least}-${at_most}`,
        )
      }
    }
  })
}
