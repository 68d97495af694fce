import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { signIn } from '../chaos/visitor.ts'
import { email, openScene, outcome, until } from './scene.ts'

// How long things may take is what these are about, so they take their time.
const maxStale = 2
/** Within 5 s: proven where time is counted, in the verifier's recovery.test.ts. Here a busy machine may take its time. */
const back = 60_000
const settle = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

test('started before its server, a verifier refuses everything, and begins by itself', async (t) => {
  const scene = await openScene()
  const pair = await signIn(scene.server().origin, email)
  const cookie = await scene.cookie()
  await scene.server().kill()
  const verifier = await scene.verifier()
  assert.deepEqual(verifier.status(), { epoch: 0, applied: 0, age: null, connected: false, entries: 0 })
  assert.equal(await outcome(() => verifier.verify(pair.access_token)), 'feed_stale')
  assert.equal(await outcome(() => verifier.verify(pair.access_token, { lenient: true })), 'feed_stale')
  assert.equal(await outcome(() => verifier.verifyCookie(cookie)), 'feed_stale')
  await settle(3000)
  await scene.startAgain()
  const began = performance.now()
  await until('accepted', () => verifier.verify(pair.access_token), back)
  await until('accepted', () => verifier.verifyCookie(cookie), back)
  while (!verifier.status().connected) {
    assert.ok(performance.now() - began < back)
    await settle(20)
  }
  t.diagnostic(`connected after ${Math.round(performance.now() - began)} ms`)
})

test('a verifier whose server died believes what it knows for maxStale, then nobody, and comes back by itself', async (t) => {
  const scene = await openScene()
  const verifier = await scene.verifier({ maxStale })
  const pair = await signIn(scene.server().origin, email)
  const cookie = await scene.cookie()
  await verifier.verify(pair.access_token)
  await verifier.verifyCookie(cookie)
  for (let round = 0; round < 3; round++) {
    while ((verifier.status().age ?? back) > 500) await settle(10)
    await scene.server().kill()
    for (const check of [() => verifier.verify(pair.access_token), () => verifier.verifyCookie(cookie)])
      assert.equal(await outcome(check), 'accepted')
    const stale = await until('feed_stale', () => verifier.verify(pair.access_token), maxStale * 1000 + 500)
    // The cookie was asked for, which may have been a little later than the last heartbeat.
    await until('feed_stale', () => verifier.verifyCookie(cookie), maxStale * 1000 + 500)
    assert.equal(await outcome(() => verifier.verify(pair.access_token, { lenient: true })), 'accepted')
    assert.equal(await outcome(() => verifier.verifyCookie(cookie, { lenient: true })), 'accepted')
    await settle(round * 1500)
    await scene.startAgain()
    const recovered = await until('accepted', () => verifier.verify(pair.access_token), back)
    while (!verifier.status().connected) await settle(20)
    t.diagnostic(`stale after ${Math.round(stale)} ms, back after ${Math.round(recovered)} ms`)
  }
})

test('what ended while the server was away from us is refused from the first check on', async () => {
  const scene = await openScene()
  const verifier = await scene.verifier({ maxStale })
  const pair = await signIn(scene.server().origin, email)
  const cookie = await scene.cookie()
  await verifier.verify(pair.access_token)
  const session = (await verifier.verifyCookie(cookie))?.session?.id
  scene.relay.fallSilent()
  scene.relay.cutOff()
  const headers = { authorization: `Bearer ${pair.access_token}` }
  for (const id of [session, pair.session.id])
    await fetch(`${scene.server().origin}/auth/sessions/${id}`, { method: 'DELETE', headers })
  await until(
    'feed_stale',
    () => verifier.verify(pair.access_token, { critical: true }),
    maxStale * 1000 + 2500,
  )
  scene.relay.moveTo(Number(new URL(scene.server().origin).port))
  // Whichever comes first, the stream or an answer to a question: never yes.
  const found = new Set<string>()
  for (const began = performance.now(); performance.now() - began < back; ) {
    found.add(await outcome(() => verifier.verify(pair.access_token)))
    found.add(await outcome(() => verifier.verifyCookie(cookie)))
    if (verifier.status().connected) break
    await settle(10)
  }
  assert.ok(verifier.status().connected)
  assert.ok(!found.has('accepted'), [...found].join(' '))
  assert.equal(await outcome(() => verifier.verify(pair.access_token)), 'session_ended')
  assert.equal(await outcome(() => verifier.verifyCookie(cookie)), 'nobody')
})

test('cut off from its stream alone, a verifier asks, and each question is good for maxStale', async () => {
  const scene = await openScene()
  const verifier = await scene.verifier({ maxStale })
  const pair = await signIn(scene.server().origin, email)
  await verifier.verify(pair.access_token)
  scene.relay.fallSilent('/feed/stream')
  scene.relay.cutOff()
  const asked = () => scene.relay.count('/oauth/introspect')
  let known = asked()
  /** Between which moments what we know was last asked for, or heard. */
  let last = { from: Number.NEGATIVE_INFINITY, to: performance.now() }
  for (let questions = 0; questions < 3; ) {
    const from = performance.now()
    assert.equal(await outcome(() => verifier.verify(pair.access_token)), 'accepted')
    const to = performance.now()
    if (asked() === known) assert.ok(from - last.to <= maxStale * 1000, 'nobody was asked')
    else {
      known = asked()
      assert.ok(to - last.from >= maxStale * 1000, `asked again after ${Math.round(to - last.from)} ms`)
      last = { from, to }
      questions++
    }
    await settle(10)
  }
  const headers = { authorization: `Bearer ${pair.access_token}` }
  await fetch(`${scene.server().origin}/auth/sessions/${pair.session.id}`, { method: 'DELETE', headers })
  await until('session_ended', () => verifier.verify(pair.access_token), maxStale * 1000 + 500)
})

test('moved by its proxy to another hub, and then to one that restarted, a verifier comes back by itself and hears of ends there', async (t) => {
  const scene = await openScene()
  const verifier = await scene.verifier()
  const first = scene.server()
  after(() => first.kill())
  const move = async (how: string) => {
    const { epoch } = verifier.status()
    await scene.startAgain()
    const began = performance.now()
    while (!verifier.status().connected || verifier.status().epoch === epoch) {
      assert.ok(performance.now() - began < back, how)
      await settle(20)
    }
    t.diagnostic(`${how}: back after ${Math.round(performance.now() - began)} ms`)
    const pair = await signIn(scene.server().origin, email)
    assert.equal(await outcome(() => verifier.verify(pair.access_token)), 'accepted')
    const headers = { authorization: `Bearer ${pair.access_token}` }
    const address = `${scene.server().origin}/auth/sessions/${pair.session.id}`
    assert.equal((await fetch(address, { method: 'DELETE', headers })).status, 204)
    // By the feed: it would ask after twenty seconds.
    await until('session_ended', () => verifier.verify(pair.access_token), 10_000)
  }
  await move('another hub while the first one lives')
  await scene.server().kill()
  await move('a hub that restarted')
})
