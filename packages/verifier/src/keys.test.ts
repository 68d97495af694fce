import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeySet } from './key-set.ts'
import { createKeys } from './keys.ts'
import { handMachine } from './testing/machine.ts'
import { ed25519Key, es256Key, keySetOf } from './testing/signed.ts'

function scene(first: KeySet | null) {
  const machine = handMachine(() => null)
  const world = { set: first, fetched: 0 }
  const keys = createKeys({
    machine,
    async fetchKeys() {
      world.fetched++
      return world.set
    },
  })
  return { machine, keys, world }
}

const es256 = keySetOf(es256Key)
const both = keySetOf(es256Key, ed25519Key)

test('a key that is known is found without a fetch', async () => {
  const { keys, world } = scene(es256)
  await keys.refresh()
  for (let count = 0; count < 100; count++)
    assert.equal(await keys.find(es256Key.kid), es256.get(es256Key.kid))
  assert.equal(world.fetched, 1)
})

test('a key that is not known is looked for once in 30 s, however many ask for however many', async () => {
  const { keys, machine, world } = scene(es256)
  await keys.refresh()
  await machine.pass(30_000)
  const asked = Array.from({ length: 100 }, (_, index) => keys.find(`made-up-${index}`))
  assert.deepEqual(new Set(await Promise.all(asked)), new Set(['unknown']))
  assert.equal(world.fetched, 2)
  await machine.pass(29_999)
  assert.equal(await keys.find('made-up'), 'unknown')
  assert.equal(world.fetched, 2)
  world.set = both
  await machine.pass(1)
  assert.equal(await keys.find(ed25519Key.kid), both.get(ed25519Key.kid))
  assert.equal(world.fetched, 3)
})

test('where no keys ever came nobody can say; once they come, one can', async () => {
  const { keys, machine, world } = scene(null)
  assert.equal(await keys.find(es256Key.kid), 'unavailable')
  assert.equal(await keys.find(es256Key.kid), 'unavailable')
  assert.equal(world.fetched, 1)
  world.set = es256
  await machine.pass(1_500)
  assert.equal(await keys.find(es256Key.kid), es256.get(es256Key.kid))
})

test('a fetch that fails leaves the keys from before, and says nothing about others', async () => {
  const { keys, machine, world } = scene(es256)
  await keys.refresh()
  world.set = null
  await machine.pass(30_000)
  assert.equal(await keys.find('other'), 'unavailable')
  assert.equal(await keys.find(es256Key.kid), es256.get(es256Key.kid))
})

test('keys are fetched again after five minutes, and one that is gone then is not believed any more', async () => {
  const { keys, machine, world } = scene(both)
  await keys.refresh()
  world.set = es256
  await machine.pass(299_999)
  keys.keepFresh()
  assert.equal(await keys.find(ed25519Key.kid), both.get(ed25519Key.kid))
  await machine.pass(1)
  keys.keepFresh()
  await machine.pass(0)
  assert.equal(world.fetched, 2)
  assert.equal(await keys.find(ed25519Key.kid), 'unknown')
})

test('news of the keys is a fetch at once and one more in a moment, however much news comes at once', async () => {
  const { keys, machine, world } = scene(es256)
  await keys.refresh()
  world.set = both
  for (let count = 0; count < 100; count++) keys.renew()
  assert.equal(await keys.find(ed25519Key.kid), both.get(ed25519Key.kid))
  assert.equal(world.fetched, 2)
  await machine.pass(60_000)
  // What came while the first fetch was on its way may have come after it left.
  assert.ok(world.fetched <= 5, `${world.fetched} fetches`)
  const before = world.fetched
  keys.renew()
  await machine.pass(60_000)
  assert.equal(world.fetched, before + 2)
})

test('a fetch that left before the news is not taken for the answer to it', async () => {
  const machine = handMachine(() => null)
  const answers: ((set: KeySet) => void)[] = []
  const keys = createKeys({ machine, fetchKeys: () => new Promise((resolve) => answers.push(resolve)) })
  void keys.refresh()
  keys.renew()
  answers[0]?.(es256)
  await machine.pass(0)
  assert.equal(answers.length, 2)
  answers[1]?.(both)
  await machine.pass(0)
  assert.equal(await keys.find(ed25519Key.kid), both.get(ed25519Key.kid))
})

test('where a server answers that has not heard the news yet, the key is found within a moment', async () => {
  const { keys, machine, world } = scene(es256)
  await keys.refresh()
  keys.renew()
  await machine.pass(0)
  assert.equal(await keys.find(ed25519Key.kid), 'unknown')
  world.set = both
  await machine.pass(249)
  assert.equal(await keys.find(ed25519Key.kid), 'unknown')
  await machine.pass(1)
  assert.equal(await keys.find(ed25519Key.kid), both.get(ed25519Key.kid))
})

test('after news made-up ids fetch a few times more, and then once in 30 s as ever', async () => {
  const { keys, machine, world } = scene(es256)
  await keys.refresh()
  keys.renew()
  for (let moment = 0; moment < 3000; moment++) {
    await keys.find(`made-up-${moment}`)
    if (moment % 10 === 0) await machine.pass(100)
  }
  // Thirty seconds went by.
  assert.ok(world.fetched <= 12, `${world.fetched} fetches`)
})
