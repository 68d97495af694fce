import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDoors } from './check-doors.ts'
import { doors } from './doors.ts'
import { plantTree } from './planted-tree.ts'

const s = (path: string) => `packages/server/src/${path}`
const elsewhere = s('sessions/operations.ts')

const planted: [string, string, string][] = [
  ['writes a cookie', s('carriers/cookie.ts'), `headers.append('Set-Cookie', value)`],
  ['reads time', s('node/clock.ts'), 'const a = Date.now()'],
  ['reads time', s('node/clock.ts'), 'const a = new Date()'],
  ['reads time', s('node/clock.ts'), 'const a = performance.now()'],
  ['reads time', s('node/clock.ts'), 'const a = process.hrtime.bigint()'],
  ['draws randomness', s('node/entropy.ts'), 'const a = randomBytes(32)'],
  ['draws randomness', s('node/entropy.ts'), 'const a = Math.random()'],
  ['draws randomness', s('node/entropy.ts'), 'const a = crypto.randomUUID()'],
  ['draws randomness', s('node/entropy.ts'), 'crypto.getRandomValues(bytes)'],
  ['compares secrets', s('node/secrets.ts'), 'const a = timingSafeEqual(b, c)'],
  ['signs a token', s('node/signing.ts'), `import {\n  createHash,\n  sign,\n} from 'node:crypto'`],
  ['signs a token', s('node/signing.ts'), 'const a = crypto.subtle.sign(b, c, d)'],
  ['signs a token', s('node/signing.ts'), `const a = createSign('sha256')`],
  ['checks a signature', 'packages/verifier/src/signatures.ts', `import { verify } from 'node:crypto'`],
  ['checks a signature', 'packages/verifier/src/signatures-web.ts', 'const a = crypto.subtle.verify(b)'],
  ['reads time', 'packages/verifier/src/machine.ts', 'const a = performance.now()'],
  ['draws randomness', 'packages/verifier/src/machine.ts', 'crypto.getRandomValues(bytes)'],
  ['shows a refusal', s('http/problem.ts'), `const a = 'application/problem+json'`],
  ['reads the environment', s('node/environment.ts'), 'const a = process.env.HOME'],
  ['writes unescaped HTML', s('http/html.ts'), `import { html, raw } from 'hono/html'`],
]

for (const [what, door, line] of planted) {
  test(`${JSON.stringify(line)} ${what} and is allowed behind its door only`, (t) => {
    assert.deepEqual(checkDoors(plantTree(t, { [door]: line })), [])
    const [problem] = checkDoors(plantTree(t, { [elsewhere]: `// first\n${line}\n` }))
    assert.equal(problem?.file, elsewhere)
    assert.ok((problem?.line ?? 0) >= 2)
    assert.ok(problem?.message.includes(what))
  })
}

for (const line of ['sql.raw(x)', 'sql.lit(x)', 'eval(x)', 'new Function(x)', 'html(raw(x))']) {
  test(`${line} is refused in every room`, (t) => {
    assert.equal(checkDoors(plantTree(t, { [elsewhere]: line })).length, 1)
  })
}

const harmless = [
  '// Date.now() would be wrong here',
  '/* set-cookie\n Math.random */',
  'const a = new Date(createdAt * 1000)',
  `import { verifyToken } from '@counterfoil/verifier'`,
  'const b = design(x)',
  'const c = retrieval(x)',
]
for (const line of harmless) {
  test(`${JSON.stringify(line)} is left alone`, (t) => {
    assert.deepEqual(checkDoors(plantTree(t, { [elsewhere]: line })), [])
  })
}

test('tests may do what rooms may not', (t) => {
  assert.deepEqual(checkDoors(plantTree(t, { [s('sessions/a.test.ts')]: 'Date.now()' })), [])
})

test('only auth.ts calls the function that makes a room', (t) => {
  const tree = {
    [s('sessions/index.ts')]:
      `export { createSessions } from './operations.ts'\nexport type { Session } from './session.ts'`,
    [s('sessions/operations.ts')]: 'export function createSessions(db: Db) {}',
    [s('auth.ts')]:
      `import { createSessions } from './sessions/index.ts'\nconst sessions = createSessions(db)`,
  }
  const toolbox = {
    [s('testing/index.ts')]: `export { createSecrets } from '../node/secrets.ts'`,
    [s('node/machine.ts')]: 'const secrets = createSecrets(root)',
  }
  assert.deepEqual(checkDoors(plantTree(t, { ...tree, ...toolbox })), [])
  const verifier = { 'packages/verifier/src/verifier.ts': 'const sessions = createSessions(machine)' }
  assert.deepEqual(checkDoors(plantTree(t, { ...tree, ...verifier })), [])
  const namesake = { [s('db/first.ts')]: 'createSessions(db)\nfunction createSessions(db: Db) {}' }
  assert.deepEqual(checkDoors(plantTree(t, { ...tree, ...namesake })), [])
  const problems = checkDoors(
    plantTree(t, { ...tree, [s('tokens/operations.ts')]: '\nconst a = createSessions(db)' }),
  )
  assert.deepEqual(
    problems.map(({ file, line }) => [file, line]),
    [[s('tokens/operations.ts'), 2]],
  )
})

test('every door has a planted violation', () => {
  const tried = new Set([...planted.map(([what]) => what), 'writes unescaped SQL', 'makes code from text'])
  assert.deepEqual([...tried].sort(), doors.map(({ what }) => what).sort())
})
