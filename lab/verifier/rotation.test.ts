// Why: keys are fetched at most once in 30 s on the word of a token. An operator who rotates does not wait for that.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verifier } from '@counterfoil/verifier'
import { signIn } from '../chaos/visitor.ts'
import { email, openScene, outcome, until } from './scene.ts'

const scene = await openScene()
const { relay } = scene
const { origin } = scene.server()
/** Far less than the 30 s, and far more than it takes. */
const soon = 20_000

const kidOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString()).kid
const fetches = () => relay.count('/.well-known/jwks.json')
const newToken = async () => (await signIn(origin, email)).access_token

/** A server goes on signing with the key that it read for up to a second. */
async function tokenOfAnotherKey(old: string): Promise<string> {
  for (const began = performance.now(); ; ) {
    const token = await newToken()
    if (kidOf(token) !== kidOf(old)) return token
    assert.ok(performance.now() - began < soon, 'the old key goes on signing')
  }
}

/** On a route that asks for as little as any may. */
async function refusal(verifier: Verifier, token: string): Promise<string> {
  const found = await outcome(() => verifier.verify(token, { lenient: true }))
  return found === 'session_ended' || found === 'credential_invalid' ? 'refused' : found
}

/** Has just fetched the keys, so that nothing but the feed makes it fetch them again. */
async function justStarted(): Promise<{ verifier: Verifier; old: string }> {
  const [verifier, old] = [await scene.verifier(), await newToken()]
  await verifier.verify(old)
  const before = fetches()
  for (let index = 0; index < 50; index++) {
    const [, claims, signature] = old.split('.')
    const header = { typ: 'at+jwt', alg: 'ES256', kid: `made-up-${index}` }
    const madeUp = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${claims}.${signature}`
    assert.equal(await outcome(() => verifier.verify(madeUp)), 'credential_invalid')
  }
  assert.equal(fetches(), before, 'made-up ids fetch nothing')
  return { verifier, old }
}

test('after a rotation what the new key signs is accepted at once, and what the old one signed stays good', async (t) => {
  const { verifier, old } = await justStarted()
  const before = fetches()
  await scene.command('keys', 'rotate', '--now')
  const token = await tokenOfAnotherKey(old)
  const taken = await until('accepted', () => verifier.verify(token), soon)
  t.diagnostic(`accepted after ${Math.round(taken)} ms`)
  assert.equal(await outcome(() => verifier.verify(old)), 'accepted')
  const more = fetches() - before
  assert.ok(more >= 1 && more <= 10, `${more} fetches`)
})

test('after an emergency what the stolen key signed is refused at once, seen before or not, and the next key is taken', async () => {
  const { verifier, old } = await justStarted()
  const unseen = await newToken()
  assert.equal(kidOf(unseen), kidOf(old))
  await scene.command('keys', 'rotate', '--compromised')
  // Ended by the feed, or of a key that is not published any more: whichever comes first.
  for (const began = performance.now(); (await refusal(verifier, old)) !== 'refused'; )
    assert.ok(performance.now() - began < soon, 'the stolen key is believed')
  assert.equal(await refusal(verifier, unseen), 'refused')
  const token = await tokenOfAnotherKey(old)
  await until('accepted', () => verifier.verify(token), soon)
  for (const stolen of [old, unseen]) assert.equal(await refusal(verifier, stolen), 'refused')
})
