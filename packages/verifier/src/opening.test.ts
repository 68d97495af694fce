import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Opening, openedOnce } from './opening.ts'

test('many copies of a module open one thing, at the first call', async () => {
  let opened = 0
  const copy = () => openedOnce(async () => ({ number: ++opened }), 'many copies')
  const [first, second] = [copy(), copy()]
  assert.equal(opened, 0)
  const found = await Promise.all([first(), second(), first()])
  assert.equal(opened, 1)
  assert.equal(new Set(found).size, 1)
  assert.equal((await openedOnce(async () => ({ number: ++opened }), 'another name')()).number, 2)
})

test('what failed to open is opened again for whoever comes next', async () => {
  const answers = [Promise.reject(new Error('not yet')), Promise.resolve({ is: 'there' })]
  const opening = openedOnce(() => answers.shift() ?? Promise.reject(new Error('again')), 'fails once')
  await assert.rejects(opening(), /not yet/)
  assert.deepEqual(await opening(), { is: 'there' })
  assert.deepEqual(await opening(), { is: 'there' })
})

test('what is given is itself, and no other of the process', async () => {
  const given: Opening<{ name: string }>[] = [{ name: 'one' }, { name: 'other' }]
  const found = await Promise.all(given.map((one) => openedOnce(one, 'given')()))
  assert.deepEqual(found, given)
})
