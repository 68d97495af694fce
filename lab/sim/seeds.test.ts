import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asBuilt, mutantCalled, trySeed } from './simulate.ts'
import { createTally, merge } from './tally.ts'

const nodes = null

test('three hundred seeds of faults: nothing ended is accepted beyond its bound, and everything heals', () => {
  const tally = createTally()
  for (let seed = 1; seed <= 300; seed++) merge(tally, trySeed(asBuilt, { seed, nodes }))
  assert.deepEqual(tally.violations, [])
  // A world in which nothing happens would prove nothing.
  assert.ok(tally.accepts > 20_000, `${tally.accepts} accepts`)
  assert.ok(tally.exposure.total > 1000, `${tally.exposure.total} accepts of what had just ended`)
  assert.ok(tally.declared > 10 && tally.lost > 50, `${tally.declared} declared, ${tally.lost} lost`)
  for (const kind of ['dead', 'outdated', 'expired', 'feed_stale', 'session_ended']) {
    assert.ok((tally.refusals[kind] ?? 0) > 500, `${kind}: ${tally.refusals[kind]}`)
  }
})

test('a seed that fails does the same again, event for event', () => {
  const tried = mutantCalled('answer-from-memory')
  assert.ok(tried)
  const failing = Array.from({ length: 300 }, (_, index) => index + 1).find(
    (seed) => trySeed(tried, { seed, nodes }).violations.length > 0,
  )
  assert.ok(failing)
  const [one, other] = [trySeed(tried, { seed: failing, nodes }), trySeed(tried, { seed: failing, nodes })]
  assert.deepEqual(one, other)
  assert.ok(one.events > 1000 && one.digest > 0)
  assert.notEqual(one.digest, trySeed(tried, { seed: failing + 1, nodes }).digest)
})

test('two thousand verifiers at once', () => {
  const tally = trySeed(asBuilt, { seed: 3, nodes: 2000 })
  assert.deepEqual(tally.violations, [])
  assert.ok(tally.learning.total > 10_000)
})
