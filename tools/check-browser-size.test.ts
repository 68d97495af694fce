import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { browserSize, checkBrowserSize } from './check-browser-size.ts'

/** Text that does not get smaller by packing: a hash chain. */
function incompressible(characters: number): string {
  let text = ''
  for (let link = 'seed'; text.length < characters; ) {
    link = createHash('sha256').update(link).digest('base64url')
    text += link
  }
  return text.slice(0, characters)
}

const holding = (text: string, name = 'held') => `export const ${name} = ${JSON.stringify(text)}\n`
const behindDoor = (names: string, files: Record<string, string>) =>
  new Map(Object.entries({ 'index.js': `export { ${names} } from './a.js'`, ...files }))

test('a client that is small enough is in order', async () => {
  const modules = behindDoor('held', { 'a.js': holding(incompressible(4000)) })
  assert.deepEqual(await checkBrowserSize(modules), [])
})

test('a client that has grown too heavy is named with its weight', async () => {
  const modules = behindDoor('held', { 'a.js': holding(incompressible(8000)) })
  const [problem, ...others] = await checkBrowserSize(modules)
  assert.deepEqual(others, [])
  assert.match(problem?.message ?? '', /is \d{4} bytes minified and gzipped, at most 5120/)
})

test('what the door imports counts, through however many modules; what it does not import does not', async () => {
  const modules = behindDoor('a', {
    'a.js': "import { held } from './b.js'\nexport const a = () => held",
    'b.js': holding(incompressible(3000)),
    'react.js': holding(incompressible(9000)),
  })
  const size = await browserSize(modules)
  assert.ok(size > 2000 && size < 4000, `${size} bytes`)
})

test('comments and long names weigh nothing', async () => {
  const plain = await browserSize(behindDoor('f', { 'a.js': 'export const f = (a) => a + 1' }))
  const long = 'long'.repeat(40)
  const wordy = `/* ${incompressible(500)} */\nexport const f = (${long}) => ${long} + 1`
  assert.equal(await browserSize(behindDoor('f', { 'a.js': wordy })), plain)
})

const unjoinable: [what: string, files: Record<string, string>, fault: RegExp][] = [
  ['a module that is not there', {}, /no module a\.js/],
  [
    'a name in two modules',
    { 'a.js': `import { f } from './b.js'\n${holding('', 'f')}`, 'b.js': holding('', 'f') },
    /something f/,
  ],
  [
    'an import of something from elsewhere',
    { 'a.js': "import x from 'x'\nexport const f = x" },
    /cannot be joined/,
  ],
]
for (const [what, files, fault] of unjoinable) {
  test(`${what} is a fault, not a light client`, () =>
    assert.rejects(browserSize(behindDoor('f', files)), fault))
}
