import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createEnds, forget, judge, learn, type StatementKeys } from './ends.ts'
import { type FeedEntry, type FeedKind, feedKey, feedKinds } from './feed.ts'
import { fuzz } from './testing/fuzz.ts'
import { createClocks, ended } from './testing/listening.ts'

const keys: StatementKeys = {
  session: feedKey('session', 'ses'),
  cookie: feedKey('cookie', 'coo'),
  grant: feedKey('grant', 'gra'),
  account: feedKey('account', 'acc'),
  client: feedKey('client', 'cli'),
  actors: [feedKey('client', 'inner'), feedKey('client', 'innermost')],
  key: feedKey('key', 'kid'),
}

type Verdict = ReturnType<typeof judge>
// What was read at position 10: judged after an end at 9, at 10, at 11.
const verdicts: [kind: FeedKind, id: string, earlier: Verdict, same: Verdict, later: Verdict][] = [
  ['session', 'ses', 'dead', 'dead', 'dead'],
  ['cookie', 'coo', 'dead', 'dead', 'dead'],
  ['grant', 'gra', 'dead', 'dead', 'dead'],
  ['key', 'kid', 'dead', 'dead', 'dead'],
  ['account', 'acc', 'live', 'live', 'outdated'],
  ['client', 'cli', 'live', 'live', 'outdated'],
  ['client', 'inner', 'live', 'live', 'outdated'],
  ['client', 'innermost', 'live', 'live', 'outdated'],
  ['everyone', '', 'live', 'live', 'outdated'],
  ['changed', 'acc', 'live', 'live', 'outdated'],
  ['session', 'another', 'live', 'live', 'live'],
  ['client', 'another', 'live', 'live', 'live'],
  ['account', 'inner', 'live', 'live', 'live'],
  ['account', 'ses', 'live', 'live', 'live'],
  ['changed', 'ses', 'live', 'live', 'live'],
]
for (const [kind, id, ...expected] of verdicts) {
  test(`an end of ${kind} ${JSON.stringify(id)} before, at and after the reading: ${expected.join(', ')}`, () => {
    for (const [index, position] of [9, 10, 11].entries()) {
      const kept = createEnds(createClocks().now())
      kept.window = 3900
      learn(kept, [ended(position, kind, id)], createClocks().now())
      assert.equal(judge(kept, keys, 10), expected[index])
    }
  })
}

test('absent keys match nothing', () => {
  const kept = createEnds(createClocks().now())
  learn(
    kept,
    [ended(1, 'session', 'ses'), ended(2, 'grant', 'gra'), ended(3, 'key', 'kid')],
    createClocks().now(),
  )
  assert.equal(judge(kept, { ...keys, session: null, cookie: null, grant: null, key: null }, 0), 'live')
})

/** The rule in the words of the design, looked up in a list instead of in maps. */
function naive(entries: readonly FeedEntry[], of: StatementKeys, asOf: number): Verdict {
  const anyHit = [of.session, of.cookie, of.grant, of.key]
  const laterHit = [of.account, of.client, ...of.actors, feedKey('everyone', '')]
  if (entries.some(({ kind, key }) => kind !== 'changed' && anyHit.includes(key))) return 'dead'
  const isLater = entries.some(
    ({ position, kind, key }) =>
      position > asOf && laterHit.includes(key) && (kind !== 'changed' || of.cookie !== null),
  )
  return isLater ? 'outdated' : 'live'
}

test('the verdict is the "or" over all scopes, in whatever order and how often they come', async (t) => {
  const ids = fc.constantFrom('a', 'b')
  const entry = fc
    .record({ position: fc.integer({ min: 1, max: 12 }), kind: fc.constantFrom(...feedKinds), id: ids })
    .map(({ position, kind, id }) => ended(position, kind, kind === 'everyone' ? '' : id))
  const optional = (kind: FeedKind) => fc.option(ids.map((id) => feedKey(kind, id)))
  const statement = fc.record({
    session: optional('session'),
    cookie: optional('cookie'),
    grant: optional('grant'),
    account: ids.map((id) => feedKey('account', id)),
    client: ids.map((id) => feedKey('client', id)),
    actors: fc.array(
      ids.map((id) => feedKey('client', id)),
      { maxLength: 3 },
    ),
    key: optional('key'),
  })
  const given = fc.record({
    batches: fc.array(fc.array(entry, { maxLength: 3 }), { maxLength: 4 }),
    statement,
    asOf: fc.nat(12),
  })
  await fuzz(t, given, ({ batches, statement: of, asOf }) => {
    const now = createClocks().now()
    const kept = createEnds(now)
    kept.window = 3900
    for (const batch of batches) learn(kept, batch, now)
    assert.equal(judge(kept, of, asOf), naive(batches.flat(), of, asOf))
  })
})

test('a change of the account asks for another read of a cookie, and ends no token', () => {
  const kept = createEnds(createClocks().now())
  learn(kept, [ended(11, 'changed', 'acc')], createClocks().now())
  assert.equal(judge(kept, keys, 10), 'outdated')
  assert.equal(judge(kept, { ...keys, cookie: null }, 10), 'live')
})

test('Keycloak CVE-2026-8922 and CVE-2026-18218: an old limit of the client does not cover up a new one of everyone, nor the other way round', () => {
  // It took the newer, or only one, of two "not before" times.
  const positions = [0, 5, 10, 11, 20]
  for (const client of positions) {
    for (const everyone of positions) {
      for (const account of positions) {
        const kept = createEnds(createClocks().now())
        const given = [
          ended(client, 'client', 'cli'),
          ended(everyone, 'everyone', ''),
          ended(account, 'account', 'acc'),
        ]
        learn(kept, given, createClocks().now())
        const isOver = client > 10 || everyone > 10 || account > 10
        assert.equal(judge(kept, keys, 10), isOver ? 'outdated' : 'live', `${client} ${everyone} ${account}`)
      }
    }
  }
})

/** Seconds after which an end that was `age` seconds old is forgotten, looking at each of them. */
function keptFor(given: { kind: FeedKind; age: number; window: number; most: number }): number | null {
  const clocks = createClocks()
  const kept = createEnds(clocks.now())
  kept.window = given.window
  learn(kept, [ended(1, given.kind, 'x', given.age)], clocks.now())
  for (let seconds = 0; seconds <= given.most; seconds++) {
    forget(kept, clocks.now())
    if (kept.ends.size + kept.changes.size === 0) {
      assert.equal(kept.prints.size, 0, 'a print stayed behind')
      return seconds
    }
    clocks.pass(1)
  }
  return null
}

const forgetting: [kind: FeedKind, age: number, window: number, from: number, to: number][] = [
  ['session', 0, 330, 331, 341],
  ['session', 100, 330, 231, 241],
  ['session', 330, 330, 1, 11],
  ['session', 5000, 330, 1, 11],
  ['session', 0, 3900, 3901, 3911],
  ['changed', 0, 330, 331, 341],
  ['everyone', 0, 330, 331, 341],
]
for (const [kind, age, window, from, to] of forgetting) {
  test(`an end of ${kind} that is ${age} s old is kept for the rest of ${window} s, and not for long after`, () => {
    const seconds = keptFor({ kind, age, window, most: to + 1 })
    assert.ok(seconds !== null && seconds >= from && seconds <= to, String(seconds))
  })
}

test('of very many ends no call looks at more than a part, and all of them are forgotten before a window has passed again', () => {
  const clocks = createClocks()
  const kept = createEnds(clocks.now())
  kept.window = 330
  const many = 60_000
  learn(
    kept,
    Array.from({ length: many }, (_, index) => ended(index + 1, 'session', `session-${index}`)),
    clocks.now(),
  )
  clocks.pass(340)
  let before = many
  for (let calls = 0; kept.ends.size > 0; calls++) {
    assert.ok(calls < 70, `${kept.ends.size} are left`)
    forget(kept, clocks.now())
    assert.ok(before - kept.ends.size <= 5000, 'too many at once')
    before = kept.ends.size
    clocks.pass(1)
  }
  assert.equal(kept.prints.size, 0)
})

test('what is learnt while a round of forgetting is under way is kept for its whole time', () => {
  const clocks = createClocks()
  const kept = createEnds(clocks.now())
  kept.window = 330
  const old = Array.from({ length: 12_000 }, (_, index) => ended(index + 1, 'session', `old-${index}`))
  learn(kept, old, clocks.now())
  clocks.pass(340)
  forget(kept, clocks.now())
  learn(kept, [ended(20_000, 'session', 'ses'), ended(20_001, 'session', 'old-11999')], clocks.now())
  for (let seconds = 0; seconds < 330; seconds++) {
    forget(kept, clocks.now())
    assert.equal(judge(kept, keys, 20_002), 'dead', `forgotten after ${seconds} s`)
    clocks.pass(1)
  }
  assert.equal(kept.ends.size, 2)
})

test('a signing key that was taken back is never forgotten', () => {
  assert.equal(keptFor({ kind: 'key', age: 100_000, window: 330, most: 2000 }), null)
})

const settings: [name: string, before: number, after: number][] = [
  ['a clock that was two hours behind when the end came, and is set right', -7200, 7200],
  ['a clock that was two hours ahead when the end came, and is set right', 7200, -7200],
  ['a clock that is set forward', 0, 7200],
  ['a clock that is set back', 0, -7200],
]
for (const [name, before, after] of settings) {
  test(`no setting of the wall clock makes an end forgotten before its time: ${name}`, () => {
    const clocks = createClocks()
    clocks.setWall(before)
    const kept = createEnds(clocks.now())
    kept.window = 330
    learn(kept, [ended(1, 'session', 'ses')], clocks.now())
    clocks.setWall(after)
    for (let seconds = 0; seconds < 330; seconds++) {
      clocks.pass(1)
      forget(kept, clocks.now())
      assert.equal(judge(kept, keys, 10), 'dead', `forgotten after ${seconds} s`)
    }
  })
}

test('an end is kept while statements from before it are believed, though the wall clock was set back', () => {
  const clocks = createClocks()
  const kept = createEnds(clocks.now())
  kept.window = 330
  learn(kept, [ended(1, 'session', 'ses')], clocks.now())
  clocks.setWall(-7200)
  clocks.pass(400)
  forget(kept, clocks.now())
  assert.equal(judge(kept, keys, 10), 'dead', 'the clock that ends statements has not moved')
})

test('an end that is told again is kept as long as the later telling asks, and at its highest position', () => {
  const clocks = createClocks()
  const kept = createEnds(clocks.now())
  kept.window = 330
  learn(kept, [ended(20, 'account', 'acc')], clocks.now())
  clocks.pass(200)
  learn(kept, [ended(7, 'account', 'acc')], clocks.now())
  clocks.pass(200)
  clocks.setWall(1000)
  forget(kept, clocks.now())
  assert.equal(judge(kept, keys, 10), 'outdated')
})

test('two keys that begin alike share a print, which stays until both are forgotten', () => {
  const clocks = createClocks()
  const kept = createEnds(clocks.now())
  kept.window = 330
  const alike = (rest: string, age: number): FeedEntry => ({
    position: 1,
    kind: 'session',
    key: `AAAAA${rest.repeat(17)}`,
    age,
  })
  learn(kept, [alike('b', 0), alike('c', 200)], clocks.now())
  assert.equal(kept.prints.size, 1)
  clocks.pass(150)
  forget(kept, clocks.now())
  assert.deepEqual([kept.ends.size, kept.prints.size], [1, 1])
  clocks.pass(200)
  forget(kept, clocks.now())
  assert.deepEqual([kept.ends.size, kept.prints.size], [0, 0])
})
