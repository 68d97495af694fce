import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLinks } from './check-links.ts'
import { plantTree } from './planted-tree.ts'

const tree = {
  'docs/errors.md': '# Errors\n\n[home](../README.md)\n',
  'README.md':
    '[errors](docs/errors.md#not_found) [web](https://a.example/b.md) [up](#top) `[no](gone.md)`\n\n```\n[no](gone.md)\n```\n',
  'packages/server/src/mail/mail.ts': '',
  'packages/server/src/mail/README.md': '# mail',
  'packages/server/src/node/README.md': '# node',
}

test('links that lead somewhere and rooms that say what they are, are in order', (t) => {
  assert.deepEqual(checkLinks(plantTree(t, tree)), [])
})

const links: [string, RegExp][] = [
  ['[a](docs/mistakes.md)', /points at docs\/mistakes\.md/],
  ['![a](picture.svg "title")', /points at picture\.svg/],
  ['[a](../outside.md)', /points at \.\.\/outside\.md/],
  ['[a]: gone.md', /points at gone\.md/],
]
for (const [link, found] of links) {
  test(`the link ${link} to a file that is not there is a problem`, (t) => {
    const [problem, ...more] = checkLinks(plantTree(t, { ...tree, 'README.md': `# one\n\n${link}\n` }))
    assert.deepEqual(more, [])
    assert.equal(problem?.line, 3)
    assert.match(problem?.message ?? '', found)
  })
}

test('a room with code and without a README is a problem', (t) => {
  const { 'packages/server/src/mail/README.md': _, ...rest } = tree
  const problems = checkLinks(plantTree(t, rest))
  assert.deepEqual(
    problems.map(({ file }) => file),
    ['packages/server/src/mail/README.md'],
  )
})
