import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aLife, knownMistakes, run, twoOfEach } from './explorations.ts'

test('in every order of a reading, an end, heartbeats and ten steps of time, nothing ended is accepted', () => {
  const { counterExample, states } = run({ bounds: { ...aLife, ticks: 9 } })
  assert.equal(counterExample, null)
  assert.ok(states > 10_000, `${states} states`)
})

test('in every order in which two nodes refresh, two verifiers listen and one dies, nothing ended is accepted', () => {
  for (const bounds of [
    { ...twoOfEach, refreshes: 1 },
    { ...twoOfEach, verifiers: 1 },
  ]) {
    const { counterExample, states } = run({ bounds })
    assert.equal(counterExample, null)
    assert.ok(states > 10_000, `${states} states`)
  }
})

for (const [name, mistake] of Object.entries(knownMistakes)) {
  test(`exploring finds the shortest way in which this goes wrong: ${name}`, () => {
    const { counterExample } = run(mistake)
    assert.ok(counterExample)
    assert.ok(counterExample.path.length >= 3)
  })
}
