import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import {
  type Admission,
  admit,
  type Checker,
  callerOf,
  createChecker,
  type Look,
  look,
  restartChecker,
} from './checker.ts'
import { readShown, sessionCookieName } from './credentials.ts'
import { judge } from './ends.ts'
import { type FeedEntry, type FeedKind, feedKey, feedKinds } from './feed.ts'
import { cookieRights, keysOf, type Statement } from './statement.ts'
import { stamp } from './steady.ts'
import { fuzz } from './testing/fuzz.ts'
import { type Clocks, createClocks, ended, start } from './testing/listening.ts'
import { stepView } from './view.ts'

type Desk = Clocks & {
  checker: Checker
  revoke(entries: readonly FeedEntry[]): void
  /** Everything up to now is known. */
  refresh(): void
  admit(given?: Partial<Statement>, more?: { credential?: string; askedAt?: number }): Admission['kind']
  look(given?: { credential?: string; maxStale?: number }): Look['kind']
}

function openDesk({ window = 3900, entries = 100 } = {}): Desk {
  const clocks = createClocks()
  const checker = createChecker({ now: clocks.now(), entries })
  const step = (event: Parameters<typeof stepView>[1]) => stepView(checker.view, event, clocks.now())
  let links = 0
  const refresh = () => {
    const [link, head] = [++links, checker.view.applied]
    step({ kind: 'opened', link, nonce: 'n' })
    step({ kind: 'hello', link, nonce: 'n', hub: 'hub', at: 0, epoch: 1, head })
    step({ kind: 'heartbeat', link, hub: 'hub', epoch: 1, head, a: 0, wall: clocks.now().wall })
  }
  if (window > 0) {
    step({ kind: 'snapshot', snapshot: { epoch: 1, position: 10, window, entries: [] } })
    refresh()
  }
  return {
    ...clocks,
    checker,
    refresh,
    revoke: (given) => step({ kind: 'revoked', epoch: 1, entries: given, wantsAck: false }),
    admit(given = {}, { credential = 'cookie', askedAt = 0 } = {}) {
      const statement = { ...cookieStatement, ...given }
      const more = { statement, keys: keysOf(statement), askedAt }
      return admit(checker, { carried: 'cookies', credential, ...more }, clocks.now()).kind
    },
    look: ({ credential = 'cookie', maxStale = 20_000 } = {}) =>
      look(checker, { carried: 'cookies', credential, maxStale }, clocks.now()).kind,
  }
}

const cookieStatement: Statement = {
  account: { id: 'acc', email: 'a@b.example' },
  session: { id: 'ses', created_at: 1, last_seen_at: 2, device: '', carrier: 'cookie', current: true },
  rights: cookieRights,
  authenticatedAt: start - 60,
  clientId: 'first-party',
  cookieId: 'coo',
  keyId: null,
  asOf: 10,
  readStart: start,
  end: start + 3600,
}

test('what was never seen is cold, what was admitted is accepted', () => {
  const { admit, look } = openDesk()
  assert.equal(look(), 'cold')
  assert.equal(admit(), 'admitted')
  assert.equal(look(), 'accept')
  assert.equal(look({ credential: 'cookie2' }), 'cold')
})

const touching: [name: string, end: FeedEntry, look: Look['kind'], again: Admission['kind']][] = [
  ['its session', ended(11, 'session', 'ses'), 'cold', 'dead'],
  ['its cookie value', ended(11, 'cookie', 'coo'), 'cold', 'dead'],
  ['its account', ended(11, 'account', 'acc'), 'cold', 'outdated'],
  ['its client', ended(11, 'client', 'first-party'), 'cold', 'outdated'],
  ['everyone', ended(11, 'everyone', ''), 'cold', 'outdated'],
  ['a change of its account', ended(11, 'changed', 'acc'), 'cold', 'outdated'],
  ['another session', ended(11, 'session', 'other'), 'accept', 'admitted'],
  ['another account', ended(11, 'account', 'other'), 'accept', 'admitted'],
  [
    'another client: which one is only known from the beginning',
    ended(11, 'client', 'other'),
    'cold',
    'admitted',
  ],
  [
    'a key that only begins like its session',
    { ...ended(11, 'session', ''), key: `${feedKey('session', 'ses').slice(0, 5)}${'x'.repeat(17)}` },
    'cold',
    'admitted',
  ],
]
for (const [name, end, looked, again] of touching) {
  test(`after an end of ${name} the entry is looked at: ${looked}; the same statement again: ${again}`, () => {
    const desk = openDesk()
    desk.admit()
    desk.revoke([end])
    assert.equal(desk.look(), looked)
    assert.equal(desk.admit(), again)
    assert.equal(desk.look(), again === 'admitted' ? 'accept' : 'cold')
  })
}

test('a fill that is slower than the end is judged, and does not put back what has ended', () => {
  const { admit, look, revoke } = openDesk()
  // Read at position 10, on its way while 11 came.
  revoke([ended(11, 'session', 'ses')])
  assert.equal(admit({ asOf: 10 }), 'dead')
  assert.equal(look(), 'cold')
})

test('who signs in again after an end of the account stays warm, however much ends elsewhere', () => {
  const { admit, look, revoke } = openDesk()
  revoke([ended(11, 'account', 'acc')])
  assert.equal(admit({ asOf: 11 }), 'admitted')
  for (let position = 12; position < 30; position++) {
    revoke([ended(position, 'session', `other ${position}`)])
    assert.equal(look(), 'accept')
  }
  revoke([ended(30, 'account', 'acc')])
  assert.equal(look(), 'cold')
})

const ages: [known: number | null, asked: number | null, maxStale: number, kind: Look['kind']][] = [
  [0, null, 3, 'accept'],
  [3, null, 2.9, 'ask'],
  [2, null, 3, 'accept'],
  [20.5, null, 20, 'ask'],
  [20.5, 1, 20, 'accept'],
  [20.5, 21, 20, 'ask'],
  [1, 30, 20, 'accept'],
  [null, null, 20, 'ask'],
  [null, 1, 20, 'accept'],
  [null, 21, 20, 'ask'],
  [100, null, Number.POSITIVE_INFINITY, 'accept'],
  [0, null, Number.NaN, 'ask'],
]
for (const [known, asked, maxStale, kind] of ages) {
  const said = `the feed is ${known ?? 'not'} s old, the answer ${asked ?? 'not'} s`
  test(`where ${said}, a route of ${maxStale} s makes it: ${kind}`, () => {
    const desk = openDesk()
    const moments = [known, asked].filter((one) => one !== null).sort((one, other) => other - one)
    let askedAt = 0
    for (const [index, moment] of moments.entries()) {
      if (moment === asked) askedAt = stamp(desk.checker.view.steady, desk.now())
      if (moment === known) desk.refresh()
      desk.pass(moment - (moments[index + 1] ?? 0))
    }
    if (known === null) desk.checker.view.freshAt = null
    desk.admit({}, { askedAt })
    assert.equal(desk.look({ maxStale: maxStale * 1000 }), kind)
  })
}

test('a feed whose clock is not believed is never fresh, but an answer to a question counts', () => {
  const desk = openDesk()
  desk.checker.view.isSkewed = true
  desk.admit()
  assert.equal(desk.look(), 'ask')
  desk.admit({}, { askedAt: stamp(desk.checker.view.steady, desk.now()) })
  assert.equal(desk.look(), 'accept')
})

const limits: [name: string, window: number, given: Partial<Statement>, asked: boolean, lasts: number][] = [
  ['its own end', 3900, {}, false, 3600],
  ['an end that it claims beyond the window', 3900, { end: start + 10_000 }, false, 3870],
  ['a short window', 330, {}, false, 300],
  ['a reading long ago', 330, { readStart: start - 290 }, false, 10],
  ['a reading before the window', 330, { readStart: start - 301 }, false, 0],
  ['an end that is over', 3900, { end: start }, false, 0],
  ['no snapshot', 0, {}, false, 0],
  ['no snapshot, but an answer', 0, {}, true, 300],
]
for (const [name, window, given, asked, lasts] of limits) {
  test(`a statement is believed for ${lasts} s where the limit is ${name}`, () => {
    const desk = openDesk({ window })
    const askedAt = asked ? stamp(desk.checker.view.steady, desk.now()) : 0
    assert.equal(desk.admit(given, { askedAt }), lasts === 0 ? 'expired' : 'admitted')
    if (lasts === 0) return
    const lenient = { maxStale: Number.POSITIVE_INFINITY }
    desk.pass(lasts - 1)
    assert.equal(desk.look(lenient), 'accept')
    desk.pass(1)
    assert.equal(desk.look(lenient), 'cold')
  })
}

test('setting the clock back gives no statement more time', () => {
  const desk = openDesk()
  desk.admit()
  desk.pass(3599)
  stepView(desk.checker.view, { kind: 'tick' }, desk.now())
  desk.setWall(-1000)
  desk.pass(1000)
  assert.equal(desk.look({ maxStale: Number.POSITIVE_INFINITY }), 'accept')
  desk.pass(1)
  assert.equal(desk.look({ maxStale: Number.POSITIVE_INFINITY }), 'cold')
})

test('after the clock was wrong nothing is kept, and an answer to a question from before is as old as it is', () => {
  const desk = openDesk()
  desk.admit()
  desk.pass(100)
  const askedAt = stamp(desk.checker.view.steady, desk.now())
  desk.pass(30)
  restartChecker(desk.checker, desk.now())
  assert.equal(desk.look(), 'cold')
  assert.deepEqual([desk.checker.view.epoch, desk.checker.view.window, desk.checker.cookies.size], [0, 0, 0])
  assert.equal(desk.admit({}, { askedAt }), 'admitted')
  assert.equal(desk.look({ maxStale: 29_000 }), 'ask')
  assert.equal(desk.look({ maxStale: 31_000 }), 'accept')
})

test('a token is found by its last characters and believed by all of them', () => {
  const { checker, now } = openDesk()
  const token = (head: string) => `${head}.payload.${'s'.repeat(86)}`
  const keys = keysOf(cookieStatement)
  const given = { carried: 'tokens', statement: cookieStatement, keys, askedAt: 0 } as const
  admit(checker, { ...given, credential: token('a') }, now())
  const kindOf = (credential: string) =>
    look(checker, { carried: 'tokens', credential, maxStale: 1e9 }, now()).kind
  assert.deepEqual(
    [kindOf(token('a')), kindOf(token('b')), kindOf('s'.repeat(32)), kindOf('')],
    ['accept', 'cold', 'cold', 'cold'],
  )
  assert.equal(kindOf(token('a')), 'accept', 'another token with the same end pushes nobody out')
})

test('a cookie and a token of the same text are two credentials', () => {
  const desk = openDesk()
  desk.admit()
  assert.equal(
    look(desk.checker, { carried: 'tokens', credential: 'cookie', maxStale: 1e9 }, desk.now()).kind,
    'cold',
  )
})

test('who sends requests stays warm while a thousand others are admitted and send none', () => {
  const { admit, look } = openDesk()
  admit({}, { credential: 'busy' })
  for (let at = 0; at < 1000; at++) {
    admit({}, { credential: `idle ${at}` })
    if (at % 40 === 0) assert.equal(look({ credential: 'busy' }), 'accept')
  }
  assert.equal(look({ credential: 'idle 0' }), 'cold')
})

test('a caller is what the statement says; with a grant it is of no session, though the token may name one', () => {
  const { checker, now } = openDesk()
  const entryOf = (statement: Statement) => {
    const given = {
      carried: 'tokens',
      credential: 't',
      statement,
      keys: keysOf(statement),
      askedAt: 0,
    } as const
    const admission = admit(checker, given, now())
    assert.ok(admission.kind === 'admitted')
    return admission.entry
  }
  const { account, session, authenticatedAt: authenticated_at } = cookieStatement
  const plain = {
    account,
    session,
    carrier: 'cookie',
    scopes: [],
    actor: null,
    grant: null,
    authenticated_at,
  }
  assert.deepEqual(callerOf(entryOf(cookieStatement)), plain)
  const rights = {
    carrier: 'bearer',
    confirmation: null,
    scopes: ['read'],
    actor: 'worker',
    actors: ['worker'],
    grant: 'gra',
  } as const
  const { confirmation: _, actors: __, ...shown } = rights
  const granted = { account, session: null, ...shown, authenticated_at }
  assert.deepEqual(callerOf(entryOf({ ...cookieStatement, rights })), granted)
})

test('warm or cold, what is accepted is what judging the whole statement would accept', async (t) => {
  const ids: Record<FeedKind, string[]> = {
    ...{ session: ['ses', 'x'], cookie: ['coo', 'x'], account: ['acc', 'x'], client: ['first-party', 'x'] },
    ...{ grant: ['x'], key: ['x'], everyone: [''], changed: ['acc', 'x'] },
  }
  const act = fc.oneof(
    fc.constantFrom(...feedKinds).chain((kind) => fc.constantFrom(...ids[kind]).map((id) => ({ kind, id }))),
    fc.constantFrom({ kind: 'look' as const }, { kind: 'admit' as const }, { kind: 'pass' as const }),
  )
  await fuzz(t, fc.array(act, { maxLength: 20 }), (story) => {
    const desk = openDesk({ window: 330 })
    let position = 10
    let admitted: Statement | null = null
    for (const one of story) {
      if (one.kind === 'pass') {
        desk.pass(100)
        stepView(desk.checker.view, { kind: 'tick' }, desk.now())
      } else if (one.kind === 'admit') {
        const readStart = Math.floor(desk.now().wall / 1000)
        const statement = { ...cookieStatement, asOf: position, readStart, end: readStart + 3600 }
        if (desk.admit(statement) === 'admitted') admitted = statement
      } else if (one.kind !== 'look') desk.revoke([ended(++position, one.kind, one.id)])
      const isAccepted = desk.look({ maxStale: Number.POSITIVE_INFINITY }) === 'accept'
      if (!isAccepted) continue
      assert.ok(admitted !== null)
      assert.equal(judge(desk.checker.view, keysOf(admitted), admitted.asOf), 'live')
      assert.ok(desk.now().wall / 1000 < admitted.readStart + 300)
    }
  })
})

test('what is remembered of a cookie is not the header that it came in', () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const [count, others] = [500, 'x'.repeat(20_000)]
  const desk = openDesk({ entries: 2 * count })
  const used = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = used()
  for (let at = 0; at < count; at++) {
    const value = `${at}`.padStart(64, 'c')
    // As it comes from a socket: one text, of which the cookie is a part.
    const header = Buffer.from(`theme=${others}${at}; ${sessionCookieName}=${value}`).toString('latin1')
    const shown = readShown({ authorization: null, cookie: header })
    assert.equal(desk.admit({}, { credential: shown?.kind === 'cookie' ? shown.value : '' }), 'admitted')
  }
  const each = (used() - before) / count
  assert.equal(desk.checker.cookies.size, count)
  assert.ok(each < 5000, `${each} bytes for each`)
})
