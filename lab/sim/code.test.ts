import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { plantTree } from '../../tools/planted-tree.ts'
import { read, repositoryRoot as root } from '../../tools/source.ts'
import { codeDigest, simulatedSources, staleRuns } from './code.ts'

const planted = () =>
  Object.fromEntries(simulatedSources(root).map((file) => [file, read(root, file)] as const))
const view = 'packages/verifier/src/view.ts'

test('the digest is of every core that the simulator runs and of the world around it', () => {
  const files = simulatedSources(root)
  for (const file of [view, 'packages/server/src/feed/hub.ts', 'lab/sim/world.ts'])
    assert.ok(files.includes(file))
  assert.ok(files.every((file) => existsSync(join(root, file)) && !file.endsWith('.test.ts')))
  assert.match(codeDigest(root), /^[\w-]{22}$/)
})

test('a comment, a line that is broken elsewhere and a day’s figures change no digest; anything that decides does', (t) => {
  const files = planted()
  const text = files[view] ?? ''
  const digestOf = (changes: Record<string, string>) => codeDigest(plantTree(t, { ...files, ...changes }))
  const before = digestOf({})
  assert.equal(digestOf({ [view]: `// A word.\n${text.replaceAll('\n', '\n\n')}` }), before)
  assert.equal(digestOf({ 'lab/sim/day.ts': 'export const other = 1\n' }), before)
  assert.notEqual(
    digestOf({ [view]: text.replace('position > view.applied', 'position >= view.applied') }),
    before,
  )
  assert.notEqual(digestOf({ 'lab/sim/one-more.ts': 'export const more = 1\n' }), before)
})

test('a run that other code made is named with the command that makes it again, and no other', (t) => {
  const files = planted()
  const code = codeDigest(plantTree(t, files))
  const command = 'npm run sim -- --seeds 7 --seed 1'
  const results = {
    'fresh.json': { command, code },
    'old.json': { command, code: 'x' },
    'older.json': { command },
    'day.json': { command: 'npm run sim -- --day' },
  }
  const written = Object.entries(results).map(
    ([name, result]) => [`lab/sim/results/${name}`, JSON.stringify(result)] as const,
  )
  const stale = staleRuns(plantTree(t, { ...files, ...Object.fromEntries(written) }))
  assert.equal(stale.length, 2)
  for (const [index, name] of ['old', 'older'].entries())
    assert.ok(stale[index]?.endsWith(`${command} --out lab/sim/results/${name}.json`), stale[index])
})
