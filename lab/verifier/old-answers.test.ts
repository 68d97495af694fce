import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signIn } from '../chaos/visitor.ts'
import { email, openScene, outcome, until } from './scene.ts'

const scene = await openScene()
const { relay } = scene
const { origin } = scene.server()
const asked = () => relay.count('/oauth/introspect')
const live = () => relay.moveTo(Number(new URL(origin).port))

async function end(pair: Awaited<ReturnType<typeof signIn>>): Promise<void> {
  const headers = { authorization: `Bearer ${pair.access_token}` }
  const answer = await fetch(`${origin}/auth/sessions/${pair.session.id}`, { method: 'DELETE', headers })
  assert.equal(answer.status, 204)
}

test('A-70: a verifier that is given an old snapshot learns the rest from the log, and is not fresh without it', async () => {
  const [ended, good] = [await signIn(origin, email), await signIn(origin, email)]
  relay.keepAnswers('/feed/snapshot')
  const early = await scene.verifier()
  await end(ended)
  await until('session_ended', () => early.verify(ended.access_token), 10_000)
  // Its snapshot is the one from before the end.
  const late = await scene.verifier()
  await until('session_ended', () => late.verify(ended.access_token), 10_000)
  assert.equal(late.status().applied, early.status().applied)
  const before = asked()
  assert.equal(await outcome(() => late.verify(good.access_token)), 'accepted')
  assert.equal(asked(), before)

  relay.fallSilent('/feed/log')
  const kept = await scene.verifier()
  assert.deepEqual([kept.status().connected, kept.status().age], [false, null])
  assert.equal(await outcome(() => kept.verify(ended.access_token, { lenient: true })), 'session_ended')
  assert.ok(asked() > before, 'it had to ask')
  live()
})

test('A-73: old answers of the feed that a cache gives as fresh ones make no verifier fresh, and let nobody in', async () => {
  const [ended, good] = [await signIn(origin, email), await signIn(origin, email)]
  relay.keepAnswers('/feed/')
  const recorded = await scene.verifier()
  for (const { access_token } of [ended, good])
    assert.equal(await outcome(() => recorded.verify(access_token)), 'accepted')
  const said: string[] = []
  const log = ({ message }: { message: string }) => said.push(message)
  // Hello, heartbeats and snapshot are those of the first one, and so they are not an answer to this one.
  const verifier = await scene.verifier({ log })
  assert.deepEqual([verifier.status().connected, verifier.status().age], [false, null])
  assert.match(said.join('\n'), /it cannot be believed \(nonce_wrong\)/)
  const before = asked()
  assert.equal(await outcome(() => verifier.verify(good.access_token)), 'accepted')
  assert.equal(asked(), before + 1, 'not by what the cache says')
  await end(ended)
  assert.equal(await outcome(() => verifier.verify(ended.access_token)), 'session_ended')
  relay.fallSilent('/oauth/introspect')
  const unseen = (await signIn(origin, email)).access_token
  for (const route of [undefined, { critical: true }] as const)
    assert.equal(await outcome(() => verifier.verify(unseen, route)), 'feed_stale')
  live()
  await until('accepted', () => verifier.verify(unseen), 20_000)
  assert.equal(await outcome(() => verifier.verify(ended.access_token)), 'session_ended')
})
