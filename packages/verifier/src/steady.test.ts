import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { beat, type Instant, stamp, startSteady, steadyAt, wallSeconds } from './steady.ts'
import { fuzz } from './testing/fuzz.ts'
import { createClocks } from './testing/listening.ts'

const drift = 1.0002

/** Milliseconds between two marks, after steps of monotonic and wall time in milliseconds. */
function measure(steps: readonly (readonly [mono: number, wall: number])[]): number {
  let now: Instant = { mono: 0, wall: 1e12 }
  const steady = startSteady(now)
  const from = stamp(steady, now)
  for (const [mono, wall] of steps) {
    now = { mono: now.mono + mono, wall: now.wall + wall }
    beat(steady, now)
  }
  return steadyAt(steady, now) - from
}

const cases: [name: string, steps: [mono: number, wall: number][], milliseconds: number][] = [
  ['no time', [], 0],
  ['both clocks go on', [[1000, 1000]], 1000 * drift],
  ['several steps add up', Array.from({ length: 10 }, () => [1000, 1000]), 10_000 * drift],
  ['steps too short to end one are one step', Array.from({ length: 10 }, () => [100, 100]), 1000 * drift],
  ['a wall clock read in whole milliseconds is not ahead', [[1000, 1001]], 1000 * drift],
  ['a suspended machine: the monotonic clock stops', [[0, 3_600_000]], 3_599_998 * drift],
  [
    'a suspension between two steps',
    [
      [1000, 1000],
      [10, 60_000],
      [1000, 1000],
    ],
    (2000 + 59_998) * drift,
  ],
  ['a wall clock set back', [[1000, -3_600_000]], 1000 * drift],
  ['a wall clock set forward counts as time', [[1000, 61_000]], 60_998 * drift],
  [
    'a wall clock set forward and back counts its way forward',
    [
      [1000, 61_000],
      [1000, -59_000],
    ],
    61_998 * drift,
  ],
  [
    'forward and back again within less than a step',
    [
      [1, 60_000],
      [1, -60_000],
      [998, 1000],
    ],
    (59_998 + 999) * drift,
  ],
  ['a monotonic clock that runs backwards is not believed', [[-5000, 1000]], 998 * drift],
  ['both clocks run backwards', [[-5000, -1000]], 0],
]
for (const [name, steps, milliseconds] of cases) {
  test(`what the steady clock makes of it: ${name}`, () => {
    assert.ok(Math.abs(measure(steps) - milliseconds) < 0.01, `${measure(steps)} is not ${milliseconds}`)
  })
}

test('a wall clock that is ahead for an instant does not hide the time after a moment that was marked then', () => {
  const clocks = createClocks()
  const steady = startSteady(clocks.now())
  clocks.pass(0.01)
  clocks.setWall(3600)
  const marked = stamp(steady, clocks.now())
  clocks.setWall(-3600)
  clocks.pass(5)
  assert.ok(steadyAt(steady, clocks.now()) - marked >= 5000)
})

test('the wall clock never goes back, though it is set back between two steps', () => {
  const clocks = createClocks()
  const steady = startSteady(clocks.now())
  const before = wallSeconds(steady, clocks.now())
  clocks.setWall(100)
  beat(steady, clocks.now())
  clocks.setWall(-100)
  assert.equal(wallSeconds(steady, clocks.now()), before + 100)
  clocks.pass(101)
  assert.equal(wallSeconds(steady, clocks.now()), before + 101)
})

test('elapsed time is never less than real time, where in each step at least one clock tells it', async (t) => {
  const step = fc.record({
    real: fc.nat(5000),
    asleep: fc.nat(20_000),
    rate: fc.integer({ min: -190, max: 190 }),
    set: fc.integer({ min: -10_000, max: 10_000 }),
    marks: fc.boolean(),
  })
  await fuzz(t, fc.array(step, { maxLength: 12 }), (steps) => {
    let now: Instant = { mono: 0, wall: 1e12 }
    const steady = startSteady(now)
    const moments: { real: number; marked: number }[] = []
    let real = 0
    let suspensions = 0
    for (const { real: awake, asleep, rate, set, marks } of steps) {
      const sleeps = set < 0 ? 0 : asleep
      suspensions += sleeps > 0 ? 1 : 0
      real += awake + sleeps
      now = { mono: now.mono + awake * (1 + rate / 1e6), wall: now.wall + awake + sleeps + set }
      for (const moment of moments) {
        // The grain of the wall clock is all that may be missing, once for each time that the machine slept.
        const elapsed = steadyAt(steady, now) - moment.marked
        assert.ok(
          elapsed >= real - moment.real - 2 * suspensions - 0.001,
          `${elapsed} of ${real - moment.real}`,
        )
      }
      // A step ends: a wall clock that is set back later does not take away what it has told.
      if (marks) moments.push({ real, marked: stamp(steady, now) })
      else stamp(steady, now)
    }
  })
})
