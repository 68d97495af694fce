import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calmest, isHeld, median, quantile, ratiosOf, rowOf, type Target, tallyOf } from './figures.ts'

const fast: Target = { of: 'median', least: 100, text: 'at least 100' }
const small: Target = { of: 'median', most: 100, text: 'at most 100' }
const twice: Target = { of: 'ratio', least: 2, text: 'twice' }

test('a quantile lies between its neighbours in proportion, whatever order the values came in', () => {
  const cases: [values: number[], share: number, found: number][] = [
    [[7], 0.5, 7],
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2.5],
    [[10, 20], 0.99, 19.9],
    [[5, 1, 9], 0, 1],
    [[5, 1, 9], 1, 9],
    [[100, 20, 3], 0.5, 20],
  ]
  for (const [values, share, found] of cases) assert.equal(quantile(values, share), found)
})

test('the values that are given stay as they are', () => {
  const values = [3, 1, 2]
  median(values)
  assert.deepEqual(values, [3, 1, 2])
})

test('a ratio is taken within each round, so that a round that was slow for both counts like any other', () => {
  assert.deepEqual(ratiosOf([10, 1, 30], [5, 0.5, 10]), [2, 2, 3])
  const { ratio } = rowOf({
    question: 'q',
    candidate: 'c',
    unit: 'u',
    values: [10, 1, 30],
    against: [5, 0.5, 10],
  })
  assert.equal(ratio, 2)
  assert.throws(() => ratiosOf([1, 2], [1]), RangeError)
})

test('a bound that is met exactly holds, and one that was never measured does not', () => {
  const cases: [target: Target, found: { median: number; ratio: number | null }, held: boolean][] = [
    [fast, { median: 100, ratio: null }, true],
    [fast, { median: 99.9, ratio: 5 }, false],
    [small, { median: 100, ratio: null }, true],
    [small, { median: 100.1, ratio: null }, false],
    [twice, { median: 0, ratio: 2 }, true],
    [twice, { median: 9, ratio: 1.9 }, false],
    [twice, { median: 9, ratio: null }, false],
    [small, { median: Number.NaN, ratio: null }, false],
  ]
  for (const [target, found, held] of cases) assert.equal(isHeld(target, found), held)
})

test('what is judged is the exact figure, not the one that is printed', () => {
  const row = rowOf({ question: 'q', candidate: 'c', unit: 'u', values: [99.996], target: fast })
  assert.equal(row.median, 100)
  assert.equal(row.held, false)
})

test('rows without a target are not counted among the targets', () => {
  const seen = { question: 'q', candidate: 'c', unit: 'u', values: [1] }
  const rows = [rowOf(seen), rowOf({ ...seen, target: fast }), rowOf({ ...seen, target: small })]
  assert.deepEqual(tallyOf(rows), { held: 1, of: 2 })
})

test('rounds that others disturbed are dropped, and where too few are left, the calmest count and it is said', () => {
  const rounds = [0.5, 0.05, 0.3, 0.1].map((foreign) => ({ foreign }))
  assert.deepEqual(calmest(rounds, { most: 0.1, least: 2 }), {
    kept: [{ foreign: 0.05 }, { foreign: 0.1 }],
    dropped: 2,
    isNoisy: false,
  })
  assert.deepEqual(calmest(rounds, { most: 0.1, least: 3 }), {
    kept: [{ foreign: 0.05 }, { foreign: 0.1 }, { foreign: 0.3 }],
    dropped: 1,
    isNoisy: true,
  })
})
