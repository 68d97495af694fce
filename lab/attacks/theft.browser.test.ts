import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { goodPassword, keyHolder, onSqlite, sendProven, signInBound } from 'counterfoil/house'
import type { Page } from 'playwright-core'
import { type ClientScene, openClientScene } from '../client-scene.ts'
import { gather, type Loot, plant } from './injected-script.ts'
import { candidatesIn, replay, type Target } from './other-machine.ts'
import { startTokenTextbook, type TokenTextbook } from './textbook-tokens.ts'

const email = 'ada@example.org'
const person = { email, password: goodPassword }

/** In the page: puts another key and its refresh token in the place of what lies there. */
async function swapKey(given: { jwk: JsonWebKey; refreshToken: string }): Promise<void> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const { d: _, ...open } = given.jwk
  const keys = {
    privateKey: await crypto.subtle.importKey('jwk', given.jwk, algorithm, false, ['sign']),
    publicKey: await crypto.subtle.importKey('jwk', open, algorithm, true, ['verify']),
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  const opening = indexedDB.open('counterfoil')
  opening.onsuccess = () => {
    const transaction = opening.result.transaction('held', 'readwrite')
    const store = transaction.objectStore('held')
    const names = store.getAllKeys()
    names.onsuccess = () => {
      const [name = ''] = names.result
      store.put({ keys, refreshToken: given.refreshToken, mark: 'planted' }, name)
    }
    transaction.oncomplete = () => {
      opening.result.close()
      resolve()
    }
  }
  await promise
}

onSqlite('script in the page reads all it can', (open) => {
  let scene: ClientScene
  let textbook: TokenTextbook
  let house: Target
  before(async () => {
    textbook = await startTokenTextbook()
    scene = await openClientScene(open)
    await scene.home.member(email)
    const { clock } = scene.home.machine
    const address = `http://127.0.0.1:${new URL(scene.origin).port}`
    house = { address, origin: scene.origin, now: clock.now }
  })
  after(async () => {
    await scene?.close()
    await textbook?.close()
  })

  /** Signed in honestly; then the script is there, on a page of the application that is at work. */
  async function looted(carrier: 'cookie' | 'token'): Promise<{ page: Page; loot: Loot }> {
    const context = await scene.window()
    const first = await scene.open(context, { carrier })
    await first.evaluate((given) => window.client.signIn(given), person)
    await first.close()
    await context.addInitScript(plant)
    const page = await scene.open(context, { carrier })
    await page.evaluate(() => window.client.session())
    await page.evaluate(async () => (await window.client.fetch('/auth/sessions')).status)
    scene.home.machine.clock.advance(400)
    await page.evaluate(async () => (await window.client.fetch('/auth/sessions')).status)
    return { page, loot: await page.evaluate(gather) }
  }

  async function expectHonest(page: Page): Promise<void> {
    assert.equal(await page.evaluate(async () => (await window.client.fetch('/auth/sessions')).status), 200)
  }

  test('theft succeeds against the textbook: what lies in localStorage works anywhere, and refreshes', async () => {
    const context = await scene.window()
    await context.addInitScript(plant)
    const page = await context.newPage()
    await page.goto(`${textbook.origin}/app`)
    await page.evaluate('start()')
    await page.evaluate('who()')
    const loot = await page.evaluate(gather)
    const target = { ...textbook, now: () => 0 }
    const { successes } = await replay(loot, target)
    for (const way of [/as a Bearer/, /as a refresh token/, /again: GET/])
      assert.ok(
        successes.some((what) => way.test(what)),
        String(way),
      )
    await context.close()
  })

  test('bound tokens: it holds them all, and none of them works on another machine, now or later', async () => {
    const { page, loot } = await looted('token')
    // Without these in its hands the thief would have proven nothing.
    const found = candidatesIn([...loot.texts, ...loot.overheard.flatMap((one) => one.headers.flat())])
    assert.ok(
      found.some((one) => one.startsWith('cfr_')),
      'the refresh token',
    )
    assert.ok(found.filter((one) => one.startsWith('ey')).length > 4, 'access tokens and proofs')
    assert.ok(
      loot.overheard.some(({ url }) => url.endsWith('/oauth/token')),
      'whole requests',
    )
    assert.deepEqual(
      loot.keys.filter((line) => line.startsWith('private')),
      [
        ...['jwk', 'pkcs8', 'raw', 'spki'].map((format) => `private ${format} InvalidAccessError`),
        'private wrapped InvalidAccessError',
        'private as JSON {}',
      ],
    )
    for (const seconds of [0, 30, 600]) {
      scene.home.machine.clock.advance(seconds)
      const { attempts, successes } = await replay(loot, house)
      assert.deepEqual(successes, [], `${seconds} s later`)
      assert.ok(attempts > 50, `${attempts} attempts`)
    }
    // All of that has not signed out the person either.
    await expectHonest(page)
    await page.context().close()
  })

  test('a key that script planted before anybody signed in is not the one that their tokens are bound to', async () => {
    const context = await scene.window()
    const page = await scene.open(context, { carrier: 'token' })
    const mallory = await scene.home.member('mallory@example.org')
    const { email: name, password } = mallory
    await page.evaluate((given) => window.client.signIn(given), { email: name, password })
    // A session of the thief's own, by a key that they know every bit of.
    const holder = keyHolder()
    const stolen = await signInBound(scene.home, holder, { email: name, password })
    const planted = { jwk: holder.secret.export({ format: 'jwk' }), refreshToken: stolen.refresh_token }
    await page.evaluate(swapKey, planted)
    await page.close()

    const later = await scene.open(context, { carrier: 'token' })
    const found = await later.evaluate(() => window.client.session())
    assert.equal(found?.account.email, name, 'the plant has taken')
    await later.evaluate((given) => window.client.signIn(given), person)
    await later.evaluate(plant)
    const { texts } = await later.evaluate(gather)
    const target = candidatesIn(texts).find((one) => one.startsWith('cfr_'))
    const form = { grant_type: 'refresh_token', refresh_token: String(target) }
    const attempt = await sendProven(
      scene.home,
      { agent: scene.home.program(), holder },
      { method: 'POST', path: '/oauth/token', form },
    )
    assert.deepEqual([attempt.status, (await attempt.json()).error], [400, 'invalid_grant'])
    assert.equal((await later.evaluate(() => window.client.session()))?.account.email, email)
    await context.close()
  })

  test('a cookie: script gets hold of nothing at all', async () => {
    const { page, loot } = await looted('cookie')
    const [cookie] = await page.context().cookies()
    const { value = '' } = (await page.context().cookies()).find(({ name }) => /session/.test(name)) ?? {}
    assert.ok(cookie !== undefined && value.length > 40)
    assert.ok(!JSON.stringify(loot).includes(value), 'the cookie is nowhere in what was read')
    const { successes } = await replay(loot, house)
    assert.deepEqual(successes, [])
    // It may ask for the same session by token as well, for a key that it can take along; but it does not know the password.
    const moved = await page.evaluate(async () => {
      const attempt = async (fields: object) => {
        const headers = { 'content-type': 'application/json' }
        const body = JSON.stringify({ carrier: 'token', ...fields })
        return (await fetch('/auth/carrier', { method: 'POST', headers, body })).status
      }
      return [await attempt({}), await attempt({ password: 'seven dull green boats' })]
    })
    assert.deepEqual(moved, [400, 403])
    await expectHonest(page)
    await page.context().close()
  })
})
