import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createEventText, readEvents, type ServerSentEvent } from './server-sent-events.ts'
import { fuzz } from './testing/fuzz.ts'

function read(...chunks: readonly string[]): readonly ServerSentEvent[] | null {
  const text = createEventText(10_000)
  const found: ServerSentEvent[] = []
  for (const chunk of chunks) {
    const events = readEvents(text, chunk)
    if (events === null) return null
    found.push(...events)
  }
  return found
}

const message = (data: string, more: Partial<ServerSentEvent> = {}): ServerSentEvent => {
  return { event: 'message', data, id: null, ...more }
}

const streams: [what: string, chunks: string[], found: ServerSentEvent[]][] = [
  ['one event', ['data: a\n\n'], [message('a')]],
  ['an event with all its fields', ['id: 7\nevent: e\ndata: a\n\n'], [message('a', { id: '7', event: 'e' })]],
  ['CRLF', ['data: a\r\n\r\ndata: b\r\n\r\n'], [message('a'), message('b')]],
  ['CR alone', ['data: a\r\rdata: b\r\r'], [message('a'), message('b')]],
  ['CRLF that is cut in two', ['data: a\r', '\ndata: b\r', '\n\r', '\n'], [message('a\nb')]],
  ['a chunk for each character', [...'id:1\r\ndata:x\r\n\r\n'], [message('x', { id: '1' })]],
  ['an empty chunk between CR and LF', ['data: a\r', '', '\n\n'], [message('a')]],
  ['several lines of data', ['data: a\ndata:\ndata:  b\n\n'], [message('a\n\n b')]],
  ['comments and unknown fields', [': hello\nretry: 1\nother: x\ndata: a\n\n'], [message('a')]],
  ['a field without a colon', ['data\n\n'], [message('')]],
  ['no data, no event', ['event: e\nid: 1\n\ndata: a\n\n'], [message('a')]],
  [
    'an id that is not carried over',
    ['id: 1\ndata: a\n\ndata: b\n\n'],
    [message('a', { id: '1' }), message('b')],
  ],
  ['an id with NUL, which is none', ['id: 1\0\ndata: a\n\n'], [message('a')]],
  ['an event that is not over', ['data: a\n\ndata: b\n'], [message('a')]],
]
for (const [what, chunks, found] of streams) {
  test(`${what} is read as the specification says`, () => assert.deepEqual(read(...chunks), found))
}

test('an event without an end is given up, whether in one line or in many', () => {
  assert.equal(read(`data: ${'x'.repeat(10_001)}`), null)
  assert.equal(read(...Array.from({ length: 1200 }, () => 'data: 12345678\n')), null)
  // What is over makes room for the next.
  assert.equal(read(...Array.from({ length: 1200 }, () => 'data: 12345678\n\n'))?.length, 1200)
})

test('a long line in small pieces takes no longer than its length', () => {
  const text = createEventText(50_000_000)
  const piece = 'x'.repeat(100)
  readEvents(text, 'data: ')
  for (let count = 0; count < 100_000; count++) assert.deepEqual(readEvents(text, piece), [])
  assert.equal(readEvents(text, '\n\n')?.[0]?.data.length, 10_000_000)
})

const line = fc.string({ unit: fc.constantFrom(...'abc: 1\0{"\u00e4\u{1f600}'), maxLength: 12 })
const field = fc.constantFrom('data: ', 'data:', 'event: ', 'id: ', ':', 'other: ', '')
const lineEnd = fc.constantFrom('\n', '\r', '\r\n')
const stream = fc
  .array(fc.tuple(field, line, lineEnd, fc.boolean()), { maxLength: 20 })
  .map((lines) => lines.map(([name, text, end, closes]) => name + text + end + (closes ? end : '')).join(''))

test('however a stream is cut into chunks, the same events are read', async (t) => {
  let seen = 0
  await fuzz(t, fc.tuple(stream, fc.array(fc.nat(60), { maxLength: 10 })), ([text, cuts]) => {
    const whole = read(text)
    const at = [...new Set(cuts.map((cut) => Math.min(cut, text.length)))].sort((a, b) => a - b)
    const chunks = [0, ...at].map((start, index) => text.slice(start, at[index] ?? text.length))
    assert.deepEqual(read(...chunks), whole)
    assert.deepEqual(read(...text.split('')), whole)
    // Every line end means the same.
    assert.deepEqual(read(text.replaceAll(/\r\n?/g, '\n')), whole)
    seen += whole?.length ?? 0
  })
  assert.ok(seen > 5000, `${seen} events`)
})
