import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkImports } from './check-imports.ts'
import { plantTree } from './planted-tree.ts'

const s = (path: string) => `packages/server/src/${path}`
const imports = (specifier: string) => `import { x } from '${specifier}'\n`

const allowed: [string, string][] = [
  [s('sessions/operations.ts'), imports('../accounts/index.ts')],
  [s('sessions/operations.ts'), imports('./store.ts')],
  [s('sessions/store.ts'), imports('../db/schema.ts')],
  [s('sessions/store.ts'), imports('../db/template.ts')],
  [s('sessions/session.ts'), imports('../policy.ts')],
  [s('sessions/routes.ts'), `${imports('../http/route.ts')}export const f = (r: Request) => r\n`],
  [s('sessions/pages.ts'), imports('../http/html.ts')],
  [s('sessions/index.ts'), `export { x } from './operations.ts'\n`],
  [s('http/handler.ts'), imports('../carriers/index.ts')],
  [s('http/html.ts'), imports('./assets.ts')],
  [s('auth.ts'), imports('./node/clock.ts') + imports('./sessions/index.ts')],
  [s('cli/serve.ts'), imports('../node/listen.ts') + imports('../auth.ts')],
  [s('node/clock.ts'), imports('../machine.ts') + imports('node:crypto')],
  [s('cli/attack.ts'), imports('../attack/index.ts')],
  [s('attack/wire.ts'), imports('./target.ts') + imports('../machine.ts') + imports('node:http')],
  [s('tokens/check.ts'), imports('@counterfoil/verifier') + imports('kysely')],
  [s('sessions/x.test.ts'), imports('../node/clock.ts') + imports('node:fs')],
  [s('testing/kit.ts'), imports('../node/clock.ts')],
  [s('sessions/session.ts'), `// import { x } from '../http/handler.ts'\nconst a = 'Response'\n`],
  ['packages/verifier/src/signatures.ts', imports('node:crypto')],
  ['packages/verifier/src/cryptography.ts', imports('#signatures')],
  ['packages/verifier/src/guard.ts', imports('./refusal.ts')],
  ['lab/bench/x.ts', imports('counterfoil') + imports('../../tools/postgres.ts') + imports('node:fs')],
]

const refused: [string, string, RegExp][] = [
  [s('accounts/operations.ts'), imports('../sessions/index.ts'), /not above sessions/],
  [s('grants/operations.ts'), imports('../passwords/index.ts'), /not above passwords/],
  [s('sessions/operations.ts'), imports('../accounts/store.ts'), /accounts\/index\.ts/],
  [s('sessions/store.ts'), imports('./operations.ts'), /facts <- store/],
  [s('sessions/operations.ts'), imports('./routes.ts'), /facts <- store/],
  [s('sessions/session.ts'), imports('./store.ts'), /facts <- store/],
  [s('sessions/session.ts'), imports('./index.ts'), /facts <- store/],
  [s('sessions/operations.ts'), imports('../http/route.ts'), /not above http/],
  [s('sessions/routes.ts'), imports('../http/handler.ts'), /not above http/],
  [s('sessions/operations.ts'), imports('../node/clock.ts'), /does not import node\/clock/],
  [s('sessions/operations.ts'), imports('../db/open.ts'), /does not import db\/open/],
  [s('sessions/operations.ts'), imports('../auth.ts'), /does not import auth/],
  [s('sessions/operations.ts'), imports('node:crypto'), /do not touch the machine/],
  [s('sessions/operations.ts'), imports('crypto'), /do not touch the machine/],
  [
    s('sessions/operations.ts'),
    `const x = await import('../node/clock.ts')\n`,
    /does not import node\/clock/,
  ],
  [s('sessions/operations.ts'), `import type {\n  X,\n} from '../http/handler.ts'\n`, /not above http/],
  [s('sessions/operations.ts'), 'export const f = (request: Request) => request\n', /know Request/],
  [s('policy.ts'), imports('./sessions/index.ts'), /open to every room/],
  [s('http/route.ts'), imports('../sessions/index.ts'), /open to every room/],
  [s('http/handler.ts'), imports('../node/clock.ts'), /does not import node\/clock/],
  [s('attack/run.ts'), imports('../sessions/index.ts'), /attack\/ imports only/],
  [s('attack/run.ts'), imports('../node/clock.ts'), /attack\/ imports only/],
  [s('cli/attack.ts'), imports('../attack/run.ts'), /attack\/index\.ts/],
  [s('auth.ts'), imports('./attack/index.ts'), /only cli/],
  [s('node/clock.ts'), imports('../sessions/index.ts'), /node\/ imports only/],
  [s('db/open.ts'), imports('../sessions/index.ts'), /db\/ does not import/],
  [s('cli/serve.ts'), imports('../sessions/store.ts'), /sessions\/index\.ts/],
  [s('auth.ts'), imports('./cli/serve.ts'), /auth\.ts does not import/],
  [s('auth.ts'), imports('./sessions/operations.ts'), /sessions\/index\.ts/],
  [s('index.ts'), imports('./node/clock.ts'), /index\.ts does not import/],
  [s('stray.ts'), imports('./auth.ts'), /no place in the house/],
  [s('tokens/check.ts'), imports('../../../verifier/src/index.ts'), /@counterfoil\/verifier/],
  [s('tokens/check.ts'), imports('@counterfoil/verifier/src/guard.ts'), /only @counterfoil\/verifier/],
  ['packages/verifier/src/guard.ts', imports('node:crypto'), /imports nothing/],
  ['packages/verifier/src/guard.ts', imports('#signatures'), /only cryptography\.ts/],
  ['packages/verifier/src/signatures-web.ts', imports('node:crypto'), /imports nothing/],
  ['packages/verifier/src/guard.ts', imports('zod'), /imports nothing/],
  ['packages/verifier/src/guard.ts', imports('../../server/src/policy.ts'), /stay inside/],
  ['packages/browser/src/index.ts', imports('@counterfoil/verifier'), /imports nothing/],
  ['packages/browser/src/client.ts', imports('react'), /only react\.ts/],
  ['packages/browser/src/react.ts', imports('react-dom'), /only react\.ts/],
  ['lab/bench/x.ts', imports('../../packages/server/src/auth.ts'), /stay inside lab/],
  ['examples/bank/x.ts', imports('counterfoil/src/auth.ts'), /public door/],
]

for (const [file, text] of allowed) {
  test(`${file} may hold ${JSON.stringify(text)}`, (t) => {
    assert.deepEqual(checkImports(plantTree(t, { [file]: text })), [])
  })
}

for (const [file, text, message] of refused) {
  test(`${file} may not hold ${JSON.stringify(text)}`, (t) => {
    const problems = checkImports(plantTree(t, { [file]: text }))
    assert.equal(problems.length, 1)
    assert.equal(problems[0]?.file, file)
    assert.match(problems[0]?.message ?? '', message)
  })
}

test('a problem names the line of the import', (t) => {
  const text = `/* one\ntwo */\n${imports('node:fs')}`
  const [problem] = checkImports(plantTree(t, { [s('mail/mail.ts')]: text }))
  assert.equal(problem?.line, 3)
})
