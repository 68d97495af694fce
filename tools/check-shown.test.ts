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
    assert.deepEqual(checkShown(plantTree(t, page(fenced(code))), []), [])
})

test('what stands within something is shown without its indent, and with all of it or none', (t) => {
  const within = (code: string) => ({
    ...page(fenced(code)),
    'examples/a.ts': 'f({\n  a() {\n\n    b()\n  },\n})\n',
  })
  for (const code of ['a() {\n\n  b()\n},\n', 'b()\n'])
    assert.deepEqual(checkShown(plantTree(t, within(code)), []), [])
  assert.equal(checkShown(plantTree(t, within('a() {\n\n    b()\n')), []).length, 1)
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
    const [problem, ...more] = checkShown(plantTree(t, tree), [])
    assert.deepEqual(more, [])
    assert.equal(problem?.line, 3)
    assert.match(problem?.message ?? '', found)
  })
}

const loose = (block: string) => ({
  'examples/tried/a.ts': '',
  'examples/tried/a.test.ts': '',
  'examples/loose/a.ts': '',
  'package.json': '{ "scripts": { "start": "x", "demo": "x" } }',
  'docs/a.md': `# A\n\n${block}`,
})
const free: [what: string, block: string][] = [
  ['what does not run', '```json\n{}\n```\n'],
  ['a program of an example beside a test', '```sh\nnpm ci\nnpx node examples/tried/a.ts\n```\n'],
  ['scripts of the house', '```sh\nnpm ci && npm start # a remark\nnpm run -s demo -- --port 0\n```\n'],
]
for (const [what, block] of free) {
  test(`${what} needs no file`, (t) => {
    assert.deepEqual(checkShown(plantTree(t, loose(block)), []), [])
  })
}

const fromNowhere: [what: string, block: string][] = [
  ['code', fenced('const a = 1\n')],
  ['a command', '```sh\nnpm ci\ncurl x\n```\n'],
  ['a program that no test is beside of', '```sh\nnpx node examples/loose/a.ts\n```\n'],
  ['a program that is not there', '```sh\nnpx node examples/tried/b.ts\n```\n'],
  ['a script that is not there', '```sh\nnpm run gone\n```\n'],
]
for (const [what, block] of fromNowhere) {
  test(`${what} that no file shows is a problem, unless there is a reason for it`, (t) => {
    const tree = plantTree(t, loose(block))
    const [problem, ...more] = checkShown(tree, [])
    assert.deepEqual([problem?.file, problem?.line, more], ['docs/a.md', 3, []])
    assert.deepEqual(checkShown(tree, [{ page: 'docs/a.md', blocks: 1, why: 'a reason' }]), [])
  })
}

test('a reason for more blocks than there are is a problem: the list only gets shorter', (t) => {
  const list = [{ page: 'docs/a.md', blocks: 2, why: 'a reason' }]
  const [problem] = checkShown(plantTree(t, loose(fenced('const a = 1\n'))), list)
  assert.match(problem?.message ?? '', /has 1 blocks .* not 2/)
})
