import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KeyState, type KeyTimes, keyState, nextActivation, signingKey } from './keys.ts'

const keepSeconds = 360
const key = (kid: string, active_at: number | null, retired_at: number | null = null): KeyTimes => ({
  kid,
  published_at: 0,
  active_at,
  retired_at,
})

const states: [key: KeyTimes, now: number, state: KeyState][] = [
  [key('a', null), 9_000_000, 'reserve'],
  [key('a', 100), 99, 'published'],
  [key('a', 100), 100, 'active'],
  [key('a', 100), 9_000_000, 'active'],
  [key('a', 100, 200), 99, 'published'],
  [key('a', 100, 200), 199, 'active'],
  [key('a', 100, 200), 200, 'retired'],
  [key('a', 100, 200), 559, 'retired'],
  [key('a', 100, 200), 560, 'gone'],
  // Overtaken before it ever signed: another key took over at once.
  [key('a', 500, 200), 300, 'retired'],
]

for (const [given, now, state] of states) {
  const times = `active at ${given.active_at}, retired at ${given.retired_at}`
  test(`a key that is ${times} is ${state} at ${now}`, () => {
    assert.equal(keyState(given, { now, keepSeconds }), state)
  })
}

const signers: [what: string, keys: KeyTimes[], kid: string | null][] = [
  ['nobody signs where there is no key', [], null],
  ['the reserve never signs', [key('a', null)], null],
  ['a key that is only published does not sign beside an active one', [key('a', 1), key('b', 1001)], 'a'],
  ['where none is active yet, the one that comes next does', [key('b', 1002), key('a', 1001)], 'a'],
  ['a retired key does not sign', [key('a', 1, 1000)], null],
  ['the newest active key signs', [key('a', 1), key('b', 900), key('c', 1001)], 'b'],
  ['of two of one age every node takes the same', [key('b', 900), key('a', 900)], 'a'],
]

for (const [what, keys, kid] of signers) {
  test(`signing: ${what}`, () => {
    const given = structuredClone(keys)
    assert.equal(signingKey(keys, { now: 1000, keepSeconds })?.kid ?? null, kid)
    assert.deepEqual(keys, given, 'the list itself stays as it is')
  })
}

const rotation = { rotationSeconds: 1000, publishSeconds: 100 }
const activations: [what: string, keys: KeyTimes[], now: number, at: number | null][] = [
  ['too early', [key('a', 0)], 899, null],
  ['in time', [key('a', 0)], 900, 1000],
  ['late: verifiers still get the whole time to learn it', [key('a', 0)], 5000, 5100],
  ['a successor is waiting already', [key('a', 0), key('b', 1000)], 950, null],
  ['the reserve does not count', [key('a', 0), key('r', null)], 950, 1050],
]

for (const [what, keys, now, at] of activations) {
  test(`the next key: ${what}`, () => assert.equal(nextActivation(keys, { now, ...rotation }), at))
}
