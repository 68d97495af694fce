import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkShown } from './check-shown.ts'
import { plantTree } from './planted-tree.ts'

const file = { 'examples/a.ts': 'const a = 1\nconst b = 2\n' }
const page = (block: string, path = 'examples/a.ts') => ({
  ...file,
  'docs/a.md': `# A\n\n<!-- from ${path} -->\n${block}\nmore\n`,
})
const fenced = (code: string) => `\`\`\`ts\n${code}\`\`\`\n`

test('a block that is the file, or lines of it in one piece, is in order', (t) => {
  for (const code of ['const a = 1\nconst b = 2\n', 'const b = 2\n'])
    assert.deepEqual(checkShown(plantTree(t, page(fenced(code)))), [])
})

const faults: [what: string, tree: Record<string, string>, found: RegExp][] = [
  ['other code', page(fenced('const a = 2\n')), /not what examples\/a\.ts says/],
  ['half a line', page(fenced('a = 1\n')), /not what/],
  ['an empty block', page(fenced('')), /not what/],
  ['lines that are apart', page(fenced('const a = 1\nconst c = 2\n')), /not what/],
  ['a file that is gone', page(fenced('const a = 1\n'), 'examples/b.ts'), /there is no examples\/b\.ts/],
  ['no block', page('words\n'), /right below this/],
]
for (const [what, tree, found] of faults) {
  test(`${what} is a problem`, (t) => {
    const [problem, ...more] = checkShown(plantTree(t, tree))
    assert.deepEqual(more, [])
    assert.equal(problem?.line, 3)
    assert.match(problem?.message ?? '', found)
  })
}
