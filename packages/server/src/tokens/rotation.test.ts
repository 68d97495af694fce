import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzz } from '../testing/fuzz.ts'
import { firstToken as first, present, refreshWorld as world } from '../testing/refresh-world.ts'
import { judgeRefresh, type PresentedRefresh, type RefreshState, type Verdict } from './rotation.ts'

const rule = { repeatSeconds: 30, repeats: 5 }
const rotatedAt = 1000

/** Generation 7 came out of generation 6 at second 1000. */
const state: RefreshState = {
  generation: 7,
  current: 'hash 7',
  previous: 'hash 6',
  salt: 'salt',
  rotatedAt,
  repeats: 0,
  repeatedGeneration: 0,
}
const shown = (generation: number): PresentedRefresh => ({ generation, hash: `hash ${generation}` })
const replaced = { ...state, previous: null, salt: null }
const rotate = (repeats: number): Verdict => ({ kind: 'rotate', repeats })
const repeat = (repeats: number): Verdict => ({ kind: 'repeat', repeats })
const end = (reason: 'refresh_reused' | 'refresh_repeats_exhausted'): Verdict => ({ kind: 'end', reason })
const refuse = (reason: 'replaced' | 'refresh_from_the_future'): Verdict => ({ kind: 'refuse', reason })

type Row = [what: string, state: RefreshState, presented: PresentedRefresh, now: number, verdict: Verdict]

const table: Row[] = [
  ['the current one rotates', state, shown(7), 1000, rotate(0)],
  ['the current one rotates however late', state, shown(7), 9_000_000, rotate(0)],
  ['the one before is repeated at once', state, shown(6), 1000, repeat(1)],
  ['the one before is repeated in the last second', state, shown(6), 1029, repeat(1)],
  [
    'the one before ends the session once the window has closed',
    state,
    shown(6),
    1030,
    end('refresh_reused'),
  ],
  [
    'the one before ends the session without a salt',
    { ...state, salt: null },
    shown(6),
    1001,
    end('refresh_reused'),
  ],
  ['two before ends the session, however soon', state, shown(5), 1000, end('refresh_reused')],
  ['the first of all ends the session', state, shown(0), 1000, end('refresh_reused')],
  ['one from the future ends nothing', state, shown(8), 1000, refuse('refresh_from_the_future')],
  [
    'another secret of the current generation ends nothing',
    state,
    { generation: 7, hash: 'hash of a lost write' },
    1000,
    refuse('refresh_from_the_future'),
  ],
  [
    'another secret of the generation before ends nothing',
    state,
    { generation: 6, hash: 'hash of a lost write' },
    1000,
    refuse('refresh_from_the_future'),
  ],
  ...[1, 2, 3].flatMap((distance): Row[] => [
    [
      `${distance} before a new proof, in the last second of the window, is only refused`,
      replaced,
      shown(7 - distance),
      1029,
      refuse('replaced'),
    ],
    [
      `${distance} before a new proof, once the window has closed, ends the session`,
      replaced,
      shown(7 - distance),
      1030,
      end('refresh_reused'),
    ],
  ]),
  ['the fourth repeat in a row is still answered', { ...state, repeats: 3 }, shown(6), 1001, repeat(4)],
  [
    'the fifth repeat in a row ends the session',
    { ...state, repeats: 4 },
    shown(6),
    1001,
    end('refresh_repeats_exhausted'),
  ],
  [
    'a repeated generation hands its row on',
    { ...state, repeats: 3, repeatedGeneration: 7 },
    shown(7),
    1001,
    rotate(3),
  ],
  [
    'a generation that nobody repeated breaks the row',
    { ...state, repeats: 3, repeatedGeneration: 6 },
    shown(7),
    1001,
    rotate(0),
  ],
]

for (const [what, given, presented, now, verdict] of table) {
  test(`refresh: ${what}`, () => assert.deepEqual(judgeRefresh(given, presented, { ...rule, now }), verdict))
}

test('refresh: without a window or without a budget nothing is repeated', () => {
  const at = { ...rule, now: rotatedAt }
  assert.deepEqual(judgeRefresh(state, shown(6), { ...at, repeatSeconds: 0 }), end('refresh_reused'))
  assert.deepEqual(judgeRefresh(state, shown(6), { ...at, repeats: 0 }), end('refresh_repeats_exhausted'))
})

const party = fc.constantFrom('owner', 'tab', 'thief')
const step = fc.record({
  who: party,
  act: fc.constantFrom('refresh', 'lose', 'copy', 'late'),
  wait: fc.oneof({ weight: 6, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: fc.nat(60) }),
})

test('refresh: whatever owner, tab and thief do, there is one successor for each generation and no way back', async (context) => {
  let ends = 0
  let repeats = 0
  await fuzz(context, { inputs: fc.array(step, { maxLength: 40 }) }, (history) => {
    const at = world()
    // The two tabs share one storage; the thief copies from it. A late request leaves with what was stored before.
    const held = { owner: first, thief: first, late: first }
    for (const { who, act, wait } of history) {
      at.now += wait
      const wasEnded = at.ended
      const generation = at.state.generation
      if (act === 'copy') {
        if (who === 'thief') held.thief = held.owner
        else held.late = held.owner
        continue
      }
      const mine = who === 'thief' ? held.thief : act === 'late' ? held.late : held.owner
      const next = present(at, mine, rule)
      if (wasEnded !== null) assert.equal(next, null)
      if (wasEnded === null && generation - mine.generation > 1) assert.equal(at.ended, 'refresh_reused')
      assert.ok(at.state.generation === generation || at.state.generation === generation + 1)
      if (next !== null) {
        assert.equal(next.secret, at.state.current)
        if (at.state.generation === generation) repeats++
      }
      if (next === null || act === 'lose') continue
      if (who === 'thief') held.thief = next
      else if (next.generation > held.owner.generation) held.owner = next
    }
    for (const secrets of at.given.values()) assert.equal(secrets.size, 1)
    if (at.ended !== null) ends++
  })
  // Histories that never get anywhere would prove nothing.
  assert.ok(ends > 1000 && repeats > 1000, `${ends} ends, ${repeats} repeats`)
})

test('refresh: one client that tries lost responses again within the window is never signed out below the budget', async (context) => {
  const attempts = fc.array(fc.record({ isLost: fc.boolean(), wait: fc.nat(6), rest: fc.nat(600) }), {
    maxLength: 60,
  })
  let lost = 0
  await fuzz(context, { inputs: attempts }, (history) => {
    const at = world()
    let mine = first
    let row = 0
    let isRetry = false
    let wasRepeated = false
    for (const { isLost, wait, rest } of history) {
      at.now += isRetry ? wait : rest
      const next = present(at, mine, rule)
      assert.ok(next !== null && at.ended === null, `signed out: ${at.ended}`)
      // Four in a row is the most that five repeats allow; then the network has to let one through.
      if (isLost && row < rule.repeats - 1) {
        row++
        lost++
        isRetry = true
        wasRepeated = true
        continue
      }
      mine = next
      if (!wasRepeated) row = 0
      isRetry = false
      wasRepeated = false
    }
  })
  assert.ok(lost > 10_000)
})

/** Owner and thief hold the same token and both go on, in any order; how many generations until they are found. */
function walk(
  turns: readonly { isThief: boolean; wait: number }[],
  repeats: number,
): { generations: number; ended: boolean } {
  const at = world()
  const held = { owner: first, thief: first }
  const play = (who: 'owner' | 'thief') => {
    held[who] = present(at, held[who], { ...rule, repeats }) ?? held[who]
  }
  for (const { isThief, wait } of turns) {
    at.now += wait
    play(isThief ? 'thief' : 'owner')
    if (at.ended !== null) break
  }
  // Both are active: neither stops before it was heard once more.
  play('owner')
  play('thief')
  return { generations: at.state.generation - first.generation, ended: at.ended !== null }
}

test('refresh: two parties that both go on are found within one generation more than the budget', async (context) => {
  const turns = fc.array(fc.record({ isThief: fc.boolean(), wait: fc.nat(35) }), {
    minLength: 1,
    maxLength: 60,
  })
  const budget = fc.integer({ min: 1, max: 6 })
  await fuzz(context, { inputs: fc.tuple(turns, budget) }, ([history, repeats]) => {
    const { generations, ended } = walk(history, repeats)
    if (generations > repeats + 1) assert.ok(ended, `${generations} generations, not found`)
  })
})

test('refresh: a thief who walks in step is found by the budget, and by nothing else', () => {
  const inStep = Array.from({ length: 60 }, (_, turn) => ({ isThief: turn % 2 === 1, wait: 1 }))
  const found = walk(inStep, 5)
  assert.deepEqual(found, { generations: 5, ended: true })
  assert.deepEqual(walk(inStep, 1_000), { generations: 31, ended: false })
})
