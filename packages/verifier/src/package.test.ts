import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const folder = new URL('.', import.meta.url)
const modules = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => ({ name, source: readFileSync(new URL(name, folder), 'utf8') }))

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(?<!:)\/\/.*/g, '')
}

test('the package depends on nothing', () => {
  const manifest: Record<string, unknown> = JSON.parse(
    readFileSync(new URL('../package.json', folder), 'utf8'),
  )
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
    assert.equal(manifest[kind], undefined)
  }
  // Nothing runs on the machine of whoever installs it: these are not even in the package.
  assert.deepEqual(Object.keys(manifest.scripts ?? {}), ['build', 'prepack'])
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

test('one file signs, and only what a worker says of itself: who checks callers loads none of it', async () => {
  const signing = modules.filter(({ source }) => /\bsubtle\s*\.\s*(?:sign|generateKey)\b/.test(source))
  assert.deepEqual(
    signing.map(({ name }) => name),
    ['worker-signing.ts'],
  )
  const importing = modules.filter(({ source }) => source.includes("from './worker-signing.ts'"))
  assert.deepEqual(importing.map(({ name }) => name).sort(), ['acting.ts', 'exchange.ts', 'worker.ts'])
  const door = modules.find(({ name }) => name === 'index.ts')
  assert.doesNotMatch(door?.source ?? '', /worker|acting|exchange/)
})

test('one file asks the machine for the time, for chance, for timers, for the network: all others are given it', () => {
  const asking =
    /(?<![.\w])(?:Date|performance|Math\.random|setTimeout|setInterval|console|process)\b|getRandomValues|(?<![.\w])fetch\(/
  const found = modules.filter(({ source }) => asking.test(withoutComments(source))).map(({ name }) => name)
  assert.deepEqual(found, ['machine.ts'])
  const platform = modules.filter(({ source }) => /\b(?:Buffer|globalThis)\b/.test(withoutComments(source)))
  assert.deepEqual(
    platform.map(({ name }) => name),
    ['base64url.ts', 'opening.ts', 'signatures.ts'],
  )
})

test('the rules by which a caller is judged wait for nothing: no promise in them, so no answer comes between', () => {
  const rules = [
    'steady',
    'feed',
    'ends',
    'view',
    'statement',
    'cache',
    'credential-cache',
    'checker',
    'wire',
    'guard',
    'credentials',
  ]
  for (const rule of rules) {
    const { source = 'await' } = modules.find(({ name }) => name === `${rule}.ts`) ?? {}
    assert.doesNotMatch(withoutComments(source), /\b(?:async|await|Promise)\b/, rule)
  }
})

test('the door is named re-exports only, and each of them is there', async () => {
  const { source = '' } = modules.find(({ name }) => name === 'index.ts') ?? {}
  assert.match(source, /^(?:export (?:type )?\{[^}]+\} from '\.\/[a-z0-9-]+\.ts'\n)+$/)
  const door = await import('./index.ts')
  for (const [name, value] of Object.entries(door)) assert.notEqual(value, undefined, name)
})
