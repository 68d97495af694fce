import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { goodPassword, onSqlite } from 'counterfoil/house'
import type { Page } from 'playwright-core'
import { type ClientScene, openClientScene } from '../client-scene.ts'

const email = 'ada@example.org'
const person = { email, password: goodPassword }
const cookie = { carrier: 'cookie' } as const

const session = (page: Page) => page.evaluate(() => window.client.session())
const signIn = (page: Page) => page.evaluate((given) => window.client.signIn(given), person)
const becomes = (page: Page, status: string) =>
  page.waitForFunction((wanted) => window.client.state().status === wanted, status)
/** What the client throws, as the page sees it. */
const refusalOf = (page: Page, verb: 'session' | 'signIn' | 'signOut', given: object = {}) =>
  page.evaluate(
    ({ name, input }) =>
      (window.client[name] as (input: object) => Promise<unknown>)(input).then(
        () => null,
        ({ code, status, message }) => ({ code, status, message: String(message) }),
      ),
    { name: verb, input: given },
  )

onSqlite('the browser client with a cookie', (open) => {
  let scene: ClientScene
  before(async () => {
    scene = await openClientScene(open)
    await scene.home.member(email)
  })
  after(() => scene?.close())

  const asked = () => scene.seen.splice(0).map(({ method, path }) => `${method} ${path}`)

  test('signs in, and a tab that is opened later knows without asking the server', async () => {
    const context = await scene.window()
    const first = await scene.open(context, cookie)
    assert.equal(await session(first), null)
    const signedIn = await signIn(first)
    assert.equal(signedIn.account.email, email)
    asked()
    const second = await scene.open(context, cookie)
    assert.deepEqual(await session(second), signedIn)
    assert.deepEqual(asked(), [])
    await context.close()
  })

  test('five tabs that start at the same moment ask once', async () => {
    const context = await scene.window()
    await signIn(await scene.open(context, cookie))
    const tabs: Page[] = []
    for (let count = 0; count < 5; count++) tabs.push(await scene.open(context, cookie))
    await context.pages()[0]?.close()
    asked()
    const found = await Promise.all(tabs.map(session))
    assert.ok(found.every((one) => one?.account.email === email))
    assert.deepEqual(asked(), ['GET /auth/session'])
    await context.close()
  })

  test('signing out in one tab signs out all of them, and ends the session', async () => {
    const context = await scene.window()
    const first = await scene.open(context, cookie)
    await signIn(first)
    const second = await scene.open(context, cookie)
    await session(second)
    await first.evaluate(() => window.client.signOut())
    await becomes(second, 'signed-out')
    assert.equal(await second.evaluate(async () => (await fetch('/auth/session')).status), 401)
    await context.close()
  })

  test('a session that was ended from another device is noticed at the next request, in every tab', async () => {
    const context = await scene.window()
    const first = await scene.open(context, cookie)
    const { session: mine } = await signIn(first)
    const second = await scene.open(context, cookie)
    await session(second)
    const { access_token: token } = await scene.home.tokens(email)
    const headers = { authorization: `Bearer ${token}` }
    const ended = await scene.home.program().send('DELETE', `/auth/sessions/${mine.id}`, { headers })
    assert.equal(ended.status, 204)
    assert.equal(await first.evaluate(async () => (await window.client.fetch('/auth/sessions')).status), 401)
    await Promise.all([first, second].map((tab) => becomes(tab, 'signed-out')))
    await context.close()
  })

  test('a wrong password is a refusal with the server’s code, and changes nothing', async () => {
    const context = await scene.window()
    const page = await scene.open(context, cookie)
    await signIn(page)
    const refusal = await refusalOf(page, 'signIn', { email, password: 'not the right one at all' })
    assert.deepEqual([refusal?.code, refusal?.status], ['sign_in_failed', 401])
    assert.equal((await session(page))?.account.email, email)
    await context.close()
  })

  test('a new proof of the password takes over the new cookie, and the session goes on', async () => {
    const context = await scene.window()
    const page = await scene.open(context, cookie)
    const before = await signIn(page)
    const password = goodPassword
    const proven = await page.evaluate((given) => window.client.prove('/auth/reauthenticate', given), {
      password,
    })
    assert.equal(proven?.session.id, before.session.id)
    assert.equal(await page.evaluate(async () => (await window.client.fetch('/auth/sessions')).status), 200)
    await context.close()
  })

  test('a cookie is not for pages of another origin, and the client says so instead of failing later', async () => {
    const context = await scene.window()
    const page = await scene.open(context, { ...cookie, at: scene.elsewhere })
    assert.match((await refusalOf(page, 'session'))?.message ?? '', /own origin/)
    await context.close()
  })

  test('a page that came over plain http is told so: browsers give it no keys', async () => {
    const context = await scene.window()
    const page = await scene.open(context, { carrier: 'token', at: scene.insecure })
    for (const verb of ['session', 'signIn', 'signOut'] as const)
      assert.equal((await refusalOf(page, verb, person))?.code, 'context_insecure', verb)
    await context.close()
  })

  test('a browser without IndexedDB is told so before any token is asked for', async () => {
    const context = await scene.window()
    await context.addInitScript(() => Object.defineProperty(window, 'indexedDB', { value: undefined }))
    const page = await scene.open(context, { carrier: 'token' })
    asked()
    for (const verb of ['session', 'signIn'] as const)
      assert.equal((await refusalOf(page, verb, person))?.code, 'storage_unavailable', verb)
    assert.deepEqual(asked(), [])
    await context.close()
  })
})
