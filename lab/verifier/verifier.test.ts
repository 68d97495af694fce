import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVerifier, type Verifier } from '@counterfoil/verifier'
import { altered } from 'counterfoil/house'
import { refresh, signIn } from '../chaos/visitor.ts'
import { email, openScene, outcome, until } from './scene.ts'

const scene = await openScene()
const { relay } = scene
const { origin } = scene.server()
/** Milliseconds later than any of it takes, on a machine that is busy with something else. */
const soon = 30_000

const withCookie = (value: string, more: Record<string, string> = {}) =>
  new Headers({ cookie: `__Host-Http-session=${value}`, ...more })

function end(accessToken: string, id: string): Promise<Response> {
  const headers = { authorization: `Bearer ${accessToken}` }
  return fetch(`${origin}/auth/sessions/${id}`, { method: 'DELETE', headers })
}

async function sessionOf(verifier: Verifier, cookie: string): Promise<string> {
  const caller = await verifier.verifyCookie(cookie)
  assert.ok(caller?.session)
  return caller.session.id
}

test('a cookie is asked for once, and a thousand checks after it ask nobody', async () => {
  const verifier = await scene.verifier()
  const headers = withCookie(await scene.cookie())
  const caller = await verifier.identify({ method: 'GET', headers })
  assert.equal(caller?.account.email, email)
  assert.equal(caller?.carrier, 'cookie')
  assert.equal(relay.count('/feed/statement'), 1)
  const all = relay.count()
  for (let count = 0; count < 1000; count++)
    assert.deepEqual(await verifier.identify({ method: 'GET', headers }), caller)
  assert.equal(relay.count(), all)
})

test('a hundred requests with a cookie that nobody knows yet ask once', async () => {
  const verifier = await scene.verifier()
  const cookie = await scene.cookie()
  const before = relay.count('/feed/statement')
  const found = await Promise.all(Array.from({ length: 100 }, () => verifier.verifyCookie(cookie)))
  assert.ok(found.every((caller) => caller?.account.email === email))
  assert.equal(relay.count('/feed/statement'), before + 1)
})

test('a warm check answers at once, without a promise', async () => {
  const verifier = await scene.verifier()
  const [cookie, pair] = [await scene.cookie(), await signIn(origin, email)]
  await verifier.verify(pair.access_token)
  await verifier.verifyCookie(cookie)
  assert.ok(!(verifier.verify(pair.access_token) instanceof Promise))
  assert.ok(!(verifier.verifyCookie(cookie) instanceof Promise))
})

test('a token is checked without a single request, and refused once its session has ended, by the stream alone', async () => {
  const verifier = await scene.verifier()
  const pair = await signIn(origin, email)
  // A stream that breaks on a slow machine is opened anew; what would be a question is not asked.
  const questions = () => relay.count('/oauth/introspect') + relay.count('/feed/statement')
  const before = questions()
  const caller = await verifier.verify(pair.access_token)
  assert.equal(caller.session?.id, pair.session.id)
  assert.equal((await end(pair.access_token, pair.session.id)).status, 204)
  await until('session_ended', () => verifier.verify(pair.access_token), soon)
  assert.equal(questions(), before)
})

test('a cookie whose session has ended is nobody, and so is its next request', async () => {
  const verifier = await scene.verifier()
  const cookie = await scene.cookie()
  const pair = await signIn(origin, email)
  await end(pair.access_token, await sessionOf(verifier, cookie))
  await until('nobody', () => verifier.verifyCookie(cookie), soon)
  const asked = relay.count('/feed/statement')
  assert.equal(await verifier.verifyCookie(cookie), null)
  assert.equal(relay.count('/feed/statement'), asked)
})

test('the answer to an ending that waits for every verifier comes after it was applied', async () => {
  // A house of its own: a verifier that was closed is waited for, as long as it could trust itself.
  const own = await openScene()
  const verifiers = [await own.verifier(), await own.verifier()]
  for (let round = 1; round <= 5; round++) {
    const pair = await signIn(own.server().origin, email)
    for (const verifier of verifiers) await verifier.verify(pair.access_token)
    const headers = { authorization: `Bearer ${pair.access_token}` }
    const address = `${own.server().origin}/auth/sessions/${pair.session.id}?wait=applied`
    const answer = await fetch(address, { method: 'DELETE', headers })
    assert.equal(answer.status, 200)
    // No waiting here: by now nobody may take it.
    for (const verifier of verifiers)
      assert.equal(await outcome(() => verifier.verify(pair.access_token)), 'session_ended')
    // Each once for its first heartbeat, and once for each end.
    assert.equal(own.relay.count('/feed/ack'), 2 + 2 * round)
  }
})

test('a request with our cookie from a foreign page is refused before the cookie is looked at', async () => {
  const verifier = await scene.verifier()
  const cookie = await scene.cookie()
  const before = relay.count('/feed/statement')
  const forged = [
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    {},
  ]
  for (const more of forged) {
    const request = { method: 'POST', headers: withCookie(cookie, more) }
    assert.equal(await outcome(() => verifier.identify(request)), 'forged_request')
  }
  assert.equal(relay.count('/feed/statement'), before)
  const own = { method: 'POST', headers: withCookie(cookie, { origin: 'https://api.example' }) }
  assert.equal(await outcome(() => verifier.identify(own)), 'accepted')
})

test('what is no credential of ours is refused or nobody, and asks nobody', async () => {
  const verifier = await scene.verifier()
  const { access_token: token } = await signIn(origin, email)
  const before = relay.count()
  const requests: [headers: Record<string, string>, found: string][] = [
    [{}, 'nobody'],
    [{ cookie: 'theme=dark' }, 'nobody'],
    [{ cookie: `__Host-Http-session=${'A'.repeat(63)}` }, 'nobody'],
    [{ authorization: `Bearer ${altered(token)}` }, 'credential_invalid'],
    [{ authorization: `DPoP ${token}` }, 'credential_invalid'],
    [{ authorization: `Bearer ${token}, Bearer ${token}` }, 'credential_ambiguous'],
    [{ authorization: 'Basic YTpi' }, 'credential_invalid'],
  ]
  for (const [headers, found] of requests)
    assert.equal(
      await outcome(() => verifier.identify({ method: 'GET', headers })),
      found,
      JSON.stringify(headers),
    )
  assert.equal(relay.count(), before)
})

test('node hides a second Authorization from its record of headers; here it counts', async () => {
  const verifier = await scene.verifier()
  const { access_token: token } = await signIn(origin, email)
  const authorization = `Bearer ${token}`
  const request = { method: 'GET', headers: { authorization } }
  const rawHeaders = ['Authorization', authorization, 'authorization', 'Bearer other']
  assert.equal(await outcome(() => verifier.identify(request)), 'accepted')
  assert.equal(await outcome(() => verifier.identify({ ...request, rawHeaders })), 'credential_ambiguous')
})

test('a random cookie is asked for once, and then remembered as nobody', async () => {
  const verifier = await scene.verifier()
  const cookie = Buffer.alloc(48, 7).toString('base64url')
  const before = relay.count('/feed/statement')
  for (let count = 0; count < 10; count++) assert.equal(await verifier.verifyCookie(cookie), null)
  assert.equal(relay.count('/feed/statement'), before + 1)
})

test('a token for another audience is refused', async () => {
  const verifier = await scene.verifier({ audience: 'https://api.example' })
  const { access_token: token } = await signIn(origin, email)
  assert.equal(await outcome(() => verifier.verify(token)), 'credential_invalid')
})

test('refreshing ends nothing: the token from before and the one after are both good', async () => {
  const verifier = await scene.verifier()
  const pair = await signIn(origin, email)
  const next = (await (await refresh(origin, pair.refresh_token)).json()) as { access_token: string }
  for (const token of [pair.access_token, next.access_token])
    assert.equal(await outcome(() => verifier.verify(token)), 'accepted')
})

test('without a client credential tokens are taken on their signature, cookies are not, and it says so', async () => {
  const said: string[] = []
  const log = ({ message }: { message: string }) => said.push(message)
  const verifier = await scene.verifier({ client: undefined, log })
  const pair = await signIn(origin, email)
  const cookie = await scene.cookie()
  assert.equal(await outcome(() => verifier.verify(pair.access_token)), 'accepted')
  await end(pair.access_token, pair.session.id)
  assert.equal(await outcome(() => verifier.verify(pair.access_token)), 'accepted')
  for (let count = 0; count < 3; count++) assert.equal(await verifier.verifyCookie(cookie), null)
  assert.equal(said.length, 2, said.join('\n'))
  assert.match(said[0] ?? '', /NO CLIENT CREDENTIAL.*cannot be seen/)
  assert.match(said[1] ?? '', /cookie/)
})

test('a wrong client credential is complained about once, and everything is refused', async () => {
  const said: string[] = []
  const log = ({ level, message }: { level: string; message: string }) => {
    if (level === 'error') said.push(message)
  }
  const client = { id: scene.client.id, secret: 'wrong' }
  const verifier = await scene.verifier({ client, log })
  const pair = await signIn(origin, email)
  for (let count = 0; count < 3; count++)
    assert.equal(await outcome(() => verifier.verify(pair.access_token)), 'feed_stale')
  assert.equal(await outcome(async () => verifier.verifyCookie(await scene.cookie())), 'feed_stale')
  assert.equal(said.length, 1, said.join('\n'))
  assert.match(said[0] ?? '', /does not take our client credential \(401/)
})

test('options that cannot be meant are a mistake at start', async () => {
  const good = { issuer: relay.origin, audience: relay.origin, origin: relay.origin }
  for (const wrong of [{ issuer: 'http://bank.example' }, { issuer: `${relay.origin}/` }, { maxStale: 0 }])
    await assert.rejects(createVerifier({ ...good, ...wrong }))
})

test('a route trusts for no longer than the server was told', async () => {
  const verifier = await scene.verifier({ maxStale: 10 })
  const { access_token: token } = await signIn(origin, email)
  await verifier.verify(token)
  assert.throws(() => verifier.verify(token, { maxStale: 11 }), RangeError)
  for (const route of [{ maxStale: 5 }, { critical: true }, { lenient: true }] as const)
    assert.equal(await outcome(() => verifier.verify(token, route)), 'accepted')
})
