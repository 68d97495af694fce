import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReplays, noteProof } from './replays.ts'

const now = 1000
const note = (replays: ReturnType<typeof createReplays>, thumbprint: string, id: string, at = now) =>
  noteProof(replays, { thumbprint, id, until: at + 60 }, at)

test('a proof is new once, for each key', () => {
  const replays = createReplays(100)
  assert.equal(note(replays, 'a', '1'), 'new')
  assert.equal(note(replays, 'a', '1'), 'replayed')
  assert.equal(note(replays, 'a', '2'), 'new')
  assert.equal(note(replays, 'b', '1'), 'new')
})

test('it is remembered through the last second in which it is good, and then takes no room', () => {
  const replays = createReplays(100)
  note(replays, 'a', '1')
  assert.equal(noteProof(replays, { thumbprint: 'a', id: '1', until: now + 60 }, now + 60), 'replayed')
  assert.equal(note(replays, 'b', '1', now + 61), 'new')
  assert.deepEqual([replays.size, replays.keys.size, replays.leaving.size], [1, 1, 1])
})

test('never more than the capacity is held, nothing that is good is dropped, and the same key is refused first', () => {
  const replays = createReplays(1000)
  const flood = Array.from({ length: 5000 }, (_, index) => note(replays, 'flood', String(index)))
  assert.deepEqual(flood.slice(0, 200), Array(200).fill('new'))
  assert.deepEqual(flood.slice(201), Array(4799).fill('full'))
  assert.equal(note(replays, 'flood', '0'), 'replayed')
  assert.equal(note(replays, 'other', '0'), 'new')
})

test('with n keys that send all they can, 4 / (4 + n) of all places are free for the others', () => {
  const capacity = 10_000
  for (const n of [1, 10, 100]) {
    const replays = createReplays(capacity)
    for (let round = 0; round < capacity; round++)
      for (let key = 0; key < n; key++) note(replays, `flood ${key}`, String(round))
    assert.ok(capacity - replays.size >= Math.floor((4 * capacity) / (4 + n)) - n, `${n} keys`)
    for (let visitor = 0; visitor < 20; visitor++)
      assert.equal(note(replays, `visitor ${visitor}`, '1'), 'new')
  }
})

test('however many keys there are, it stays bounded, and refuses instead of forgetting', () => {
  const replays = createReplays(100)
  const verdicts = Array.from({ length: 1000 }, (_, index) => note(replays, `key ${index}`, '1'))
  assert.ok(replays.size <= 100)
  assert.equal(verdicts.at(-1), 'full')
  assert.equal(note(replays, 'key 0', '1'), 'replayed')
})

test('a proof whose place may have been forgotten is late, whatever time its own check began at', () => {
  const replays = createReplays(100)
  const proof = { thumbprint: 'a', id: '1', until: now }
  assert.equal(noteProof(replays, proof, now), 'new')
  assert.equal(note(replays, 'b', '1', now + 1), 'new')
  // Its check began before the other one's and was waited for: password hashing, a signature in a browser's engine.
  assert.equal(noteProof(replays, proof, now), 'late')
  // It was good when it was judged, and what is handed out for it took a while.
  assert.equal(noteProof(replays, { thumbprint: 'a', id: '2', until: now }, now + 61), 'late')
  assert.deepEqual([replays.size, replays.leaving.size], [1, 1])
})

test('a clock that was put back by more than a check can take makes nobody late', () => {
  const replays = createReplays(100)
  note(replays, 'a', '1', now + 3600)
  assert.equal(note(replays, 'a', '2'), 'new')
  assert.equal(note(replays, 'a', '2'), 'replayed')
})
