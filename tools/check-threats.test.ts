import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attacks, checkThreats } from './check-threats.ts'
import { plantTree } from './planted-tree.ts'

const proving = 'lab/attacks/cookie.test.ts'
const proof = `"a thief's cookie is refused" in [cookie](../lab/attacks/cookie.test.ts)`
const suite = `test('a thief\\'s cookie is refused', () => {})\n// test('gone', () => {})\nit("b | c", () => {})\n`
const three = { all: ['A-1', 'A-2', 'A-3'], proven: ['A-1', 'A-2'], openAllowed: 1 }

const table = (rows: string[]) => `| id | attack | room | proof |\n|---|---|---|---|\n${rows.join('\n')}\n`
const row = (id: number, cell: string) => `| A-${id} | an attack | carriers | ${cell} |`
const good = [
  row(1, proof),
  row(2, `${proof}; "b \\| c" in [c](../lab/attacks/cookie.test.ts)`),
  row(3, 'open: not built'),
]

test('a table whose proofs all exist is in order', (t) => {
  assert.deepEqual(
    checkThreats(plantTree(t, { 'docs/threats.md': table(good), [proving]: suite }), three),
    [],
  )
})

const faults: { name: string; rows: string[]; found: RegExp }[] = [
  { name: 'a missing attack', rows: good.slice(1), found: /^A-1: add its row$/ },
  { name: 'a second row', rows: [...good, row(3, proof)], found: /^A-3: has a row already/ },
  { name: 'an attack nobody listed', rows: [...good, row(4, proof)], found: /^A-4: is not an attack/ },
  { name: 'an empty proof', rows: [...good.slice(0, 2), row(3, '')], found: /^A-3: the proof is written/ },
  {
    name: 'a promise without a link',
    rows: [...good.slice(0, 2), row(3, 'tested')],
    found: /^A-3: the proof is written/,
  },
  {
    name: 'words beside the proof',
    rows: [...good.slice(0, 2), row(3, `${proof}, mostly`)],
    found: /^A-3: the proof is/,
  },
  {
    name: 'open without a reason',
    rows: [...good.slice(0, 2), row(3, 'open:')],
    found: /^A-3: the proof is written/,
  },
  {
    name: 'a file that is not there',
    rows: [...good.slice(0, 2), row(3, proof.replaceAll('cookie.test', 'gone.test'))],
    found: /^A-3: there is no lab\/attacks\/gone\.test\.ts/,
  },
  {
    name: 'a test that is not there',
    rows: [...good.slice(0, 2), row(3, proof.replace('refused', 'welcomed'))],
    found: /^A-3: .* has no test\("a thief's cookie is welcomed"\)/,
  },
  {
    name: 'a test that is commented out',
    rows: [...good.slice(0, 2), row(3, proof.replace("a thief's cookie is refused", 'gone'))],
    found: /^A-3: .* has no test\("gone"\)/,
  },
  { name: 'a missing cell', rows: [...good.slice(0, 2), `| A-3 | attack | ${proof} |`], found: /^A-3: / },
  {
    name: 'too many open attacks',
    rows: [row(1, 'open: later'), row(2, 'open: later'), row(3, 'open: later')],
    found: /^2 attacks that must be proven are open, at most 1: A-1, A-2$/,
  },
]

for (const { name, rows, found } of faults) {
  test(`${name} is a problem`, (t) => {
    const problems = checkThreats(plantTree(t, { 'docs/threats.md': table(rows), [proving]: suite }), three)
    assert.ok(problems.length > 0)
    for (const problem of problems)
      assert.match(problem.message, found.source.includes('A-3: ') ? /^A-3: / : found)
    assert.match(problems.at(-1)?.message ?? '', found)
  })
}

test('the catalogue has 127 attacks, of which 102 are to be proven', () => {
  assert.equal(attacks.all.length, 127)
  assert.equal(new Set(attacks.proven).size, attacks.proven.length)
  assert.equal(attacks.proven.length, 54 + 12 + 11 + 9 + 6 + 7 + 3)
})

test('a missing table is a problem', (t) => {
  assert.equal(checkThreats(plantTree(t, {})).length, 1)
})
