import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDescription } from './description.ts'

const route = (given: object) => ({ method: 'GET', type: null, fields: {}, headers: [], ...given })

test('where a refresh is described the refresh token is refresh_token, unless another member is named', () => {
  const tokenOf = (token: object) => parseDescription({ token: { sign_in: 'POST /login', ...token } }).token
  assert.equal(tokenOf({})?.refresh, null)
  assert.equal(tokenOf({ refresh_by: 'POST /refresh' })?.refresh, 'refresh_token')
  assert.equal(tokenOf({ refresh_by: 'POST /refresh', refresh: 'tokens.next' })?.refresh, 'tokens.next')
})

const balance = { request: route({ path: '/balance' }), member: 'balance' }
const effects: [string, unknown, unknown][] = [
  ['a route and a member', 'GET /balance balance', balance],
  ['a path and a deep member', '/balance a.b-c', { ...balance, member: 'a.b-c' }],
  ['an object', { request: '/balance', member: 'balance' }, balance],
  ['a route alone', 'GET /balance', { ...balance, member: null }],
  ['a path alone', '/balance', { ...balance, member: null }],
  [
    'a body and a member',
    'POST /q {"of": "me"} left',
    { request: route({ method: 'POST', path: '/q', type: 'json', fields: { of: 'me' } }), member: 'left' },
  ],
  [
    'a body alone',
    'POST /q of=me',
    { request: route({ method: 'POST', path: '/q', type: 'form', fields: { of: 'me' } }), member: null },
  ],
]
for (const [what, spelled, meant] of effects) {
  test(`an effect is spelled as ${what}`, () => {
    assert.deepEqual(parseDescription({ effect: spelled }).effect, meant)
  })
}

test('an anti-forgery value and a token are shown by a route and a member as well, and a bare token stays one', () => {
  const { csrf, token } = parseDescription({
    csrf: 'GET /form _token',
    token: { sign_in: 'POST /login', expired: 'GET /old token', other_audience: 'aaa.bbb.ccc' },
  })
  assert.deepEqual(csrf, { page: route({ path: '/form' }), field: '_token' })
  assert.deepEqual(token?.expired, { request: route({ path: '/old' }), member: 'token' })
  assert.equal(token?.other_audience, 'aaa.bbb.ccc')
})

test('whether a target takes proofs is said by true or false, and it takes none unless it says so', () => {
  const proofOf = (proof: object) =>
    parseDescription({ token: { sign_in: 'POST /login', ...proof } }).token?.proof
  assert.deepEqual([proofOf({}), proofOf({ proof: false }), proofOf({ proof: true })], [false, false, true])
  for (const proof of ['true', 1, null, {}])
    assert.throws(() => proofOf({ proof }), /not understood at token\.proof/)
})

for (const effect of [
  '',
  'balance',
  'GET balance',
  'GET //evil.example balance',
  7,
  { request: '/balance' },
]) {
  test(`an effect that is ${JSON.stringify(effect)} is refused by its place`, () => {
    assert.throws(() => parseDescription({ effect }), /not understood at effect/)
  })
}
