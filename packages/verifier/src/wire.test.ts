import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type FeedEntry, feedKinds } from './feed.ts'
import { cookieRights, type Statement } from './statement.ts'
import { fuzz } from './testing/fuzz.ts'
import {
  readLog,
  readMessage,
  readSnapshot,
  readStatement,
  readStatements,
  type StreamMessage,
  writeEntries,
  writeMessage,
  writeStatement,
  writeStatements,
} from './wire.ts'

const count = fc.oneof(fc.nat(100), fc.maxSafeNat())
const name = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.~!"\\'), minLength: 1, maxLength: 128 })
const time = fc.double({ min: 0, max: 1e15, noNaN: true })
const entry: fc.Arbitrary<FeedEntry> = fc.record({
  position: count,
  kind: fc.constantFrom(...feedKinds),
  key: fc.string({ unit: fc.constantFrom(...'aZ9-_'), minLength: 22, maxLength: 22 }),
  age: count,
})
const message: fc.Arbitrary<StreamMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('hello' as const),
    hub: name,
    nonce: name,
    at: time,
    epoch: count,
    head: count,
  }),
  fc.record({
    kind: fc.constant('revoked' as const),
    epoch: count,
    entries: fc.array(
      entry.map((one) => ({ ...one })),
      { maxLength: 3 },
    ),
    wantsAck: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('heartbeat' as const),
    hub: name,
    epoch: count,
    head: count,
    a: time,
    wall: time,
  }),
)
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
const statement: fc.Arbitrary<Statement> = fc
  .record({
    account: text,
    email: text,
    session: text,
    device: fc.string({ unit: 'grapheme' }),
    client: text,
    cookieId: text,
    counts: fc.array(count, { minLength: 6, maxLength: 6 }),
  })
  .map(({ account, email, session, device, client, cookieId, counts }) => {
    const [created_at = 0, last_seen_at = 0, authenticatedAt = 0, asOf = 0, readStart = 0, end = 0] = counts
    return {
      account: { id: account, email },
      session: { id: session, created_at, last_seen_at, device, carrier: 'cookie', current: true },
      rights: cookieRights,
      ...{ authenticatedAt, clientId: client, cookieId, keyId: null, asOf, readStart, end },
    }
  })

test('a message that is written is read as the same, from one line of data', async (t) => {
  await fuzz(t, message, (drawn) => {
    const given = { ...drawn }
    const { event, data } = writeMessage(given)
    assert.doesNotMatch(data, /[\r\n]/)
    assert.deepEqual(readMessage(event, data), given)
  })
})

test('a snapshot and a log are read as they were written', async (t) => {
  const given = fc.record({
    epoch: count,
    position: count,
    window: count,
    entries: fc.array(
      entry.map((one) => ({ ...one })),
      { maxLength: 4 },
    ),
  })
  await fuzz(t, given, (drawn) => {
    const snapshot = { ...drawn }
    const entries = writeEntries(snapshot.entries)
    assert.deepEqual(readSnapshot(JSON.stringify({ ...snapshot, entries })), snapshot)
    const { epoch } = snapshot
    assert.deepEqual(readLog(JSON.stringify({ epoch, entries })), { epoch, entries: snapshot.entries })
  })
})

test('a statement that is written is read as the same', async (t) => {
  await fuzz(t, statement, (given) => assert.deepEqual(readStatement(writeStatement(given)), given))
})

test('several statements that are written are read as the same, and only as so many', async (t) => {
  const several = fc.array(fc.option(statement), { maxLength: 5 })
  await fuzz(t, several, (given) => {
    const text = writeStatements(given)
    assert.deepEqual(readStatements(text, given.length), given)
    assert.equal(readStatements(text, given.length + 1), null)
  })
  for (const text of ['{}', '{"statements":{}}', '{"statements":[1]}', '{"statements":[{}]}', 'x'])
    assert.equal(readStatements(text, 1), null, text)
})

test('a cookie without a session is told as null, which is not the same as an answer that cannot be read', () => {
  assert.equal(readStatement(writeStatement(null)), null)
  assert.equal(readStatement('{}'), undefined)
})

const key = 'A'.repeat(22)
const good = {
  hello: { hub: 'h', nonce: 'n', at: 1.5, epoch: 1, head: 0 },
  revoked: { epoch: 1, entries: [[1, 'session', key, 0]], wants_ack: false },
  heartbeat: { hub: 'h', epoch: 1, head: 0, a: 1.5, wall: 1e12 },
}
const bad: Record<string, readonly unknown[]> = {
  hub: [undefined, null, '', 'a b', 'ä', 'x'.repeat(129), 1],
  nonce: [undefined, '', 'a\nb', 1],
  at: [undefined, null, -1, '1'],
  epoch: [undefined, null, -1, 1.5, 2 ** 53, '1'],
  head: [undefined, -1, 1.5, 2 ** 53, '1'],
  a: [undefined, -0.5, '1', null],
  wall: [undefined, -1, '1'],
  entries: [
    ...[undefined, null, {}, 'x', [null], [[]], [[1, 'session', key]], [[1, 'session', key, 0, 0]]],
    ...[[[-1, 'session', key, 0]], [[1.5, 'session', key, 0]], [['1', 'session', key, 0]]],
    ...[[[1, 'sessions', key, 0]], [[1, '__proto__', key, 0]], [[1, null, key, 0]]],
    ...[
      [[1, 'session', `${key}A`, 0]],
      [[1, 'session', key.slice(1), 0]],
      [[1, 'session', `${key.slice(1)}+`, 0]],
    ],
    ...[[[1, 'session', `${key.slice(1)}\n`, 0]], [[1, 'session', key, -1]], [[1, 'session', key, null]]],
    [[1, 'session', key, 0], [2]],
  ],
}
for (const [event, body] of Object.entries(good)) {
  test(`a ${event} is refused whole where one member is malformed; unknown members pass`, () => {
    assert.notEqual(readMessage(event, JSON.stringify(body)), null)
    assert.notEqual(readMessage(event, JSON.stringify({ ...body, later: [1] })), null)
    for (const [member, values] of Object.entries(bad)) {
      if (!Object.hasOwn(body, member)) continue
      for (const value of values) {
        const data = JSON.stringify({ ...body, [member]: value })
        assert.equal(readMessage(event, data), null, data)
      }
    }
  })
}

test('what is not a message of ours is none: other names, other JSON, JSON that can be read in two ways', () => {
  const { hello } = good
  const data = JSON.stringify(hello)
  const others: [event: string, data: string][] = [
    ['message', data],
    ['', data],
    ['Hello', data],
    ['heartbeat', data],
    ['constructor', data],
    ...['', 'null', '[]', '"hello"', `${data}${data}`, `${data},`, `\ufeff${data}`].map(
      (text): [string, string] => ['hello', text],
    ),
    ['hello', data.replace('{', '{"epoch":2,')],
  ]
  for (const [event, text] of others) assert.equal(readMessage(event, text), null, `${event} ${text}`)
})

const statementBody = {
  ...{ account: { id: 'a', email: 'e' }, session: { id: 's', created_at: 1, last_seen_at: 1, device: '' } },
  ...{ client_id: 'c', cookie_id: 'k', authenticated_at: 1, as_of: 0, read_start: 1, end: 2 },
}
test('a statement is refused whole where one member is malformed', () => {
  const read = (body: unknown) => readStatement(JSON.stringify({ statement: body }))
  assert.notEqual(read(statementBody), undefined)
  for (const member of ['client_id', 'cookie_id']) {
    for (const value of [undefined, null, '', 1])
      assert.equal(read({ ...statementBody, [member]: value }), undefined)
  }
  for (const member of ['authenticated_at', 'as_of', 'read_start', 'end']) {
    for (const value of [undefined, null, -1, 1.5, '1']) {
      assert.equal(read({ ...statementBody, [member]: value }), undefined, member)
    }
  }
  const { account, session } = statementBody
  for (const changed of [null, [], {}, { ...account, id: '' }, { ...account, email: null }]) {
    assert.equal(read({ ...statementBody, account: changed }), undefined)
  }
  for (const changed of [
    null,
    {},
    { ...session, id: 1 },
    { ...session, created_at: null },
    { ...session, device: null },
  ]) {
    assert.equal(read({ ...statementBody, session: changed }), undefined)
  }
  for (const body of [undefined, [], 'x', 1, true]) assert.equal(read(body), undefined)
})

test('no text whatever makes a reader throw', async (t) => {
  const damaged = fc
    .record({
      given: message,
      at: fc.nat(),
      cut: fc.nat(3),
      put: fc.constantFrom('', '"', '{', ']', ',', '1e999', '\\', '\ud800'),
    })
    .map(({ given, at, cut, put }) => {
      const { event, data } = writeMessage(given)
      const start = at % (data.length + 1)
      return { event, data: data.slice(0, start) + put + data.slice(start + cut) }
    })
  const noise = fc.record({
    event: fc.constantFrom('hello', 'revoked', 'heartbeat', ''),
    data: fc.string({ unit: 'binary' }),
  })
  await fuzz(t, fc.oneof(damaged, noise), ({ event, data }) => {
    readMessage(event, data)
    readSnapshot(data)
    readLog(data)
    readStatement(data)
  })
})
