import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseKeySet } from './key-set.ts'
import { ed25519Key, es256Key, rs256Key } from './testing/signed.ts'

const es = es256Key.jwk
const setOf = (...keys: readonly unknown[]) => JSON.stringify({ keys })

test('a set is read from text, bytes and an object alike', () => {
  const text = setOf(es, ed25519Key.jwk, rs256Key.jwk)
  for (const input of [text, new TextEncoder().encode(text), { keys: [es, ed25519Key.jwk, rs256Key.jwk] }]) {
    const keys = parseKeySet(input)
    assert.deepEqual([...(keys?.keys() ?? [])], ['key-ES256', 'key-Ed25519', 'key-RS256'])
    assert.equal(keys?.get('key-RS256')?.algorithm, 'RS256')
  }
})

test('an empty set is a set without keys', () => assert.equal(parseKeySet('{"keys":[]}')?.size, 0))

test('kids are data: __proto__ finds nothing unless a key is called so', () => {
  assert.equal(parseKeySet(setOf(es))?.get('__proto__'), undefined)
  assert.equal(parseKeySet(setOf({ ...es, kid: '__proto__' }))?.get('__proto__')?.algorithm, 'ES256')
})

for (const [what, other] of [
  ['an algorithm that we do not take', { ...es, kid: 'b', alg: 'ES384' }],
  ['a type that we do not know', { kty: 'AKP', kid: 'b', alg: 'ML-DSA-44', pub: 'AAAA' }],
  ['no algorithm', { ...es, kid: 'b', alg: undefined }],
  ['encryption', { ...es, kid: 'b', alg: 'ECDH-ES', use: 'enc' }],
] as const) {
  test(`a key for ${what} is passed over, the others are taken`, () => {
    assert.deepEqual([...(parseKeySet(setOf(es, other))?.keys() ?? [])], ['key-ES256'])
  })
}

for (const [what, text] of [
  ['no JSON', 'keys'],
  ['no keys', '{}'],
  ['keys that are an object', '{"keys":{}}'],
  ['a bare key', JSON.stringify(es)],
  ['a list', JSON.stringify([es])],
  ['keys named twice', `{"keys":[],"keys":[${JSON.stringify(es)}]}`],
  ['an entry that is text', setOf(es, 'x')],
  ['an entry that is null', setOf(es, null)],
  ['an entry that is a list', setOf(es, [])],
  ['a key without kid', setOf(es, { ...ed25519Key.jwk, kid: undefined })],
  ['an empty kid', setOf(es, { ...ed25519Key.jwk, kid: '' })],
  ['a kid that is a number', setOf(es, { ...ed25519Key.jwk, kid: 1 })],
  ['one kid twice', setOf(es, { ...ed25519Key.jwk, kid: es.kid })],
  ['one kid twice, once on a key that is passed over', setOf(es, { kty: 'AKP', kid: es.kid })],
  ['the same key twice', setOf(es, es)],
  ['a private key', setOf(es, { ...ed25519Key.jwk, d: 'AAAA' })],
  ['a private key of a type that we do not know', setOf(es, { kty: 'AKP', kid: 'b', priv: 'AAAA' })],
  ['a symmetric key', setOf(es, { kty: 'oct', kid: 'b', alg: 'HS256', k: 'AAAA' })],
  ['a symmetric key without its value', setOf(es, { kty: 'oct', kid: 'b' })],
  ['a key that is not good for its algorithm', setOf(es, { ...ed25519Key.jwk, alg: 'ES256' })],
  ['a signing key for encryption', setOf(es, { ...ed25519Key.jwk, use: 'enc' })],
] as const) {
  test(`${what} refuses the whole set`, () => assert.equal(parseKeySet(text), null))
}
