import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { catalogue } from './catalogue.ts'

const folder = import.meta.dirname
const read = (file: string) => readFileSync(join(folder, file), 'utf8')
const ids = Array.from({ length: 36 }, (_, at) => `A-${at + 1}`)

/** The attacks that the names of a file's tests begin with. */
function attacksIn(file: string): Set<string> {
  const named = /\bit\(\s*['"`](A-\d+):? /g
  return new Set([...read(file).matchAll(named)].map(([, id = '']) => id))
}

test('every attack on requests and sessions is in the catalogue once, under the sentence of docs/threats.md', () => {
  assert.deepEqual(
    catalogue.map(({ id }) => id),
    ids,
  )
  const rows = readFileSync(join(folder, '../../docs/threats.md'), 'utf8').matchAll(
    /^\| (A-\d+) \| (.*?) \| /gm,
  )
  const sentences = new Map([...rows].map(([, id = '', sentence = '']) => [id, sentence]))
  for (const { id, attack } of catalogue) assert.equal(attack, sentences.get(id), id)
})

test('every attack succeeds somewhere before it fails at ours, or the catalogue says why not', () => {
  for (const { id, falls, note } of catalogue)
    assert.ok(falls.length > 0 || note !== null, `${id} has no control, and no reason`)
  const withoutControl = catalogue.filter(({ falls }) => falls.length === 0).map(({ id }) => id)
  assert.deepEqual(withoutControl, [], 'so far there is a way to show each of them')
})

test('each file of the catalogue has a test by the name of each of its attacks, and ends by asking for its controls', () => {
  for (const { id, falls, also } of catalogue) {
    for (const file of [...falls, ...also]) assert.ok(attacksIn(file).has(id), `${file} has no test of ${id}`)
    for (const file of falls)
      assert.match(
        read(file),
        new RegExp(`^everyAttackIsReal\\('${file.replaceAll('.', '\\.')}'\\)$`, 'm'),
        file,
      )
  }
})

test('no file plays an attack that the catalogue does not say of it', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.test.ts'))) {
    const known = catalogue
      .filter(({ falls, also }) => [...falls, ...also].includes(file))
      .map(({ id }) => id)
    const played = [...attacksIn(file)].filter((id) => ids.includes(id))
    assert.deepEqual(played.sort(), known.sort(), file)
  }
})
