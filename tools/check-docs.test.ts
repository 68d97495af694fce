import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDocs } from './check-docs.ts'
import { plantTree } from './planted-tree.ts'

const tree: Readonly<Record<string, string>> = {
  'packages/server/src/refusals.ts':
    'export const refusals = { not_found: { status: 404 }, broken: { status: 500 } }',
  'packages/server/src/policy.ts':
    'export const policySchema = { parse: () => ({ idleSeconds: 300, algorithm: "ES256", origins: [] }) }',
  'packages/server/src/attack/catalogue.ts': 'export const checks = [{ id: "forged", severity: "high" }]',
  'docs/attack.md':
    '| member |\n|---|\n| `consent` |\n\n| check | severity |\n|---|---|\n| `forged` | high |\n',
  'docs/errors.md': '# Errors\n\n| code | status |\n|---|---|\n| `not_found` | 404 |\n| `broken` | 500 |\n',
  'docs/policy.md':
    '| setting | from | default |\n|---|---|---|\n| `idleSeconds` | 1 | `300` |\n| `algorithm` | | `ES256` |\n| `origins` | | `[]` |\n',
  'packages/server/src/events.ts': 'export const eventKinds = ["session_ended", "key_stolen"]',
  'docs/events.md': '| event | when |\n|---|---|\n| `session_ended` | x |\n| `key_stolen` | x |\n',
  'packages/server/src/cli/main.ts':
    'const leaf = (name, more) => ({ name: () => name, commands: [], options: [{ flags: "--data <folder>", long: "--data" }], registeredArguments: [], ...more })\n' +
    'const group = { ...leaf("keys"), commands: [leaf("list"), leaf("drop", { registeredArguments: [{ name: () => "id", required: true }] })] }\n' +
    'export const program = () => ({ ...leaf("counterfoil"), commands: [leaf("serve"), group] })',
  'docs/cli.md':
    '| command | flags |\n|---|---|\n| `serve` | `--data` |\n| `keys list` | `--data` |\n| `keys drop <id>` | `--data` |\n\n| flag | |\n|---|---|\n| `--data <folder>` | x |\n',
  'docs/http.md': '| route | does |\n|---|---|\n| `GET /session` | x |\n| `POST /token/refresh` | y |\n',
}
const routes = [
  { method: 'get', path: '/session' },
  { method: 'POST', path: '/token/refresh' },
]

test('documents that say what the code says are in order', async (t) => {
  assert.deepEqual(await checkDocs(plantTree(t, tree), { routes }), [])
})

const faults: { file: string; swap: [string, string] | null; found: RegExp; line?: number }[] = [
  { file: 'docs/errors.md', swap: ['| `broken` | 500 |\n', ''], found: /add a row for the refusal `broken`/ },
  { file: 'docs/errors.md', swap: ['500', '503'], found: /status of `broken` is 500, not 503/, line: 6 },
  {
    file: 'docs/errors.md',
    swap: ['broken', 'ruined'],
    found: /has no refusal `ruined`|row for the refusal `broken`/,
  },
  {
    file: 'docs/errors.md',
    swap: ['| `broken` | 500 |', '| `broken` | 500 |\n| `broken` | 500 |'],
    found: /row already/,
  },
  { file: 'docs/errors.md', swap: null, found: /write it/ },
  { file: 'docs/policy.md', swap: ['`300`', '`200`'], found: /default of `idleSeconds` is 300/, line: 3 },
  { file: 'docs/policy.md', swap: ['`ES256`', ''], found: /default of `algorithm` is ES256/ },
  {
    file: 'docs/policy.md',
    swap: ['| `origins` | | `[]` |\n', ''],
    found: /add a row for the setting `origins`/,
  },
  { file: 'docs/policy.md', swap: null, found: /write it/ },
  {
    file: 'docs/http.md',
    swap: ['| `GET /session` | x |\n', ''],
    found: /add a row for the route `GET \/session`/,
  },
  {
    file: 'docs/http.md',
    swap: ['POST /token/refresh', 'PUT /token'],
    found: /no route `PUT \/token`|add a row/,
  },
  { file: 'docs/http.md', swap: null, found: /write it/ },
  {
    file: 'docs/events.md',
    swap: ['| `key_stolen` | x |\n', ''],
    found: /add a row for the event `key_stolen`/,
  },
  { file: 'docs/events.md', swap: null, found: /write it/ },
  {
    file: 'docs/cli.md',
    swap: ['| `keys list` | `--data` |\n', ''],
    found: /add a row for the command `keys list`/,
  },
  {
    file: 'docs/cli.md',
    swap: ['`keys drop <id>` | `--data`', '`keys drop <id>` | `--data --force`'],
    found: /flags of `keys drop <id>` is --data, not/,
  },
  {
    file: 'docs/cli.md',
    swap: ['| `--data <folder>` | x |\n', ''],
    found: /add a row for the flag `--data <folder>`/,
  },
  { file: 'docs/attack.md', swap: ['| `forged` | high |\n', ''], found: /add a row for the check `forged`/ },
  { file: 'docs/attack.md', swap: ['high', 'low'], found: /severity of `forged` is high, not low/, line: 7 },
  { file: 'docs/attack.md', swap: ['`forged`', '`faked`'], found: /no check `faked`|add a row/ },
]

for (const { file, swap, found, line } of faults) {
  const fault = swap === null ? 'is missing' : `has ${JSON.stringify(swap[1])} for ${JSON.stringify(swap[0])}`
  test(`it is a problem when ${file} ${fault}`, async (t) => {
    const { [file]: text = '', ...rest } = tree
    const planted = swap === null ? rest : { ...tree, [file]: text.replace(swap[0], swap[1]) }
    assert.notDeepEqual(planted, tree)
    const problems = await checkDocs(plantTree(t, planted), { routes })
    assert.ok(problems.length > 0)
    for (const problem of problems) {
      assert.equal(problem.file, file)
      assert.match(problem.message, found)
    }
    if (line !== undefined) assert.equal(problems[0]?.line, line)
  })
}
