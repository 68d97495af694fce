import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Manifest, publishedManifest } from './pack.ts'

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
