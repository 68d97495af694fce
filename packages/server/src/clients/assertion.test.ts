import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseKeySet, Refusal } from '@counterfoil/verifier'
import { clientKey } from '../testing/client-key.ts'
import { judgeAssertion, readAssertion } from './assertion.ts'

const issuer = 'https://auth.example'
const clientId = 'worker'
const now = 1_800_000_000
const [key, other] = [await clientKey(), await clientKey()]
const keys = parseKeySet(key.jwks) ?? assert.fail()
const usual = { clientId, issuer, now, jti: 'once' }

const judge = (text: string, more: { keys?: typeof keys } = {}) => {
  const assertion = readAssertion(text)
  return assertion === null ? null : judgeAssertion(assertion, { keys, issuer, now, ...more })
}

const isRefused = (error: unknown) => error instanceof Refusal && error.code === 'client_invalid'

for (const algorithm of ['ES256', 'Ed25519', 'RS256'] as const) {
  test(`an assertion signed with ${algorithm} by the registered key is taken`, async () => {
    const own = await clientKey(algorithm)
    const taken = judge(own.assertion(usual), { keys: parseKeySet(own.jwks) ?? assert.fail() })
    assert.deepEqual(taken, { jti: 'once', expiresAt: now + 60 })
  })
}

const taken: [name: string, given: { header?: object; claims?: object }][] = [
  ['of no type', { header: { typ: undefined } }],
  ['of the type JWT', { header: { typ: 'JWT' } }],
  ['of its own type as a whole media type', { header: { typ: 'application/client-authentication+jwt' } }],
  ['without a kid, of a client with one key', { header: { kid: undefined } }],
  ['without iat', { claims: { iat: undefined } }],
  ['by a clock that is ten seconds ahead', { claims: { iat: now + 10, nbf: now + 10, exp: now + 310 } }],
  ['with members that nobody knows', { claims: { extra: { deep: [1] } } }],
]
for (const [name, given] of taken) {
  test(`an assertion ${name} is taken`, () => {
    assert.equal(judge(key.assertion({ ...usual, ...given }))?.jti, 'once')
  })
}

const unreadable: [name: string, text: string][] = [
  ['nothing', ''],
  ['two parts', 'a.b'],
  ['an access token', key.assertion({ ...usual, header: { typ: 'at+jwt' } })],
  ['a proof of possession', key.assertion({ ...usual, header: { typ: 'dpop+jwt' } })],
  ['a type that is no text', key.assertion({ ...usual, header: { typ: 1 } })],
  ['a critical extension', key.assertion({ ...usual, header: { crit: ['exp'] } })],
  ['no sub', key.assertion({ ...usual, claims: { sub: undefined } })],
  ['an empty sub', key.assertion({ ...usual, claims: { sub: '', iss: '' } })],
  ['a sub that is a list', key.assertion({ ...usual, claims: { sub: [clientId], iss: [clientId] } })],
  ['another iss than sub', key.assertion({ ...usual, claims: { iss: 'other' } })],
]
for (const [name, text] of unreadable) {
  test(`an assertion of ${name} names no client`, () => {
    assert.equal(readAssertion(text), null)
  })
}

const refused: [name: string, given: { header?: object; claims?: object }][] = [
  ['for another server', { claims: { aud: 'https://other.example' } }],
  ['for the token endpoint', { claims: { aud: `${issuer}/oauth/token` } }],
  ['for the issuer with a slash', { claims: { aud: `${issuer}/` } }],
  ['for the issuer in a list', { claims: { aud: [issuer] } }],
  ['for two servers', { claims: { aud: [issuer, 'https://other.example'] } }],
  ['for nobody', { claims: { aud: undefined } }],
  ['from a clock that is eleven seconds ahead', { claims: { iat: now + 11, exp: now + 60 } }],
  ['for later', { claims: { nbf: now + 11 } }],
  ['with an iat in text', { claims: { iat: String(now) } }],
  ['that has ended', { claims: { exp: now } }],
  ['that ends in more than five minutes', { claims: { exp: now + 311 } }],
  ['that never ends', { claims: { exp: undefined } }],
  ['that ends at no number', { claims: { exp: '1800000060' } }],
  ['without a jti', { claims: { jti: undefined } }],
  ['with an empty jti', { claims: { jti: '' } }],
  ['with a jti that is a number', { claims: { jti: 7 } }],
  ['with a jti of 257 characters', { claims: { jti: 'j'.repeat(257) } }],
  ['under another kid', { header: { kid: 'other' } }],
  ['under a kid of the prototype', { header: { kid: '__proto__' } }],
  ['under a kid that is no text', { header: { kid: 1 } }],
  ['without a signature algorithm', { header: { alg: 'none' } }],
  ['with the algorithm of another kind of key', { header: { alg: 'RS256' } }],
  ['with a shared-secret algorithm', { header: { alg: 'HS256' } }],
]
for (const [name, given] of refused) {
  test(`an assertion ${name} is refused`, () => {
    assert.throws(() => judge(key.assertion({ ...usual, ...given })), isRefused)
  })
}

test('an assertion by a key that the client did not register is refused, whatever its header offers', () => {
  const { kid } = key.jwk
  for (const header of [
    {},
    { kid },
    { kid: undefined },
    { kid, jwk: other.jwk, jku: 'https://evil.example/keys' },
  ])
    assert.throws(() => judge(other.assertion({ ...usual, header })), isRefused)
})

test('a client with two keys has to say which one', () => {
  const two = parseKeySet(JSON.stringify({ keys: [key.jwk, other.jwk] })) ?? assert.fail()
  assert.equal(judge(other.assertion(usual), { keys: two })?.jti, 'once')
  assert.throws(
    () => judge(other.assertion({ ...usual, header: { kid: undefined } }), { keys: two }),
    isRefused,
  )
  assert.throws(
    () => judge(other.assertion({ ...usual, header: { kid: key.jwk.kid } }), { keys: two }),
    isRefused,
  )
})

test('an assertion that was changed after it was signed is refused', () => {
  const [head = '', body = '', tag = ''] = key.assertion(usual).split('.')
  const changed = Buffer.from(
    JSON.stringify({ iss: 'worker', sub: 'worker', aud: issuer, exp: now + 300, jti: 'x' }),
  )
  assert.throws(() => judge(`${head}.${changed.toString('base64url')}.${tag}`), isRefused)
  assert.throws(() => judge(`${head}.${body}.${tag.startsWith('A') ? 'B' : 'A'}${tag.slice(1)}`), isRefused)
})
