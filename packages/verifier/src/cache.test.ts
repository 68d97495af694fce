import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createCache } from './cache.ts'
import { fuzz } from './testing/fuzz.ts'

const fill = (cache: ReturnType<typeof createCache<number>>, prefix: string, count: number) => {
  for (let at = 0; at < count; at++) cache.set(`${prefix}${at}`, at)
}

test('a cache never holds more than its capacity, however much comes', () => {
  const cache = createCache<number>(100)
  for (let at = 0; at < 1000; at++) {
    cache.set(`k${at}`, at)
    assert.ok(cache.size <= 100)
  }
  assert.ok(cache.size >= 50)
})

test('who sends requests is not pushed out by any number of others that send none', () => {
  const cache = createCache<number>(100)
  cache.set('busy', 7)
  for (let round = 0; round < 100; round++) {
    fill(cache, `idle ${round} `, 49)
    assert.equal(cache.get('busy'), 7, `pushed out in round ${round}`)
  }
})

test('who sends none is gone after a whole capacity of others', () => {
  const cache = createCache<number>(100)
  cache.set('idle', 7)
  fill(cache, 'other ', 100)
  assert.equal(cache.get('idle'), undefined)
})

test('what is written again is the newer value alone, in whichever generation the older one was', () => {
  const cache = createCache<number>(4)
  cache.set('a', 1)
  fill(cache, 'x', 2)
  cache.set('a', 2)
  assert.equal(cache.get('a'), 2)
  cache.delete('a')
  assert.equal(cache.get('a'), undefined)
})

test('what was deleted does not come back from the older generation, and a cleared cache is empty', () => {
  const cache = createCache<number>(4)
  cache.set('a', 1)
  fill(cache, 'x', 2)
  cache.delete('a')
  assert.equal(cache.get('a'), undefined)
  cache.clear()
  assert.deepEqual([cache.size, cache.get('x0'), cache.get('x1')], [0, undefined, undefined])
})

test('a cache tells the newest value or nothing: never an older one, never a deleted one', async (t) => {
  const act = fc.record({
    kind: fc.constantFrom('set', 'get', 'delete', 'clear'),
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e', '__proto__'),
  })
  const given = fc.record({
    capacity: fc.integer({ min: 0, max: 8 }),
    story: fc.array(act, { maxLength: 30 }),
  })
  await fuzz(t, given, ({ capacity, story }) => {
    const cache = createCache<number>(capacity)
    const truth = new Map<string, number>()
    for (const [at, { kind, key }] of story.entries()) {
      if (kind === 'set') {
        cache.set(key, at)
        truth.set(key, at)
      } else if (kind === 'delete') {
        cache.delete(key)
        truth.delete(key)
      } else if (kind === 'clear') {
        cache.clear()
        truth.clear()
      } else {
        const found = cache.get(key)
        assert.ok(found === undefined || found === truth.get(key))
      }
      assert.ok(cache.size <= Math.max(2, capacity) && cache.size <= truth.size)
    }
    const last = story.at(-1)
    if (last?.kind === 'set') assert.equal(cache.get(last.key), story.length - 1, 'what came last is there')
  })
})
