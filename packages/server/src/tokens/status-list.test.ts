import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import { systemCompress } from '../node/compression.ts'
import { bitsOf, drawPlace, listOf, listPlaces, placeIn, readList } from './status-list.ts'

test('the first place is the lowest bit of the first byte, as in the example of the draft', async () => {
  // draft-ietf-oauth-status-list, 4.1: the bytes b9 a3.
  const bits = bitsOf([0, 3, 4, 5, 7, 8, 9, 13, 15].map((index) => placeIn(7, index)))
  assert.deepEqual([...bits.subarray(0, 2)], [0xb9, 0xa3])
  assert.ok(bits.subarray(2).every((byte) => byte === 0))
  assert.equal(bits.length, listPlaces / 8)
  const small = await systemCompress(bits.subarray(0, 2))
  assert.equal(Buffer.from(small).toString('base64url'), 'eNrbuRgAAhcBXQ')
  assert.deepEqual(new Uint8Array(inflateSync(await systemCompress(bits))), bits)
})

test('a place is a list and an index in it, to both ends of both', () => {
  for (const list of [0, 1, 2 ** 31 - 1])
    for (const index of [0, 1, listPlaces - 1]) {
      assert.deepEqual(listOf(placeIn(list, index)), { list, index })
      const last = bitsOf([placeIn(list, index)])
      assert.equal(last[index >> 3], 1 << (index & 7))
    }
})

test('what is drawn is within the bounds, whatever the bytes', () => {
  for (const byte of [0x00, 0x7f, 0x80, 0xff]) {
    const { list, index } = drawPlace(new Uint8Array(9).fill(byte))
    assert.equal(readList(String(list)), list)
    assert.ok(index >= 0 && index < listPlaces)
  }
})

test('an address names a list in one spelling only', () => {
  for (const [text, list] of [
    ['0', 0],
    ['7', 7],
    ['2147483647', 2147483647],
  ] as const)
    assert.equal(readList(text), list)
  for (const text of [
    '',
    '00',
    '07',
    '+7',
    '-1',
    '7.0',
    '1e3',
    '0x7',
    ' 7',
    '7\n',
    '2147483648',
    '99999999999',
    '٧',
  ])
    assert.equal(readList(text), null, text)
})
