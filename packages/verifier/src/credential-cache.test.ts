import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createCredentialCache } from './credential-cache.ts'
import { fuzz } from './testing/fuzz.ts'

type Kept = { readonly credential: string; readonly at: number }
const kept = (credential: string, at = 0): Kept => ({ credential, at })

/** Two that share a number, found by trying: thirty bits are soon met twice. */
function findTwins(): [string, string] {
  const seen = new Map<string, string>()
  for (let at = 0; ; at++) {
    const credential = `credential ${at}`
    const number = numberOf(credential)
    const other = seen.get(number)
    if (other !== undefined) return [other, credential]
    seen.set(number, credential)
  }
}

/** Written down anew: FNV-1a over the last twelve characters, of which thirty bits count. */
function numberOf(credential: string): string {
  let number = 0x811c9dc5n
  for (const character of credential.slice(-12)) {
    number ^= BigInt(character.charCodeAt(0))
    number = (number * 0x01000193n) & 0xffffffffn
  }
  return String(number & 0x3fffffffn)
}

test('of two that share a number both are found, each as itself, and none before it was kept', () => {
  const [ada, bob] = findTwins()
  const cache = createCredentialCache<Kept>(100)
  cache.set(ada, kept(ada, 1))
  assert.equal(cache.get(bob), undefined)
  cache.set(bob, kept(bob, 2))
  assert.deepEqual([cache.get(ada)?.at, cache.get(bob)?.at, cache.size], [1, 2, 2])
  cache.set(bob, kept(bob, 3))
  assert.deepEqual([cache.get(ada)?.at, cache.get(bob)?.at], [1, 3])
  cache.delete(ada)
  assert.equal(cache.get(ada), undefined)
})

test('who was kept aside and is kept in his own place later is not found as he was before', () => {
  const [ada, bob] = findTwins()
  const cache = createCredentialCache<Kept>(100)
  cache.set(ada, kept(ada))
  cache.set(bob, kept(bob, 1))
  cache.delete(ada)
  cache.set(bob, kept(bob, 2))
  cache.delete(bob)
  cache.set(ada, kept(ada))
  assert.equal(cache.get(bob), undefined)
})

test('however much comes, no more is kept than there is room for, and a sixty-fourth', () => {
  const cache = createCredentialCache<Kept>(1000)
  for (let at = 0; at < 20_000; at++) {
    cache.set(`session of ${at}`, kept(`session of ${at}`))
    assert.ok(cache.size <= 1016)
  }
  assert.ok(cache.size >= 500)
})

test('texts that end alike are no reason to forget one: all of the last twelve characters count', () => {
  const cache = createCredentialCache<Kept>(10_000)
  const names = Array.from({ length: 5000 }, (_, at) => `cookie-of-${at}`)
  for (const name of names) cache.set(name, kept(name))
  assert.equal(names.filter((name) => cache.get(name)?.credential !== name).length, 0)
})

test('it tells the newest of a credential or nothing: never another one, an older or a deleted one', async (t) => {
  const [ada, bob] = findTwins()
  const act = fc.record({
    kind: fc.constantFrom('set', 'get', 'delete', 'clear'),
    credential: fc.constantFrom(ada, bob, `x${ada}`, '', 'short', '__proto__', '\u{1f600}'.repeat(7)),
  })
  const given = fc.record({
    capacity: fc.integer({ min: 0, max: 6 }),
    story: fc.array(act, { maxLength: 30 }),
  })
  await fuzz(t, given, ({ capacity, story }) => {
    const cache = createCredentialCache<Kept>(capacity)
    const truth = new Map<string, number>()
    for (const [at, { kind, credential }] of story.entries()) {
      if (kind === 'set') {
        cache.set(credential, kept(credential, at))
        truth.set(credential, at)
      } else if (kind === 'delete') {
        cache.delete(credential)
        truth.delete(credential)
      } else if (kind === 'clear') {
        cache.clear()
        truth.clear()
      } else {
        const found = cache.get(credential)
        if (found === undefined) continue
        assert.deepEqual([found.credential, found.at], [credential, truth.get(credential)])
      }
    }
  })
})
