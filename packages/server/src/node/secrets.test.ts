import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { systemEntropy } from './entropy.ts'
import { createSecrets } from './secrets.ts'

const root = new Uint8Array(32).fill(7)
const secrets = createSecrets(root)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('a root secret of fewer than 32 bytes is an error that says how to make one', () => {
  assert.throws(() => createSecrets(new Uint8Array(31)), /31 bytes and needs 32.*counterfoil init/)
})

test('the same root secret derives the same values, another one or another purpose others', () => {
  const again = createSecrets(new Uint8Array(32).fill(7))
  const other = createSecrets(new Uint8Array(32).fill(8))
  assert.deepEqual(secrets.derive('cookie', 'a'), again.derive('cookie', 'a'))
  assert.notDeepEqual(secrets.derive('cookie', 'a'), other.derive('cookie', 'a'))
  assert.notDeepEqual(secrets.derive('cookie', 'a'), secrets.derive('device', 'a'))
  assert.equal(secrets.derive('cookie', 'a').byteLength, 32)
})

test('a derived value is HMAC-SHA256 under an HKDF-SHA256 key, computed here by hand once and for all', () => {
  // A change of this value ends every cookie, token and link in the world.
  assert.equal(
    hex(secrets.derive('mail_link', 'verify', 'id')),
    'cd653fb6415ea34608d6a623f807e401fa06d1d4954dbb2adc435a1680e62116',
  )
})

test('parts cannot run into each other', () => {
  const ways = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc']]
  const values = ways.map((parts) => hex(secrets.derive('device', ...parts)))
  assert.equal(new Set(values).size, ways.length)
  assert.deepEqual(secrets.derive('device', 'é'), secrets.derive('device', new TextEncoder().encode('é')))
})

test('a sealed value opens under its purpose and length', () => {
  const body = systemEntropy.bytes(32)
  const sealed = secrets.seal('cookie', body)
  assert.equal(sealed.length, 64)
  assert.deepEqual(secrets.open('cookie', sealed, 32), body)
})

test('a sealed value with anything changed does not open', () => {
  const sealed = secrets.seal('cookie', new Uint8Array(31).fill(1))
  const other = createSecrets(new Uint8Array(32).fill(8))
  assert.equal(secrets.open('device', sealed, 31), null)
  assert.equal(other.open('cookie', sealed, 31), null)
  for (const length of [0, 30, 32, 47]) assert.equal(secrets.open('cookie', sealed, length), null)
  for (const wrong of [
    '',
    `${sealed}A`,
    `${sealed}=`,
    ` ${sealed}`,
    sealed.slice(0, -1),
    sealed.replace(/^./, '+'),
    'A'.repeat(1e6),
  ]) {
    assert.equal(secrets.open('cookie', wrong, 31), null)
  }
  for (let at = 0; at < sealed.length; at++) {
    const flipped = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
    assert.equal(secrets.open('cookie', flipped, 31), null)
  }
})

test('a derived value never passes for a seal', () => {
  const part = new Uint8Array(28).fill(1)
  // What derive hashes for one part: its length in four bytes, then the part.
  const body = Buffer.concat([Buffer.from([0, 0, 0, 28]), part])
  const forged = Buffer.concat([body, secrets.derive('cookie', part).subarray(0, 16)]).toString('base64url')
  assert.equal(secrets.open('cookie', forged, 32), null)
})

test('equal compares texts of any length', () => {
  const table: [string, string, boolean][] = [
    ['', '', true],
    ['a', 'a', true],
    ['a', 'b', false],
    ['a', 'aa', false],
    ['', 'a', false],
  ]
  for (const [a, b, expected] of table) assert.equal(secrets.equal(a, b), expected)
})

test('a wrapped text is different each time and comes back in its own place alone', () => {
  const wrapped = secrets.wrap('signing_key', 'private é', 'row 1')
  assert.notEqual(wrapped, secrets.wrap('signing_key', 'private é', 'row 1'))
  assert.equal(secrets.unwrap('signing_key', wrapped, 'row 1'), 'private é')
  const other = createSecrets(new Uint8Array(32).fill(8))
  const attempts = [
    () => secrets.unwrap('signing_key', wrapped, 'row 2'),
    () => secrets.unwrap('cookie', wrapped, 'row 1'),
    () => other.unwrap('signing_key', wrapped, 'row 1'),
    () =>
      secrets.unwrap(
        'signing_key',
        `${wrapped.slice(0, -3)}${wrapped.at(-3) === 'A' ? 'B' : 'A'}${wrapped.slice(-2)}`,
        'row 1',
      ),
    () => secrets.unwrap('signing_key', '', 'row 1'),
    () => secrets.unwrap('signing_key', 'not base64url!', 'row 1'),
  ]
  for (const attempt of attempts) assert.throws(attempt, /root secret does not fit/)
})

test('printing shows no key', () => {
  const rootText = [hex(root), Buffer.from(root).toString('base64url'), '7, 7, 7']
  const shown = [
    inspect(secrets, { depth: 9, showHidden: true }),
    inspect({ machine: { secrets } }, { depth: 9 }),
    JSON.stringify({ secrets }),
    `${secrets}`,
  ]
  for (const text of shown) {
    for (const part of rootText) assert.ok(!text.includes(part), text)
  }
  assert.match(inspect(secrets), /redacted/)
})

test('an id is 22 characters and never the same', () => {
  const ids = new Set(Array.from({ length: 1000 }, () => systemEntropy.id()))
  assert.equal(ids.size, 1000)
  for (const id of ids) assert.match(id, /^[\w-]{22}$/)
})
