import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkDependencies } from './check-dependencies.ts'
import { plantTree } from './planted-tree.ts'

const json = JSON.stringify
const head = '| Dependency | Licence | Comes | What for | Why |\n|---|---|---|---|---|\n'
const row = '| `left` | MIT | installed | padding | it is hard |\n'
const locked = {
  'packages/server': { dependencies: { left: '1.0.0' } },
  'node_modules/left': { license: 'MIT', dependencies: { deep: '1.0.0' } },
  'node_modules/left/node_modules/deep': { license: 'MIT' },
  'node_modules/deep': { license: 'MIT', hasInstallScript: true },
}
const tree = {
  'packages/verifier/package.json': '{}',
  'packages/browser/package.json': '{}',
  'packages/server/package.json': json({ dependencies: { left: '1.0.0' } }),
  'packages/server/src/a.ts': "import { pad } from 'left/pad'\n",
  'package-lock.json': json({ packages: locked }),
  'docs/dependencies.md': head + row,
}

test('a dependency that is used, pinned and explained is in order, whatever others bring', (t) => {
  assert.deepEqual(checkDependencies(plantTree(t, tree)), [])
})

const deepScript = { ...locked, 'node_modules/left/node_modules/deep': { hasInstallScript: true } }
const faults: [what: string, planted: Record<string, string>, found: RegExp][] = [
  [
    'a dependency of the verifier',
    { 'packages/verifier/package.json': json({ dependencies: { left: '1.0.0' } }) },
    /no dependencies/,
  ],
  ['a dependency without a row', { 'docs/dependencies.md': head }, /add a row for `left`/],
  [
    'a row without a reason',
    { 'docs/dependencies.md': `${head}| \`left\` | MIT | installed | padding | |\n` },
    /a reason/,
  ],
  [
    'a row with another licence',
    { 'docs/dependencies.md': head + row.replace('MIT', 'BSD') },
    /licence of `left` is MIT/,
  ],
  [
    'a row that says it comes another way',
    { 'docs/dependencies.md': head + row.replace('installed', 'compiled in') },
    /`left` comes installed/,
  ],
  [
    'a row of something that is not there',
    { 'docs/dependencies.md': head + row + row.replace('left', 'right') },
    /does not depend on `right`/,
  ],
  [
    'a range',
    { 'packages/server/package.json': json({ dependencies: { left: '^1.0.0' } }) },
    /pin left to one version/,
  ],
  ['a dependency that nothing imports', { 'packages/server/src/a.ts': '' }, /nothing imports left/],
  [
    'an install script, however far down',
    { 'package-lock.json': json({ packages: deepScript }) },
    /left\/node_modules\/deep runs a script/,
  ],
]
for (const [what, planted, found] of faults) {
  test(`${what} is a problem`, (t) => {
    const [problem, ...more] = checkDependencies(plantTree(t, { ...tree, ...planted }))
    assert.deepEqual(more, [])
    assert.match(problem?.message ?? '', found)
  })
}

test('what is compiled in has to be said to be', (t) => {
  const [problem] = checkDependencies(plantTree(t, tree), ['left'])
  assert.match(problem?.message ?? '', /`left` comes compiled in/)
})
