import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { clientKey } from '../testing/client-key.ts'
import { readScope } from './client.ts'
import { checkedKeys, checkedScope } from './registration.ts'

const hash = (value: string) => createHash('sha256').update(value).digest('base64url')
const read = (given: object) => JSON.parse(checkedKeys(JSON.stringify(given), hash)).keys
const [ec, ed, rsa] = [await clientKey('ES256'), await clientKey('Ed25519'), await clientKey('RS256')]
const without = (jwk: Readonly<Record<string, string>>, ...names: string[]) =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)))

test('a set of keys is taken as it is, and one key as a set of one', () => {
  assert.deepEqual(read({ keys: [ec.jwk, ed.jwk, rsa.jwk] }), [ec.jwk, ed.jwk, rsa.jwk])
  assert.deepEqual(read(ec.jwk), [ec.jwk])
})

test('what follows from a key is filled in: its thumbprint, and its algorithm where there is only one', () => {
  for (const { jwk } of [ec, ed]) assert.deepEqual(read(without(jwk, 'kid', 'alg'))[0], jwk)
  assert.deepEqual(read(without(rsa.jwk, 'kid'))[0], rsa.jwk)
})

const refused: [name: string, text: string, why: RegExp][] = [
  ['no JSON', 'keys', /strict JSON/],
  ['a list', '[]', /strict JSON/],
  ['no keys', '{"keys":[]}', /between 1 and 10/],
  ['eleven keys', JSON.stringify({ keys: Array(11).fill(ec.jwk) }), /between 1 and 10/],
  ['a private key', JSON.stringify({ ...ec.jwk, d: 'AAAA' }), /private key/],
  ['a shared secret', '{"kty":"oct","k":"AAAA","alg":"HS256"}', /private key/],
  ['an RSA key without an algorithm', JSON.stringify(without(rsa.jwk, 'alg')), /its one algorithm/],
  ['an algorithm that is not offered', JSON.stringify({ ...rsa.jwk, alg: 'PS256' }), /its one algorithm/],
  ['the deprecated name of Ed25519', JSON.stringify({ ...ed.jwk, alg: 'EdDSA' }), /its one algorithm/],
  ['one kid twice', JSON.stringify({ keys: [ec.jwk, ec.jwk] }), /cannot be used/],
  ['a key for encryption', JSON.stringify({ ...ec.jwk, use: 'enc' }), /cannot be used/],
  ['a point off its curve', JSON.stringify({ ...ec.jwk, x: ec.jwk.y }), /cannot be used/],
]
for (const [name, text, why] of refused) {
  test(`keys are refused with the remedy: ${name}`, () => {
    assert.throws(() => checkedKeys(text, hash), why)
  })
}

test('a scope is words, each counted once', () => {
  assert.deepEqual(readScope(''), [])
  assert.deepEqual(readScope('read write read'), ['read', 'write'])
  assert.equal(checkedScope('read write read'), 'read write')
  for (const text of [' ', 'a  b', ' a', 'a ', 'a\tb', 'a"b', 'a\\b', 'ä', 'a'.repeat(129), 'a,b\n']) {
    assert.equal(readScope(text), null, JSON.stringify(text))
    assert.throws(() => checkedScope(text), /words of printable ASCII/)
  }
  assert.equal(readScope(Array.from({ length: 101 }, (_, index) => `s${index}`).join(' ')), null)
})
