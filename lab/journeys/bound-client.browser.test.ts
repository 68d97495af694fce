import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { goodPassword, onSqlite } from 'counterfoil/house'
import type { Page } from 'playwright-core'
import { type ClientScene, openClientScene } from '../client-scene.ts'

const email = 'ada@example.org'
const person = { email, password: goodPassword }
const token = { carrier: 'token' } as const

const session = (page: Page) => page.evaluate(() => window.client.session())
const signIn = (page: Page) => page.evaluate((given) => window.client.signIn(given), person)
const becomes = (page: Page, status: string) =>
  page.waitForFunction((wanted) => window.client.state().status === wanted, status)
type Chosen = { mode?: RequestMode; redirect?: RequestRedirect }
/** How a request of the client's ends: its status, or the name of what was thrown. */
const fetched = (page: Page, url: string, init: Chosen = {}) =>
  page.evaluate(
    ({ address, given }) =>
      window.client.fetch(address, given).then(
        ({ status }) => status,
        ({ name }: Error) => name,
      ),
    { address: url, given: init },
  )
const databases = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const opening = indexedDB.open('counterfoil')
        opening.onsuccess = () => {
          const counting = opening.result.transaction('held').objectStore('held').count()
          counting.onsuccess = () => {
            opening.result.close()
            resolve(counting.result)
          }
        }
      }),
  )

onSqlite('the browser client with bound tokens', (open) => {
  let scene: ClientScene
  before(async () => {
    scene = await openClientScene(open)
    await scene.home.member(email)
  })
  after(() => scene?.close())

  const asked = () => scene.seen.splice(0).map(({ method, path, status }) => `${method} ${path} ${status}`)
  const api = () => `${scene.origin}/auth/sessions`

  test('signs in from another site, with a nonce, without a cookie, and is who it is', async () => {
    const context = await scene.window()
    const page = await scene.open(context, { ...token, at: scene.elsewhere })
    scene.seen.length = 0
    const signedIn = await signIn(page)
    assert.equal(signedIn.account.email, email)
    assert.equal(signedIn.session.carrier, 'token')
    assert.deepEqual(await session(page), signedIn)
    assert.equal(await fetched(page, api()), 200)
    const sent = scene.seen.filter(({ method }) => method !== 'OPTIONS')
    assert.ok(sent.every(({ headers }) => !headers.has('cookie')))
    assert.deepEqual(
      sent.map(({ path, status }) => `${path} ${status}`),
      ['/auth/sign-in 401', '/auth/sign-in 200', '/auth/sessions 200'],
    )
    assert.deepEqual(await context.cookies(), [])
    await context.close()
  })

  test('a page that was loaded anew renews once, and is still signed in', async () => {
    const context = await scene.window()
    const first = await scene.open(context, token)
    const signedIn = await signIn(first)
    await first.close()
    asked()
    const page = await scene.open(context, token)
    const found = await session(page)
    assert.equal(found?.session.id, signedIn.session.id)
    assert.deepEqual(asked(), ['POST /oauth/token 400', 'POST /oauth/token 200', 'GET /auth/session 200'])
    await context.close()
  })

  test('when the token has run out, twenty requests in each of three tabs are one renewal', async () => {
    const context = await scene.window()
    const first = await scene.open(context, token)
    await signIn(first)
    const tabs = [first, await scene.open(context, token), await scene.open(context, token)]
    for (const tab of tabs) await session(tab)
    scene.home.machine.clock.advance(3600)
    asked()
    const burst = (url: string) =>
      Promise.all(Array.from({ length: 20 }, async () => (await window.client.fetch(url)).status))
    const answers = await Promise.all(tabs.map((tab) => tab.evaluate(burst, api())))
    assert.ok(answers.flat().every((status) => status === 200))
    const renewals = asked().filter((line) => line === 'POST /oauth/token 200')
    assert.equal(renewals.length, 1)
    await context.close()
  })

  test('a device whose clock is hours off, in either direction, works', async () => {
    for (const hours of [-30_000, -5, 5]) {
      const context = await scene.window()
      await context.addInitScript((ahead) => {
        const { now } = Date
        Date.now = () => now() + ahead
      }, hours * 3_600_000)
      const page = await scene.open(context, { ...token, at: scene.elsewhere })
      await signIn(page)
      scene.home.machine.clock.advance(600)
      assert.equal(await fetched(page, api()), 200)
      await context.close()
    }
  })

  test('signing out in one tab signs out all of them, ends the session and leaves no key behind', async () => {
    const context = await scene.window()
    const first = await scene.open(context, token)
    await signIn(first)
    const second = await scene.open(context, token)
    await session(second)
    assert.equal(await databases(first), 1)
    await first.evaluate(() => window.client.signOut())
    await becomes(second, 'signed-out')
    assert.equal(await databases(first), 0)
    assert.equal(await fetched(second, api()), 401)
    await context.close()
  })

  test('signing out without a network leaves no key either, and says that the server was not told', async () => {
    const context = await scene.window()
    const page = await scene.open(context, token)
    await signIn(page)
    await context.route('**/auth/sign-out', (route) => route.abort())
    const fault = await page.evaluate(() =>
      window.client.signOut().then(
        () => null,
        ({ name }) => name,
      ),
    )
    assert.equal(fault, 'TypeError')
    assert.equal(await databases(page), 0)
    assert.equal(await session(page), null)
    await context.close()
  })

  test('a session that was ended elsewhere is over in every tab at the next request', async () => {
    const context = await scene.window()
    const first = await scene.open(context, token)
    const { session: mine } = await signIn(first)
    const second = await scene.open(context, token)
    await session(second)
    const { access_token } = await scene.home.tokens(email)
    const headers = { authorization: `Bearer ${access_token}` }
    await scene.home.program().send('DELETE', `/auth/sessions/${mine.id}`, { headers })
    assert.equal(await fetched(second, api()), 401)
    await Promise.all([first, second].map((tab) => becomes(tab, 'signed-out')))
    assert.equal(await databases(first), 0)
    await context.close()
  })

  test('a new proof of the password gives new tokens for the same key, in every tab', async () => {
    const context = await scene.window()
    const first = await scene.open(context, token)
    const before = await signIn(first)
    const second = await scene.open(context, token)
    await session(second)
    const password = goodPassword
    const proven = await first.evaluate((given) => window.client.prove('/auth/reauthenticate', given), {
      password,
    })
    assert.equal(proven?.session.id, before.session.id)
    scene.home.machine.clock.advance(3600)
    for (const tab of [first, second]) assert.equal(await fetched(tab, api()), 200)
    await context.close()
  })

  test('signing in again ends the session before: one browser, one row in the list of devices', async () => {
    const context = await scene.window()
    const page = await scene.open(context, token)
    const before = await signIn(page)
    const now = await signIn(page)
    assert.notEqual(now.session.id, before.session.id)
    const { sessions }: { sessions: { id: string }[] } = await page.evaluate(async () =>
      (await window.client.fetch('/auth/sessions')).json(),
    )
    const ids = sessions.map(({ id }) => id)
    assert.deepEqual([ids.includes(now.session.id), ids.includes(before.session.id)], [true, false])
    await context.close()
  })

  test('a server that hands out a token which works without the key is refused, and the token is dropped', async () => {
    const context = await scene.window()
    const page = await scene.open(context, token)
    scene.intercept = async (request, path) => {
      if (path !== '/auth/sign-in') return null
      const headers = new Headers(request.headers)
      headers.delete('dpop')
      const plain = new Request(request.url, { method: 'POST', headers, body: await request.text() })
      return scene.home.house.fetch(plain, { address: '127.0.0.1' })
    }
    const code = await page.evaluate(
      (given) =>
        window.client.signIn(given).then(
          () => null,
          (refusal) => refusal.code,
        ),
      person,
    )
    scene.intercept = null
    assert.equal(code, 'binding_refused')
    assert.equal(await databases(page), 0)
    assert.equal(await session(page), null)
    await context.close()
  })

  test('a request that the page gives up takes no renewal with it', async () => {
    const context = await scene.window()
    const page = await scene.open(context, token)
    await signIn(page)
    scene.home.machine.clock.advance(3600)
    const names = await page.evaluate(async (url) => {
      const aborted = window.client.fetch(url, { signal: AbortSignal.abort() })
      const going = window.client.fetch(url)
      return Promise.all([
        aborted.then(
          () => 'went',
          ({ name }: Error) => name,
        ),
        going.then(({ status }) => status),
      ])
    }, api())
    assert.deepEqual(names, ['AbortError', 200])
    await context.close()
  })

  test('a redirect carries nothing anywhere: the request fails, and nobody sees a token', async () => {
    const context = await scene.window()
    const page = await scene.open(context, token)
    await signIn(page)
    const strange: string[] = []
    for (const location of [`${scene.elsewhere}/stolen`, '/auth/session']) {
      scene.intercept = async (request, path) => {
        if (path === '/auth/session') strange.push(request.headers.get('authorization') ?? '')
        return path === '/moved' ? new Response(null, { status: 307, headers: { location } }) : null
      }
      assert.equal(await fetched(page, `${scene.origin}/moved`), 'TypeError')
      assert.equal(await fetched(page, `${scene.origin}/moved`, { redirect: 'manual' }), 0)
    }
    scene.intercept = null
    assert.deepEqual(strange, [])
    assert.deepEqual(scene.strayed, [])
    await context.close()
  })

  test('a request to any other origin is passed on untouched', async () => {
    const context = await scene.window()
    const page = await scene.open(context, token)
    await signIn(page)
    scene.strayed.length = 0
    assert.equal(await fetched(page, `${scene.elsewhere}/api`, { mode: 'no-cors' }), 0)
    const [seen, ...others] = scene.strayed
    assert.deepEqual(others, [])
    assert.ok(
      seen !== undefined && !['authorization', 'dpop', 'cookie'].some((name) => seen.headers.has(name)),
    )
    await context.close()
  })

  test('takes over the session that the cookie carries, and gives it back: one session, and what carried it is dead', async () => {
    const context = await scene.window()
    const byCookie = await scene.open(context, { carrier: 'cookie' })
    const { session: begun } = await signIn(byCookie)
    const page = await scene.open(context, token)
    const cookieOf = async () =>
      (await context.cookies(scene.origin))
        .filter(({ name }) => name === '__Host-Http-session')
        .map(({ value }) => value)
    const [old] = await cookieOf()
    const move = (given: object) =>
      page.evaluate((fields) => window.client.prove('/auth/carrier', fields), given)

    const taken = await move({ password: goodPassword })
    assert.deepEqual([taken?.session.id, taken?.session.carrier], [begun.id, 'token'])
    assert.equal(await fetched(page, api()), 200)
    assert.deepEqual(await cookieOf(), [])
    const replayed = await scene.home.house.fetch(
      new Request(`${scene.origin}/auth/session`, { headers: { cookie: `__Host-Http-session=${old}` } }),
    )
    assert.equal(replayed.status, 401)

    assert.equal(await move({ carrier: 'cookie', password: goodPassword }), null)
    assert.equal(await session(page), null)
    assert.equal(await databases(page), 0)
    const back = await byCookie.evaluate(() => window.client.session({ fresh: true }))
    assert.deepEqual([back?.session.id, back?.session.carrier], [begun.id, 'cookie'])
    await context.close()
  })
})
