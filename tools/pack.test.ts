import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileLinks } from './markdown.ts'
import { type Manifest, packageFolders, publishedManifest } from './pack.ts'
import { publishedReadme } from './published-readme.ts'
import { read, repositoryRoot } from './source.ts'

const manifest: Manifest = {
  name: 'a',
  version: '1.0.0',
  private: true,
  scripts: { build: 'x' },
  exports: {
    '.': './src/index.ts',
    './house': './src/testing/index.ts',
    './worker': { workerd: './src/worker.ts', default: './src/node/worker.ts' },
    './style.css': './style.css',
  },
  imports: { '#twin': { node: './src/here.ts', default: './src/there.ts' } },
}

test('what a manifest says of the sources is said of the compiled files, with types first', () => {
  assert.deepEqual(publishedManifest(manifest), {
    name: 'a',
    version: '1.0.0',
    exports: {
      '.': { types: './index.d.ts', default: './index.js' },
      './worker': {
        workerd: { types: './worker.d.ts', default: './worker.js' },
        default: { types: './node/worker.d.ts', default: './node/worker.js' },
      },
      './style.css': './style.css',
      './package.json': './package.json',
    },
    imports: { '#twin': { node: './here.js', default: './there.js' } },
  })
})

test('what only the checkout may import, its scripts and its privacy stay there', () => {
  const text = JSON.stringify(publishedManifest(manifest))
  for (const absent of ['house', 'scripts', 'private', 'src/']) assert.ok(!text.includes(absent), absent)
})

test('what is compiled into a package is no dependency of it any more', () => {
  const dependencies = { within: '1.0.0', beside: '2.0.0' }
  const { dependencies: left } = Object(publishedManifest({ ...manifest, dependencies }, ['within']))
  assert.deepEqual(left, { beside: '2.0.0' })
})
const lies = 'What is named here with its path, such as `docs/http.md`, lies in the repository.'
const readmes: [readme: string, published: string][] = [
  [
    '[docs/a.md](../../docs/a.md#b) and [more](../../docs/b.md)\n',
    `docs/a.md and more (docs/b.md)\n\n${lies}\n`,
  ],
  [
    '[LICENSE](LICENSE), [site](https://a.example/b), [here](#top)\n',
    '[LICENSE](LICENSE), [site](https://a.example/b), [here](#top)\n',
  ],
  ['```ts\na[b](c)\n```\n[x](y.md)\n', `\`\`\`ts\na[b](c)\n\`\`\`\nx (packages/p/y.md)\n\n${lies}\n`],
]
for (const [readme, published] of readmes) {
  test(`in a package "${readme.trim().replaceAll('\n', ' ')}" leads nowhere that is not installed`, () => {
    const isThere = (path: string) => path === 'LICENSE' || path.startsWith('..')
    assert.equal(publishedReadme(readme, { folder: 'packages/p', isThere }), published)
  })
}

for (const name of packageFolders) {
  test(`the readme of ${name} has no link out of its package`, () => {
    const readme = read(repositoryRoot, `packages/${name}/README.md`)
    const folder = `packages/${name}`
    assert.notDeepEqual(fileLinks(readme), [])
    assert.deepEqual(fileLinks(publishedReadme(readme, { folder, isThere: () => true })), [])
  })
}
