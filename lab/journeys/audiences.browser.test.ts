import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createVerifier, Refusal, type Verifier } from '@counterfoil/verifier'
import { goodPassword, type HandClock, handClock, onSqlite } from 'counterfoil/house'
import type { Page } from 'playwright-core'
import { type ClientScene, openClientScene } from '../client-scene.ts'

const person = { email: 'ada@example.org', password: goodPassword }
const isOrders = (path: string) => path === '/orders'
const realTime = () => Math.floor(Date.now() / 1000)

onSqlite('a page that uses a service on another origin', (open) => {
  let scene: ClientScene
  let clock: HandClock
  const verifiers: Verifier[] = []
  const shown: string[] = []

  before(async () => {
    clock = handClock(realTime())
    scene = await openClientScene(open, { clock, policy: (elsewhere) => ({ audiences: [elsewhere] }) })
    await scene.home.member(person.email)
  })
  after(async () => {
    for (const verifier of verifiers) await verifier.close()
    await scene?.close()
  })

  /** A service as its makers would write it: a verifier, and CORS for the one page. */
  async function serve(audience: string, page: string): Promise<void> {
    const { elsewhere: origin, origin: issuer } = scene
    const verifier = await createVerifier({ issuer, audience, origin, log: () => {} })
    verifiers.push(verifier)
    scene.service = async (request, path) => {
      if (!isOrders(path)) return null
      const headers = new Headers({
        'access-control-allow-origin': page,
        'access-control-allow-headers': 'authorization, dpop',
        'access-control-expose-headers': 'dpop-nonce, www-authenticate',
      })
      if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers })
      shown.push(request.headers.get('authorization') ?? '')
      try {
        const caller = await verifier.identify(request)
        return Response.json(caller, { status: caller === null ? 401 : 200, headers })
      } catch (fault) {
        if (!(fault instanceof Refusal)) throw fault
        return Response.json({ code: fault.code }, { status: fault.status, headers })
      }
    }
  }

  /** The server's clock is set by hand and the service's is not: however slow this machine is, they tell the same time. */
  const agree = () => clock.advance(realTime() - clock.now())
  const signIn = (page: Page) => {
    agree()
    return page.evaluate((given) => window.client.signIn(given), person)
  }
  const orders = (page: Page) => {
    agree()
    return page.evaluate(async (url) => {
      const answer = await window.client.fetch(url)
      return { status: answer.status, body: await answer.json() }
    }, `${scene.elsewhere}/orders`)
  }

  test('by cookie it goes with a token for that service alone, one for many requests, and the cookie stays at home', async () => {
    await serve(scene.elsewhere, scene.origin)
    const context = await scene.window()
    const page = await scene.open(context, { carrier: 'cookie', more: { audiences: [scene.elsewhere] } })
    assert.equal((await orders(page)).status, 401, 'nobody is signed in')
    const signedIn = await signIn(page)
    scene.seen.length = 0
    const answers = await Promise.all([orders(page), orders(page), orders(page)])
    for (const { status, body } of answers) {
      assert.deepEqual([status, body.carrier], [200, 'dpop'])
      assert.deepEqual([body.account.id, body.session.id], [signedIn.account.id, signedIn.session.id])
    }
    const exchanges = scene.seen.filter(({ path, status }) => path === '/auth/token' && status === 200)
    assert.equal(exchanges.length, 1)
    // What was shown to the service is of no use at the issuer, bound or not.
    const token = shown.at(-1)?.slice(5) ?? ''
    const reply = await scene.home.program().get('/auth/session', { authorization: `Bearer ${token}` })
    assert.equal(reply.status, 401)
    await page.evaluate(() => window.client.signOut())
    assert.equal((await orders(page)).status, 401, 'the next request has none')
    await context.close()
  })

  test('by token it goes with the session’s own, to the services that were named and to no other', async () => {
    await serve(scene.origin, scene.elsewhere)
    const context = await scene.window()
    const at = scene.elsewhere
    const named = await scene.open(context, { carrier: 'token', at, more: { audiences: [at] } })
    const signedIn = await signIn(named)
    const { status, body } = await orders(named)
    assert.deepEqual([status, body.carrier, body.session?.id], [200, 'dpop', signedIn.session.id])
    const silent = await scene.open(context, { carrier: 'token', at })
    await silent.evaluate(() => window.client.session())
    shown.length = 0
    assert.equal((await orders(silent)).status, 401)
    assert.deepEqual(shown, [''])
    await context.close()
  })
})
