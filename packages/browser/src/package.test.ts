import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const folder = new URL('.', import.meta.url)
const modules = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => ({ name, source: readFileSync(new URL(name, folder), 'utf8') }))
const code = (source: string) => source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(?<!:)\/\/.*/g, '')
const holding = (pattern: RegExp) =>
  modules.filter(({ source }) => pattern.test(code(source))).map(({ name }) => name)

test('the package depends on nothing; React is its user’s affair', () => {
  const manifest: Record<string, unknown> = JSON.parse(
    readFileSync(new URL('../package.json', folder), 'utf8'),
  )
  assert.equal(manifest.dependencies, undefined)
  assert.equal(manifest.optionalDependencies, undefined)
  assert.deepEqual(manifest.peerDependencies, { react: '>=18' })
  assert.deepEqual(manifest.peerDependenciesMeta, { react: { optional: true } })
  // Nothing runs on the machine of whoever installs it.
  assert.deepEqual(Object.keys(manifest.scripts ?? {}), ['build', 'prepack'])
})

test('one file imports from outside, and only React', () => {
  const outside = modules.flatMap(({ name, source }) =>
    [...source.matchAll(/(?:from|import)\s*\(?['"]([^'"]+)['"]/g)]
      .map(([, specifier = '']) => specifier)
      .filter((specifier) => !/^\.\/[a-z0-9-]+\.ts$/.test(specifier))
      .map((specifier) => `${name}: ${specifier}`),
  )
  assert.deepEqual(outside, ['react.ts: react'])
})

test('nothing is kept where script can read it: there is no word of any other storage', () => {
  const words = holding(/\b(?:localStorage|sessionStorage|document|caches|cookieStore)\b/)
  // Only to say that it is not done.
  assert.deepEqual(words, ['options.ts'])
  assert.deepEqual(holding(/\bconsole\b/), [])
})

test('one file asks the browser for the time, for chance, for timers, for the network: all others are given it', () => {
  const asking =
    /(?<![.\w])(?:Date\.now|new Date|performance|Math\.random|setTimeout|setInterval|crypto|indexedDB|navigator|location|fetch)\b(?!:)(?!\()|(?<![.\w])fetch\(/
  const found = holding(asking).filter((name) => name !== 'client.ts')
  assert.deepEqual(found, ['machine.ts'])
})
