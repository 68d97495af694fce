import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closingLine, failureLines, fileLine, skipLines, unlistedSkips } from './report.ts'
import type { FileResult } from './suites.ts'

const file = 'packages/server/src/a.test.ts'
const good: FileResult = { file, passed: 3, failures: [], skips: [], milliseconds: 12, output: 'chatter' }
const skip = { file, name: 'b', reason: 'no browser on this platform' }
const bad: FileResult = {
  ...good,
  failures: [{ file, name: 'a thief is refused', text: 'Error: 1 !== 2\n    at x' }],
  skips: [skip],
}

test('a file takes one line with its state, tests and time', () => {
  assert.equal(fileLine(good), `  ok     ${file}  3 tests  12 ms`)
  assert.equal(fileLine(bad), `  FAILED ${file}  5 tests, 1 skipped  12 ms`)
})

test('a failure is told with its file, its name, its error and what was printed; a success is not', () => {
  assert.deepEqual(failureLines(good), [])
  const told = failureLines(bad).join('\n')
  for (const part of [file, 'a thief is refused', 'Error: 1 !== 2', 'at x', 'chatter'])
    assert.ok(told.includes(part))
})

test('a skip is told with its reason', () => {
  assert.deepEqual(skipLines([skip]), [`  skipped ${file}: b (no browser on this platform)`])
})

test('a skip is unlisted unless its reason is written down', () => {
  assert.deepEqual(unlistedSkips([skip], []), [skip])
  assert.deepEqual(unlistedSkips([skip], [{ reason: /^no browser/, why: 'a test' }]), [])
})

test('the closing line adds files up and counts a failed step as a failure', () => {
  assert.equal(closingLine([good, good], []), '6 passed, 0 failed, 0 skipped')
  assert.equal(closingLine([good, bad], ['types']), '6 passed, 2 failed, 1 skipped')
})
