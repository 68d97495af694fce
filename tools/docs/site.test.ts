import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plantTree } from '../planted-tree.ts'
import { makeSite } from './site.ts'

const tree = {
  'README.md': '# Home\n\n[One](docs/one.md#part) and [code](src/a.ts#L2), [a folder](src) ![words](a.svg)\n',
  'docs/one.md': '# One\n\n## Part\n\n[home](../README.md), [here](#part)\n',
  'src/a.ts': 'const a = `b\nc`\n',
  'a.svg': '<svg/>',
}
const order = [{ title: 'All', pages: ['README.md', 'docs/one.md'] }]
const text = (site: ReturnType<typeof makeSite>, at: string) => String(site.files.get(at))

test('documents become pages that lead to each other, and the code that they name becomes pages too', (t) => {
  const site = makeSite(plantTree(t, tree), order)
  assert.deepEqual(site.problems, [])
  assert.match(text(site, 'index.html'), /href="docs\/one.html#part"/)
  assert.match(text(site, 'index.html'), /href="code\/src\/a.ts.html#L2"/)
  assert.match(text(site, 'docs/one.html'), /rel="prev" href="..\/index.html"/)
  assert.match(text(site, 'docs/one.html'), /<a href="one.html" aria-current="page">/)
  assert.match(text(site, 'code/src/index.html'), /<a href="a.ts.html"><code>a.ts<\/code>/)
  assert.match(text(site, 'code/src/a.ts.html'), /id="L2"><span class="string">c`<\/span><\/span>/)
  assert.match(text(site, 'assets/search-index.js'), /"docs\/one.html#part","One","Part"/)
})

const faults: [what: string, change: Record<string, string>, file: string, says: RegExp][] = [
  [
    'a document that is in no section',
    { 'docs/two.md': '# Two\n' },
    'tools/docs/pages.ts',
    /docs\/two\.md is in no section/,
  ],
  ['a link to a heading that is gone', { 'docs/one.md': '# One\n' }, 'README.md', /#part of docs\/one\.md/],
  ['a link to a line that is gone', { 'src/a.ts': 'const a = 1\n' }, 'README.md', /#L2 of src\/a\.ts/],
  [
    'a link without encryption',
    { 'docs/one.md': '# One\n\n## Part\n\n[a](http://b.example)\n' },
    'docs/one.md',
    /relative or https/,
  ],
  ['Markdown that is not ours', { 'docs/one.md': '# One\n\n## Part\n\n<b>a</b>\n' }, 'docs/one.md', /./],
]
for (const [what, change, file, says] of faults) {
  test(`${what} is a problem`, (t) => {
    const { problems } = makeSite(plantTree(t, { ...tree, ...change }), order)
    const [problem] = problems
    assert.equal(problem?.file, file)
    assert.match(problem?.message ?? '', says)
  })
}

test('an entry of a section that is no document, or is there twice, is a problem', (t) => {
  const pages = ['README.md', 'docs/one.md', 'docs/one.md', 'docs/gone.md']
  const { problems } = makeSite(plantTree(t, tree), [{ title: 'All', pages }])
  const found = problems.map(({ message }) => message)
  assert.deepEqual(found, ['there is no docs/gone.md: take it out', 'docs/one.md is in two places: keep one'])
})
