import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSize } from './check-size.ts'
import { plantTree } from './planted-tree.ts'

const lines = (count: number) => 'x\n'.repeat(count)

const trees: { tree: Record<string, string>; found: RegExp | null }[] = [
  { tree: { 'packages/server/src/a.ts': lines(300) }, found: null },
  { tree: { 'packages/server/src/a.ts': lines(301) }, found: /301 lines, at most 300/ },
  { tree: { 'lab/a.test.ts': lines(500) }, found: null },
  { tree: { 'lab/a.test.ts': lines(501) }, found: /501 lines, at most 500/ },
  { tree: { 'packages/server/src/utils.ts': '' }, found: /"utils" says nothing/ },
  { tree: { 'packages/server/src/shared/a.ts': '' }, found: /"shared" says nothing/ },
  { tree: { 'tools/types.test.ts': '' }, found: /"types" says nothing/ },
  { tree: { 'packages/server/src/media-types.ts': '' }, found: null },
  { tree: { 'examples/a.ts': 'export default 1' }, found: /by name/ },
  { tree: { 'examples/a.ts': 'const a = 1\nexport { a as default }' }, found: /by name/ },
  { tree: { 'examples/a.ts': '// export default 1' }, found: null },
  { tree: { 'docs/a.md': lines(900), 'lab/node_modules/b/utils.ts': '' }, found: null },
]

for (const { tree, found } of trees) {
  const [file = '', text = ''] = Object.entries(tree)[0] ?? []
  test(`${file} holding ${JSON.stringify(text.slice(0, 30))} is ${found === null ? 'in order' : 'refused'}`, (t) => {
    const problems = checkSize(plantTree(t, tree))
    assert.equal(problems.length, found === null ? 0 : 1)
    if (found !== null) assert.match(problems[0]?.message ?? '', found)
  })
}
