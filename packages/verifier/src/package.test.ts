import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const folder = new URL('.', import.meta.url)
const modules = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => ({ name, source: readFileSync(new URL(name, folder), 'utf8') }))

test('the package depends on nothing', () => {
  const manifest: Record<string, unknown> = JSON.parse(
    readFileSync(new URL('../package.json', folder), 'utf8'),
  )
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies', 'scripts']) {
    assert.equal(manifest[kind], undefined)
  }
})

test('one file checks signatures: node:crypto is imported there and nowhere else, and nothing else from outside', () => {
  const outside = modules.flatMap(({ name, source }) =>
    [...source.matchAll(/(?:from|import)\s*\(?['"]([^'"]+)['"]/g)]
      .map(([, specifier = '']) => specifier)
      .filter((specifier) => !/^\.\/[a-z0-9-]+\.ts$/.test(specifier))
      .map((specifier) => `${name}: ${specifier}`),
  )
  assert.deepEqual(outside, ['cryptography.ts: #signatures', 'signatures.ts: node:crypto'])
})

test('every module is pure: no clock, no randomness, no environment, no Buffer', () => {
  for (const { name, source } of modules) {
    assert.doesNotMatch(
      source,
      /\b(?:Date|Math\.random|process|Buffer|setTimeout|console|globalThis)\b/,
      name,
    )
  }
})

test('the door is named re-exports only, and each of them is there', async () => {
  const { source = '' } = modules.find(({ name }) => name === 'index.ts') ?? {}
  assert.match(source, /^(?:export (?:type )?\{[^}]+\} from '\.\/[a-z0-9-]+\.ts'\n)+$/)
  const door = await import('./index.ts')
  for (const [name, value] of Object.entries(door)) assert.notEqual(value, undefined, name)
})
