import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseClaims, parseJsonObject } from './json.ts'
import { fuzz } from './testing/fuzz.ts'
import { readUsualClaims } from './usual-claims.ts'

const claims = {
  iss: 'https://auth.example',
  sub: 'Rm9yIEFkYSBhbG9uZS4uLg',
  aud: 'https://auth.example',
  exp: 1_790_000_300,
  iat: 1_790_000_000,
  jti: 'b25lIG9mIG1hbnkgdG9rZQ',
  client_id: 'first-party',
  sid: 'YSBzZXNzaW9uIG9mIGhlcg',
  scope: '',
  auth_time: 1_789_999_000,
  amr: ['pwd', 'otp'],
  as_of: 42,
}
const bytes = (text: string) => new TextEncoder().encode(text)
const payload = (changes: object = {}) => JSON.stringify({ ...claims, ...changes })

test('the claims that our server writes are read as they were written', () => {
  // A later life of the feed begins where an earlier one never came to.
  const positions = [0, 1_790_000_000_000_042, Number.MAX_SAFE_INTEGER].map((as_of) => ({ as_of }))
  for (const changes of [{}, ...positions, { amr: ['pwd'] }, { scope: 'a b' }, { iss: '' }])
    assert.deepEqual(readUsualClaims(bytes(payload(changes))), { ...claims, ...changes })
})

test('a payload is written over by the next one, and each says what is its own', () => {
  const place = Buffer.alloc(1000)
  const read = (changes: object) => {
    const text = payload(changes)
    return readUsualClaims(place.subarray(0, place.write(text)))
  }
  const first = read({ iss: 'https://one.example', client_id: 'first' })
  const second = read({ iss: 'https://two.example', client_id: 'other' })
  assert.deepEqual([first?.iss, first?.client_id], ['https://one.example', 'first'])
  assert.deepEqual([second?.iss, second?.client_id], ['https://two.example', 'other'])
  assert.equal(read({ iss: 'https://one.example' })?.iss, 'https://one.example')
  // What is found again begins with a quote and ends with one.
  assert.equal(read({ iss: 'https://one.example:8443' })?.iss, 'https://one.example:8443')
  assert.equal(read({ iss: 'https://one.exampl' })?.iss, 'https://one.exampl')
})

test('what throws on the way leaves nothing behind: no value is ever read as another', () => {
  const about = (aud: string) => bytes(payload({ aud }))
  const [theirs, mine] = ['https://theirs.example', 'https://mine.example']
  assert.equal(readUsualClaims(about(theirs))?.aud, theirs)
  const exhausted = Object.assign(about(mine), {
    subarray: () => {
      throw new RangeError('Maximum call stack size exceeded')
    },
  })
  assert.throws(() => readUsualClaims(exhausted), RangeError)
  assert.equal(readUsualClaims(about(theirs))?.aud, theirs)
  assert.equal(readUsualClaims(about(mine))?.aud, mine)
})

const { iss: _, ...headless } = claims
const text = JSON.stringify(claims)
for (const [what, other] of [
  ['nothing', ''],
  ['an empty object', '{}'],
  ['a list', `[${text}]`],
  ['one member fewer in front', JSON.stringify(headless)],
  ['one member more at the end', JSON.stringify({ ...claims, cnf: { jkt: 'x' } })],
  ['another order', JSON.stringify({ ...headless, iss: claims.iss })],
  ['another name', text.replace('"sid"', '"sie"')],
  ['a name in another case', text.replace('"aud"', '"Aud"')],
  ['a member that comes twice', text.replace('"sub"', `"iss":"${claims.iss}","sub"`)],
  ['no end', text.slice(0, -1)],
  ['something after the end', `${text} `],
  ['something in front', ` ${text}`],
  ['a space behind a comma', text.replace(',"jti"', ', "jti"')],
  ['a space behind a colon', text.replace('"jti":', '"jti": ')],
  ['an escape', text.replace('first', String.raw`\u0066irst`)],
  ['an escaped quote', text.replace('first', String.raw`\"`)],
  ['a letter outside ASCII', text.replace('first', 'f\u00efrst')],
  ['a control character', text.replace('first', 'f\nrst')],
  ['a text without an end', text.slice(0, text.indexOf('first') + 3)],
  ['a number for a text', text.replace(`"${claims.sub}"`, '7')],
  ['null for a session', text.replace(`"${claims.sid}"`, 'null')],
  ['a text for a number', text.replace('1790000300', '"1790000300"')],
  ['a list of one audience', JSON.stringify({ ...claims, aud: [claims.aud] })],
  ['a negative number', text.replace(':42', ':-42')],
  ['a zero in front', text.replace(':42', ':042')],
  ['a fraction', text.replace(':42', ':42.0')],
  ['an exponent', text.replace(':42', ':42e0')],
  ['a number that is not exact', text.replace(':42', ':9007199254740993')],
  ['a number of seventeen digits', text.replace(':42', ':10000000000000000')],
  ['a number of hundreds of digits', text.replace(':42', `:${'9'.repeat(400)}`)],
  ['no number', text.replace(':42', ':')],
  ['an empty list', JSON.stringify({ ...claims, amr: [] })],
  ['a list that holds a number', JSON.stringify({ ...claims, amr: ['pwd', 7] })],
  ['a list with a comma too many', text.replace('"otp"]', '"otp",]')],
  ['a list without an end', text.replace('"otp"]', '"otp"')],
  ['a long list', JSON.stringify({ ...claims, amr: Array.from({ length: 9 }, () => 'pwd') })],
  ['a text where the list should be', JSON.stringify({ ...claims, amr: 'pwd' })],
] as const) {
  test(`${what} is left to the parser that reads everything`, () => {
    assert.equal(readUsualClaims(bytes(other)), null)
    assert.equal(JSON.stringify(parseClaims(bytes(other))), JSON.stringify(parseJsonObject(other)))
  })
}

const someText = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 6 }))
const somebody = fc.record({
  ...{ iss: fc.oneof(fc.constantFrom('https://a.example', 'https://b.example'), someText) },
  ...{ sub: someText, aud: someText, jti: someText, client_id: someText, sid: someText, scope: someText },
  ...{ exp: fc.maxSafeNat(), iat: fc.nat(), auth_time: fc.double(), as_of: fc.integer() },
  amr: fc.array(someText, { maxLength: 10 }),
})
const inOrder = somebody.map((changes) => JSON.stringify({ ...claims, ...changes }))
const piece = fc.oneof(
  fc.constantFrom(
    '"',
    ',',
    ':',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ' ',
    '0',
    '1',
    '-',
    '.',
    'e',
    'null',
    '\u00e9',
    '\u007f',
  ),
  fc.string({ maxLength: 3 }),
)
const damaged = fc
  .tuple(fc.oneof(fc.constant(text), inOrder), fc.nat(), fc.nat({ max: 3 }), piece)
  .map(([whole, where, length, put]) => {
    const at = where % (whole.length + 1)
    return whole.slice(0, at) + put + whole.slice(at + length)
  })

test('whatever is read in this way is what the parser that reads everything makes of it', async (t) => {
  const seen = { usual: 0, others: 0 }
  const place = Buffer.alloc(4096)
  await fuzz(t, fc.oneof(inOrder, damaged), (given) => {
    const found = readUsualClaims(place.subarray(0, place.write(given)))
    seen[found === null ? 'others' : 'usual']++
    if (found !== null) assert.equal(JSON.stringify(found), JSON.stringify(parseJsonObject(given)), given)
  })
  assert.ok(seen.usual > 500 && seen.others > 500, JSON.stringify(seen))
})
