import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemEntropy } from '../node/entropy.ts'
import { createSecrets } from '../node/secrets.ts'
import { createLinks } from './links.ts'

const { linkToken, readLinkToken } = createLinks(createSecrets(new Uint8Array(32)))
const id = systemEntropy.id()
const token = linkToken('verify', id)

test('a token leads back to its id for its own purpose alone', () => {
  assert.match(token, /^[\w-]{64}$/)
  assert.equal(readLinkToken('verify', token), id)
  assert.equal(readLinkToken('reset', token), null)
  assert.notEqual(token, linkToken('reset', id))
})

test('a token made with another root secret is nobody’s', () => {
  const other = createLinks(createSecrets(new Uint8Array(32).fill(1)))
  assert.equal(other.readLinkToken('verify', token), null)
})

test('a token with anything changed, added or missing is nobody’s', () => {
  for (let at = 0; at < token.length; at++) {
    const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
    assert.equal(readLinkToken('verify', changed), null)
  }
  const { linkToken: other } = createLinks(createSecrets(new Uint8Array(32)))
  const mixed = other('verify', systemEntropy.id()).slice(0, 20) + token.slice(20)
  for (const wrong of [
    '',
    id,
    mixed,
    `${token}=`,
    `${token}\n`,
    ` ${token}`,
    token.slice(1),
    token + token,
    token.replace(/./, '+'),
  ]) {
    assert.equal(readLinkToken('verify', wrong), null)
  }
})

test('what is no id of ours gets no link', () => {
  for (const wrong of ['', 'abc', `${id}A`, `${id.slice(0, -1)}B`, id.replace(/./, '/')]) {
    assert.throws(() => linkToken('reset', wrong), /id of 16 bytes/)
  }
})
