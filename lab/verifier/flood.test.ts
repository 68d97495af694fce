import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { signIn } from '../chaos/visitor.ts'
import { email, openScene, outcome } from './scene.ts'

const scene = await openScene()
const { relay } = scene
const questions = () => relay.count('/feed/statement')
const madeUp = () => randomBytes(48).toString('base64url')

test('A-127: five thousand made-up cookies at once turn nobody away, and cost a fiftieth of as many requests', async () => {
  const verifier = await scene.verifier()
  let flood: string[] = []
  let found: string[] = []
  // Whoever has waited for two seconds is turned away, and a machine that is busy elsewhere may stand still for as long: one
  // flood of a few has to go through.
  for (let attempt = 0; attempt < 8 && (attempt === 0 || found.includes('feed_stale')); attempt++) {
    const honest = await Promise.all([scene.cookie(), scene.cookie(), scene.cookie()])
    const before = questions()
    flood = Array.from({ length: 5000 }, madeUp)
    const all = [...flood, ...honest].map((value) => outcome(() => verifier.verifyCookie(value)))
    found = await Promise.all(all)
    assert.ok(questions() - before <= 100, `${questions() - before} requests`)
  }
  assert.deepEqual(new Set(found.slice(0, flood.length)), new Set(['nobody']))
  assert.deepEqual(found.slice(flood.length), ['accepted', 'accepted', 'accepted'])
  // Again at once: they are remembered as nobody's.
  const asked = questions()
  for (const value of flood) assert.equal(await verifier.verifyCookie(value), null)
  assert.equal(questions(), asked)
})

test('A-127: while made-up cookies come without an end, who is known is not kept waiting and a token is asked about', async () => {
  const verifier = await scene.verifier()
  const pair = await signIn(scene.server().origin, email)
  const cookie = await scene.cookie()
  await verifier.verifyCookie(cookie)
  await verifier.verify(pair.access_token)
  relay.fallSilent('/feed/statement')
  const flood = Array.from({ length: 4000 }, () => outcome(() => verifier.verifyCookie(madeUp())))
  assert.equal(await outcome(() => verifier.verifyCookie(cookie)), 'accepted')
  relay.fallSilent('/feed/st')
  relay.cutOff()
  await new Promise((resolve) => setTimeout(resolve, 1500))
  assert.equal(await outcome(() => verifier.verify(pair.access_token, { maxStale: 1 })), 'accepted')
  assert.ok(relay.count('/oauth/introspect') >= 1)
  assert.deepEqual(new Set(await Promise.all(flood)), new Set(['feed_stale']))
})
