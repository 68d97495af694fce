import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  authorizationOf,
  cookieOf,
  credentialOf,
  guardIncoming,
  type IncomingRequest,
  sentHeader,
} from './incoming.ts'

const name = '__Host-Http-session'
const own = { origin: 'https://bank.example', allowedOrigins: [] }
const cross = ['Origin', 'https://evil.example']

/** As node:http hands it over. `record`: what a framework has made of the headers since. */
const sent = (rawHeaders: string[], record: Record<string, string> = {}): IncomingRequest => ({
  method: 'POST',
  url: '/payments',
  headers: record,
  rawHeaders,
})

const cookies: [what: string, request: IncomingRequest, expected: string | null][] = [
  ['none', sent(['Host', 'bank.example']), null],
  ['one, in whatever letters its name is written', sent(['cOOkIE', 'a=1; b=2']), 'a=1; b=2'],
  ['two lines are one list', sent(['Cookie', 'a=1', 'cookie', 'b=2']), 'a=1; b=2'],
  ['one that a framework put there itself', sent(['Host', 'bank.example'], { cookie: 'a=1' }), 'a=1'],
  ['what was sent goes before what was put there', sent(['Cookie', 'a=1'], { cookie: 'b=2' }), 'a=1'],
  ['a web request has no list', { headers: new Headers({ cookie: 'a=1' }) }, 'a=1'],
  ['an odd list ends before the name without a value', sent(['Cookie', 'a=1', 'Cookie']), 'a=1'],
]
for (const [what, request, expected] of cookies)
  test(`cookies: ${what}`, () => assert.equal(cookieOf(request), expected))

test('two Authorization lines are two, which a record of headers would have made one', () => {
  assert.equal(
    authorizationOf(sent(['Authorization', 'Bearer a', 'Authorization', 'Bearer b'])),
    'Bearer a, Bearer b',
  )
})

test('the guard sees every session cookie that the check sees, wherever it stands', () => {
  const shown: IncomingRequest[] = [
    sent(['Cookie', `${name}=abc`, ...cross]),
    sent(['Cookie', 'a=1', 'Cookie', `${name}=abc`, ...cross]),
    sent(cross, { cookie: `${name}=abc` }),
  ]
  for (const request of shown) {
    assert.deepEqual(credentialOf(request), { kind: 'cookie', value: 'abc' })
    assert.throws(() => guardIncoming(withRecord(request), own), { code: 'forged_request' })
  }
})

/** Node's own record, beside what the list says. */
function withRecord(request: IncomingRequest): IncomingRequest {
  return { ...request, headers: { origin: cross[1], ...request.headers } as Record<string, string> }
}

test('a session cookie in two lines is doubled: nobody is signed in by it, and the guard still counts it', () => {
  const request = sent(['Cookie', `${name}=abc`, 'Cookie', `${name}=def`])
  assert.equal(credentialOf(request), null)
  assert.throws(() => guardIncoming(request, own), { code: 'forged_request' })
})

test('of a header’s name letters have two cases, and no other sign is another’s', () => {
  const request = sent(['AuthoriZation', 'a', 'x^y', 'b', 'x_y', 'c', 'X\u0001', 'd', '\u212aey', 'e'])
  const asked = ['authorization', 'x^y', 'x_y', 'x~y', 'x\u007fy', 'x!', 'key']
  assert.deepEqual(
    asked.map((one) => sentHeader(request, one)),
    ['a', 'b', 'c', null, null, null, null],
  )
})
