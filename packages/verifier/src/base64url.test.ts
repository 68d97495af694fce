import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBase64url, decodeByHand, encodeBase64url, encodeByHand } from './base64url.ts'
import { fuzz } from './testing/fuzz.ts'

const ascii = (text: string) => new TextEncoder().encode(text)

// RFC 4648 section 10, without the padding.
for (const [plain, spelled] of [
  ['', ''],
  ['f', 'Zg'],
  ['fo', 'Zm8'],
  ['foo', 'Zm9v'],
  ['foob', 'Zm9vYg'],
  ['fooba', 'Zm9vYmE'],
  ['foobar', 'Zm9vYmFy'],
] as const) {
  test(`"${plain}" is spelled "${spelled}" and read back`, () => {
    assert.equal(encodeBase64url(ascii(plain)), spelled)
    assert.equal(encodeByHand(ascii(plain)), spelled)
    assert.deepEqual(decodeBase64url(spelled), ascii(plain))
    assert.deepEqual(decodeByHand(spelled), ascii(plain))
  })
}

test('the two characters of the URL alphabet stand for 62 and 63', () => {
  assert.equal(encodeBase64url(new Uint8Array([0xfb, 0xff])), '-_8')
  assert.deepEqual(decodeBase64url('-_8'), new Uint8Array([0xfb, 0xff]))
})

for (const [what, text] of [
  ['padding', 'Zg=='],
  ['a lone character', 'Z'],
  ['five characters', 'Zm9vY'],
  ['trailing bits of two characters', 'Zh'],
  ['trailing bits of three characters', 'Zm9'],
  ['the other alphabet', '+/8'],
  ['a space inside', 'Zm 9v'],
  ['a line feed at the end', 'Zm9v\n'],
  ['a carriage return', 'Zm\r\n9v'],
  ['a NUL', 'Zm9\0'],
  ['a dot', 'Zm9.'],
  ['a character whose low byte is a letter', 'Zm9\u0176'],
  ['a surrogate', 'Zm9\ud83d'],
] as const) {
  test(`${what} is refused`, () => {
    assert.equal(decodeBase64url(text), null)
    assert.equal(decodeByHand(text), null)
  })
}

test('whatever bytes are encoded come back, in the spelling that Buffer gives', (t) =>
  fuzz(t, fc.uint8Array({ maxLength: 70 }), (bytes) => {
    const text = encodeBase64url(bytes)
    assert.equal(text, Buffer.from(bytes).toString('base64url'))
    assert.equal(encodeByHand(bytes), text)
    // A part of a larger buffer is written without what lies around it.
    assert.equal(encodeBase64url(new Uint8Array([1, ...bytes, 2]).subarray(1, -1)), text)
    assert.deepEqual(decodeBase64url(text), bytes)
    assert.deepEqual(decodeByHand(text), bytes)
  }))

const almostBase64url = fc.string({
  unit: fc.constantFrom(...'ABCQZabgwz0189-_-_', '=', '+', '/', ' ', '\n', '\u0176'),
  maxLength: 12,
})

test('a text is read exactly if it is the canonical spelling of what Buffer reads in it', (t) => {
  const seen = { read: 0, refused: 0 }
  return fuzz(t, fc.oneof(almostBase64url, fc.string(), fc.base64String()), (text) => {
    const bytes = Buffer.from(text, 'base64url')
    const canonical = bytes.toString('base64url') === text
    const decoded = decodeBase64url(text)
    assert.deepEqual(decoded, canonical ? new Uint8Array(bytes) : null)
    assert.deepEqual(decodeByHand(text), decoded)
    seen[canonical ? 'read' : 'refused']++
  }).then(() => assert.ok(seen.read > 500 && seen.refused > 500, JSON.stringify(seen)))
})
