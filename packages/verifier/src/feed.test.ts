import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  cookieStatementSeconds,
  everyoneKey,
  feedKey,
  feedKinds,
  feedWindowSeconds,
  printOf,
  skewSeconds,
} from './feed.ts'
import { fuzz } from './testing/fuzz.ts'

test('a key is the first 132 bits of SHA-256 over kind and id', () => {
  const hash = createHash('sha256').update('session:ses_1').digest('base64url')
  assert.equal(feedKey('session', 'ses_1'), hash.slice(0, 22))
  assert.equal(everyoneKey, createHash('sha256').update('everyone:').digest('base64url').slice(0, 22))
})

test('one id has another key under each kind, but a change of an account has the key of the account', () => {
  const keys = feedKinds.map((kind) => feedKey(kind, 'one id'))
  assert.equal(new Set(keys).size, feedKinds.length - 1)
  assert.equal(feedKey('changed', 'acc_1'), feedKey('account', 'acc_1'))
})

test('an end is kept for longer than any statement from before it is believed', () => {
  assert.ok(feedWindowSeconds.cookies >= cookieStatementSeconds + skewSeconds)
  assert.ok(feedWindowSeconds.tokens >= 300 + skewSeconds)
})

test('the print of a key is its first thirty bits as a small whole number', async (t) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const letter = fc.constantFrom(...alphabet)
  await fuzz(t, fc.string({ unit: letter, minLength: 22, maxLength: 22 }), (key) => {
    const print = printOf(key)
    assert.ok(Number.isInteger(print) && print >= 0 && print < 2 ** 30)
    const expected = [...key.slice(0, 5)].reduce((sum, one) => sum * 64 + alphabet.indexOf(one), 0)
    assert.equal(print, expected)
  })
})
