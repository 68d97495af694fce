// Why: what went wrong elsewhere, named after where, and tried here by a service of its own behind the shipped verifier.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verifier } from '@counterfoil/verifier'
import { signIn } from '../chaos/visitor.ts'
import { email, openScene, outcome, until } from './scene.ts'

const scene = await openScene()
const { relay } = scene
const soon = 10_000

const byCookie = (cookie: string) => ({ cookie: `__Host-Http-session=${cookie}`, origin: relay.origin })

function send(method: string, path: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${scene.server().origin}${path}`, { method, headers })
}

async function sessionOf(verifier: Verifier, cookie: string): Promise<string> {
  const caller = await verifier.verifyCookie(cookie)
  assert.ok(caller?.session)
  return caller.session.id
}

test('Better Auth 6893: ending the other sessions signs the other devices out at once, though every one of them is cached', async () => {
  const verifier = await scene.verifier()
  const [mine, other] = [await scene.cookie(), await scene.cookie()]
  const app = await signIn(scene.server().origin, email)
  for (const cookie of [mine, other]) await sessionOf(verifier, cookie)
  await verifier.verify(app.access_token)
  const before = relay.count('/feed/statement')
  const answer = await send('POST', '/auth/sessions/end-others', byCookie(mine))
  assert.equal(answer.status, 204, await answer.text())
  await until('nobody', () => verifier.verifyCookie(other), soon)
  await until('session_ended', () => verifier.verify(app.access_token), soon)
  assert.equal(await outcome(() => verifier.verifyCookie(mine)), 'accepted')
  assert.equal(relay.count('/feed/statement'), before, 'no cache had to lapse, and nobody was asked')
})

test('Better Auth 8916: a session that ends while it is being read is not cached again by that reading', async () => {
  const verifier = await scene.verifier()
  const cookie = await scene.cookie()
  const id = await sessionOf(await scene.verifier(), cookie)
  const { applied } = verifier.status()
  const release = relay.holdBack('/feed/statement')
  const before = relay.count('/feed/statement')
  const reading = outcome(() => verifier.verifyCookie(cookie))
  while (relay.count('/feed/statement') === before) await new Promise((resolve) => setTimeout(resolve, 5))
  // Long enough for the server to have read it alive.
  await new Promise((resolve) => setTimeout(resolve, 300))
  const { access_token: token } = await signIn(scene.server().origin, email)
  await send('DELETE', `/auth/sessions/${id}`, { authorization: `Bearer ${token}` })
  while (verifier.status().applied === applied) await new Promise((resolve) => setTimeout(resolve, 5))
  release()
  // The answer may have come too late to be one at all: never yes.
  assert.notEqual(await reading, 'accepted')
  assert.equal(await outcome(() => verifier.verifyCookie(cookie)), 'nobody')
})

test('Better Auth, cookie cache: being used does not make what is cached live longer, and no answer has to set a cookie', async () => {
  const verifier = await scene.verifier()
  const cookie = await scene.cookie()
  const id = await sessionOf(verifier, cookie)
  const before = relay.count('/feed/statement')
  const headers = new Headers(byCookie(cookie))
  for (let count = 0; count < 1000; count++)
    assert.equal((await verifier.identify({ method: 'GET', headers }))?.session?.id, id)
  assert.equal(relay.count('/feed/statement'), before)
  assert.equal((await send('POST', '/auth/sign-out', byCookie(cookie))).status, 204)
  await until('nobody', () => verifier.identify({ method: 'GET', headers }), soon)
})

test('Keycloak, sign out all: the access tokens that were handed out are over too, at services that no list of theirs names', async () => {
  const verifiers = [await scene.verifier(), await scene.verifier()]
  const { access_token: token } = await signIn(scene.server().origin, email)
  const cookie = await scene.cookie()
  for (const verifier of verifiers) {
    await verifier.verify(token)
    await sessionOf(verifier, cookie)
  }
  await scene.command('accounts', 'disable', email)
  for (const verifier of verifiers) {
    await until('session_ended', () => verifier.verify(token), soon)
    await until('nobody', () => verifier.verifyCookie(cookie), soon)
  }
  await scene.command('accounts', 'enable', email)
  // What was over stays over: enabling makes room for a new sign-in, and for nothing else.
  for (const verifier of verifiers) {
    assert.equal(await outcome(() => verifier.verify(token)), 'session_ended')
    assert.equal(await outcome(() => verifier.verifyCookie(cookie)), 'nobody')
  }
})

test('Keycloak CVE-2026-9802: a server that restarts has forgotten no end, and neither has a verifier that begins after it', async () => {
  const known = await scene.verifier()
  const pairs = [await signIn(scene.server().origin, email), await signIn(scene.server().origin, email)]
  const [ended, good] = pairs.map(({ access_token }) => access_token)
  const cookie = await scene.cookie()
  assert.ok(ended !== undefined && good !== undefined)
  for (const token of [ended, good]) await known.verify(token)
  const id = await sessionOf(known, cookie)
  for (const session of [id, pairs[0]?.session.id])
    await send('DELETE', `/auth/sessions/${session}`, { authorization: `Bearer ${good}` })
  await scene.server().kill()
  await scene.startAgain()
  const own = await send('GET', '/auth/session', { authorization: `Bearer ${ended}` })
  assert.equal(own.status, 401)
  for (const verifier of [known, await scene.verifier()]) {
    await until('session_ended', () => verifier.verify(ended), soon)
    await until('nobody', () => verifier.verifyCookie(cookie), soon)
    await until('accepted', () => verifier.verify(good), 20_000)
  }
})
