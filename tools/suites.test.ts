import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { plantTree } from './planted-tree.ts'
import { type FileResult, suiteFiles } from './suites.ts'

const head = `import { describe, test } from 'node:test'\n`

/** A test run inside a test run is refused by Node, so the planted files run in a process of their own. */
async function runPlanted(t: TestContext, text: string): Promise<FileResult> {
  const suites = JSON.stringify(join(import.meta.dirname, 'suites.ts'))
  const runner = `import { runSuites } from ${suites}
    const deadlines = { unitSeconds: 3, longSeconds: 3 }
    const given = { root: import.meta.dirname, files: ['planted.test.ts'], deadlines, onFile: () => {} }
    const [result] = await runSuites(given)
    process.stdout.write(JSON.stringify(result))`
  const root = plantTree(t, { 'planted.test.ts': text, 'runner.mjs': runner })
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const ended = await promisify(execFile)(process.execPath, [join(root, 'runner.mjs')], { env })
  return JSON.parse(ended.stdout)
}

const planted: { text: string; passed: number; failed: string[]; skipped: string[] }[] = [
  { text: `${head}test('a', () => {})\ntest('b', () => {})`, passed: 2, failed: [], skipped: [] },
  { text: `${head}describe('s', () => { test('a', () => {}) })`, passed: 1, failed: [], skipped: [] },
  { text: `${head}test('a', () => { throw new Error('x') })`, passed: 0, failed: ['a'], skipped: [] },
  {
    text: `${head}test('a', async (t) => { await t.test('b', () => { throw new Error('x') }) })`,
    passed: 0,
    failed: ['b'],
    skipped: [],
  },
  {
    text: `${head}test('a', { skip: 'no server' }, () => {})`,
    passed: 0,
    failed: [],
    skipped: ['no server'],
  },
  { text: `${head}test.skip('a', () => {})`, passed: 0, failed: [], skipped: ['no reason given'] },
  { text: `${head}test.todo('a')`, passed: 0, failed: [], skipped: ['todo: no reason given'] },
  { text: 'export {}', passed: 0, failed: ['the file'], skipped: [] },
  { text: 'const a: = 1', passed: 0, failed: ['the file'], skipped: [] },
  {
    text: `${head}test('a', () => {})\nsetInterval(() => {}, 1000)`,
    passed: 1,
    failed: ['the file'],
    skipped: [],
  },
  { text: `${head}test('a', () => {})\nprocess.exitCode = 3`, passed: 1, failed: ['the file'], skipped: [] },
]

for (const { text, passed, failed, skipped } of planted) {
  test(`${JSON.stringify(text.replace(head, ''))} is counted for what it is`, async (t) => {
    const result = await runPlanted(t, text)
    assert.equal(result.passed, passed)
    assert.deepEqual(
      result.failures.map(({ name }) => name),
      failed,
    )
    assert.deepEqual(
      result.skips.map(({ reason }) => reason),
      skipped,
    )
  })
}

const tree = {
  'packages/server/src/a.test.ts': '',
  'packages/server/src/a.long.test.ts': '',
  'packages/server/src/a.ts': '',
  'packages/server/src/store.test.ts': 'onEachEngine(name, (open) => {})',
  'packages/server/src/pool.test.ts': 'onPostgres(name, (open) => {}), openHouse',
  'tools/b.test.ts': '',
  'tools/b.browser.test.ts': '',
  'lab/c.test.ts': '',
  'examples/bank/d.test.ts': '',
}

const choices: { fast?: true; short?: true; only: string | null; files: string[] }[] = [
  {
    only: null,
    files: [
      ...['packages/server/src/a.long.test.ts', 'tools/b.browser.test.ts', 'packages/server/src/a.test.ts'],
      ...['packages/server/src/pool.test.ts', 'packages/server/src/store.test.ts', 'tools/b.test.ts'],
      ...['lab/c.test.ts', 'examples/bank/d.test.ts'],
    ],
  },
  { fast: true, only: null, files: ['packages/server/src/a.test.ts', 'tools/b.test.ts'] },
  { only: 'bank', files: ['examples/bank/d.test.ts'] },
  { fast: true, only: 'bank', files: [] },
  {
    short: true,
    only: null,
    files: [
      ...['packages/server/src/a.test.ts', 'packages/server/src/store.test.ts', 'tools/b.test.ts'],
      ...['lab/c.test.ts', 'examples/bank/d.test.ts'],
    ],
  },
]
for (const { fast = false, short = false, only, files } of choices) {
  test(`a ${fast ? 'fast' : short ? 'short' : 'full'} run for ${only ?? 'everything'} takes ${files.length} files`, (t) => {
    assert.deepEqual(suiteFiles(plantTree(t, tree), { fast, short, only }), files)
  })
}
