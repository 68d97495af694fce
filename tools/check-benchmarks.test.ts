import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Row, rowOf } from '../lab/bench/figures.ts'
import { filled } from '../lab/bench/tables.ts'
import type { DayRow } from '../lab/sim/day-report.ts'
import { checkBenchmarks } from './check-benchmarks.ts'
import { plantTree } from './planted-tree.ts'

const question = 'requests in a second'
const rows: Row[] = [
  rowOf({ question, candidate: 'ours', unit: '1/s', values: [30, 40, 50], against: [10, 20, 25] }),
  rowOf({ question, candidate: 'theirs', unit: '1/s', values: [10, 20, 25] }),
]
const about = {
  ...{ machine: 'a machine', memory: '1 GiB', system: 'Linux', versions: { node: '26' } },
  asked: { requests: 'a day in May' },
}
const day: DayRow[] = [
  {
    ...{ nodes: 10, balancer: 'sticky', requests: 100, fills: 20, touches: 3, busiestTouches: 5, share: 0.8 },
    ...{ memoryMiB: 7, feedBytesASecond: 700, fillBytesASecond: 90, feedMegabitsASecond: 1, ageP50: 500 },
    ...{ ageP99: 900, ageMost: 999, shownAgain: 4, acceptedAgain: 0 },
  },
]
const empty = (name: string) => `# A page\n<!-- measured: ${name} -->\n<!-- end of what was measured -->\n`
const page = (name: string) => filled(empty(name), { rows, about, day })

const treeOf = (files: Record<string, string>) => ({
  'lab/bench/results/full.json': JSON.stringify(rows),
  'lab/bench/results/about.json': JSON.stringify(about),
  'lab/sim/results/day.json': JSON.stringify({ rows: day }),
  'README.md': page(question),
  'docs/scale-beyond.md': page('day'),
  'docs/benchmarks.md': page('machine'),
  ...files,
})

test('pages that say what was measured are in order', (t) => {
  assert.deepEqual(checkBenchmarks(plantTree(t, treeOf({}))), [])
})

const faults: [name: string, files: Record<string, string>, found: RegExp][] = [
  [
    'a figure that was changed by hand',
    { 'README.md': page(question).replace('40 1/s', '44 1/s') },
    /^differs from/,
  ],
  ['another run', { 'lab/bench/results/full.json': JSON.stringify([rows[0]]) }, /^differs from/],
  ['a page that quotes nothing', { 'docs/benchmarks.md': '# A page\n' }, /^quotes nothing/],
  [
    'a question that nobody asked',
    { 'docs/benchmarks.md': empty('how long') },
    /^nothing was measured under "how long"/,
  ],
  [
    'a ratio of no result',
    { 'README.md': `${page(question)}\nIt is 40 x faster.\n` },
    /^a ratio that no committed/,
  ],
]
for (const [name, files, found] of faults)
  test(`found: ${name}`, (t) => {
    const messages = checkBenchmarks(plantTree(t, treeOf(files))).map(({ message }) => message)
    assert.equal(messages.length, 1, messages.join('\n'))
    assert.match(messages[0] ?? '', found)
  })

test('a table names the middle, the spread and the ratio of each candidate', () => {
  assert.match(page(question), /\| ours \| 40 1\/s \| 30 – 50 \| 3 \| 2 \|/)
})
