import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { Refusal } from '@counterfoil/verifier'
import { createTestAuth, type TestAuth, type Visitor } from './index.ts'

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    (found) => (found === null ? 'nobody' : 'accepted'),
    (error: unknown) => {
      if (error instanceof Refusal) return error.code
      throw error
    },
  )
}
const shown = (auth: TestAuth, visitor: Visitor, method = 'GET') =>
  codeOf(auth.identify(visitor.request('/', { method })))

test('one line signs somebody in, by either carrier, and the real check finds them', async () => {
  const auth = await createTestAuth({ issuer: 'https://bank.example' })
  for (const carrier of ['cookie', 'token'] as const) {
    const ada = await auth.loginAs('Ada@Example.org', { carrier })
    const caller = await auth.identify(ada.request('/pay', { method: 'POST', json: { to: 'grace' } }))
    assert.deepEqual(caller?.account, ada.account)
    assert.equal(caller?.session?.id, ada.session.id)
    assert.equal(caller?.carrier, carrier === 'token' ? 'bearer' : 'cookie')
    assert.equal(ada.account.email, 'ada@example.org')
  }
  const again = await auth.loginAs('ada@example.org')
  const answer = await auth.fetch(again.request('/auth/sessions'))
  assert.equal((await answer.json()).sessions.length, 3)
})

test('every forgery is refused where something is changed, and a token has none', async () => {
  for (const issuer of ['http://localhost:3000', 'https://bank.example', 'https://bank.example:8443']) {
    const auth = await createTestAuth({ issuer })
    const ada = await auth.loginAs('ada@example.org')
    assert.ok(ada.forgeries().length >= 6)
    for (const { from, headers } of ada.forgeries()) {
      const forged = new Request(issuer, { method: 'POST', headers })
      assert.equal(await codeOf(auth.identify(forged)), 'forged_request', `${issuer} ${from}`)
      assert.equal(await codeOf(auth.identify(new Request(issuer, { headers }))), 'accepted', from)
    }
    const byToken = await auth.loginAs('ada@example.org', { carrier: 'token' })
    assert.throws(() => byToken.forgeries(), /cannot send a token/)
  }
})

test('time is moved by hand: a token expires, a proof grows old, an idle session ends', async () => {
  const auth = await createTestAuth({ now: 2_000_000_000, policy: { sessionIdleSeconds: 3600 } })
  assert.equal(auth.clock.now(), 2_000_000_000)
  const cookie = await auth.loginAs('ada@example.org')
  const token = await auth.loginAs('ada@example.org', { carrier: 'token' })
  const fresh = async () => auth.demand(await auth.identify(cookie.request('/')), { freshWithinSeconds: 300 })
  assert.equal(await codeOf(fresh()), 'accepted')
  auth.clock.advance(301)
  assert.equal(await codeOf(fresh()), 'reauthentication_required')
  assert.equal(await shown(auth, token), 'token_expired')
  assert.equal(await shown(auth, cookie, 'POST'), 'accepted')
  auth.clock.advance(3601)
  assert.equal(await shown(auth, cookie), 'nobody')
})

test('a session that ends, and an account that is disabled, are over with the next request', async () => {
  const auth = await createTestAuth()
  const [first, second] = [await auth.loginAs('ada@example.org'), await auth.loginAs('ada@example.org')]
  assert.equal(await shown(auth, first), 'accepted')
  await first.end()
  assert.equal(await shown(auth, first), 'nobody')
  assert.equal(await shown(auth, second), 'accepted')
  await auth.disable('ada@example.org')
  assert.equal(await shown(auth, second), 'nobody')
  await assert.rejects(auth.loginAs('ada@example.org'), /disabled/)
  await assert.rejects(auth.disable('nobody@example.org'), /no account/)
})

test('mail is kept, and its link leads on; a password that was set that way signs in', async () => {
  const auth = await createTestAuth({ issuer: 'https://bank.example' })
  const who = { email: 'joan@example.org', password: 'a lantern in the third window' }
  const post = (path: string, json: object) => {
    const headers = { 'content-type': 'application/json', origin: auth.issuer }
    const request = new Request(auth.issuer + path, { method: 'POST', headers, body: JSON.stringify(json) })
    return auth.fetch(request)
  }
  await assert.rejects(auth.linkFor(who.email), /there are 0 to it/)
  assert.equal((await post('/auth/sign-up', who)).status, 202)
  const link = await auth.linkFor(who.email)
  assert.equal(link.origin + link.pathname, 'https://bank.example/verify')
  const proof = { token: link.searchParams.get('token'), password: who.password }
  assert.equal((await post('/auth/verify-email', proof)).status, 200)
  assert.equal((await post('/auth/sign-in', who)).status, 200)
  assert.equal((await post('/auth/sign-in', { ...who, password: 'a lantern in the other' })).status, 401)
  assert.deepEqual(
    (await auth.letters()).map(({ to }) => to),
    [who.email],
  )
})

test('two of them share nothing, and what is not a policy does not start', async () => {
  const [one, other] = [await createTestAuth(), await createTestAuth()]
  const ada = await one.loginAs('ada@example.org')
  assert.equal(await shown(one, ada), 'accepted')
  assert.equal(await shown(other, ada), 'nobody')
  await assert.rejects(createTestAuth({ policy: { sesionIdleSeconds: 1 } }), /sesionIdleSeconds/)
  await assert.rejects(createTestAuth({ issuer: 'http://bank.example' }), /issuer/)
})

test('it keeps no process alive', () => {
  const door = new URL('./index.ts', import.meta.url).href
  const program = `const { createTestAuth } = await import('${door}')
    const auth = await createTestAuth()
    console.log((await auth.loginAs('ada@example.org')).account.email)`
  const options = ['--input-type=module', '--eval', program]
  const ended = spawnSync(process.execPath, options, { timeout: 60_000, encoding: 'utf8' })
  assert.deepEqual([ended.status, ended.stdout], [0, 'ada@example.org\n'], ended.stderr)
})
