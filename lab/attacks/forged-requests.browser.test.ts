import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sessionCookieName } from '@counterfoil/verifier'
import type { Page } from 'playwright-core'
import { everyAttackIsReal, expectFallen } from './at-textbook.ts'
import { account, openScene, type Scene, type Seen } from './browser-scene.ts'

// Chromium says who is who: `localhost` is like a top-level domain, so bank.localhost is one site with its siblings.
let scene: Scene
const elsewhere = () => `http://evil.localhost:${scene.evilPort}`
const sibling = () => `http://evil.bank.localhost:${scene.evilPort}`
const otherPort = () => `http://app.bank.localhost:${scene.evilPort}`

before(async () => {
  scene = await openScene()
})
after(() => scene?.close())

const quoted = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

type Field = [name: string, value: string]

function formPage(action: string, given: { fields?: Field[]; type?: string; target?: string } = {}): string {
  const { fields = [], type = 'application/x-www-form-urlencoded', target = '_self' } = given
  const inputs = fields.map(([name, value]) => `<input name="${quoted(name)}" value="${quoted(value)}">`)
  const form = `<form method="post" action="${action}" enctype="${type}" target="${target}">${inputs.join('')}</form>`
  return `<title>evil</title>${form}<iframe name="hidden"></iframe><script>document.forms[0].submit()</script>`
}

/** Opens a page of the attacker's and gives the one request of that address and method that the bank then saw. */
async function provoke(given: {
  page: Page
  from: string
  html: string
  url: string
  method?: string
}): Promise<Seen> {
  const { page, from, html, url, method = 'POST' } = given
  const { pathname } = new URL(url)
  const known = scene.seen.length
  scene.pages.set('/attack', { html })
  const answered = page.waitForResponse(
    (answer) => answer.url() === url && answer.request().method() === method,
  )
  await page.goto(`${from}/attack`)
  await answered
  const fresh = scene.seen.slice(known).filter((one) => one.path === pathname && one.method === method)
  assert.equal(fresh.length, 1, `one ${method} ${pathname}`)
  return fresh[0] ?? assert.fail()
}

/** The same against the textbook, where it has to succeed. */
async function provokeTextbook(given: {
  page: Page
  from: string
  html: string
  path: string
}): Promise<string[]> {
  const { page, from, html, path } = given
  scene.pages.set('/attack', { html })
  await page.goto(`${scene.textbook.origin}/sign-in`)
  scene.textbook.done.length = 0
  const answered = page.waitForResponse((answer) => answer.url() === scene.textbook.origin + path)
  await page.goto(`${from}/attack`)
  await answered
  return [...scene.textbook.done]
}

async function isSignedIn(page: Page): Promise<boolean> {
  const answer = await page.goto(`${scene.bank}/account`)
  return answer?.status() === 200 && page.url() === `${scene.bank}/account`
}

async function sessionCookie(): Promise<string | undefined> {
  const cookies = await scene.context.cookies(scene.bank)
  return cookies.find(({ name }) => name === sessionCookieName)?.value
}

const signOut = () => `${scene.bank}/sign-out`
const carries = (seen: Seen) => seen.cookie.includes(`${sessionCookieName}=`)

describe('forged requests in a real browser', () => {
  it("A-1: another site's form is refused, in the whole window and in a hidden frame", async () => {
    for (const target of ['_self', 'hidden']) {
      const page = await scene.signIn()
      const stolen = await provokeTextbook({
        page,
        from: elsewhere(),
        html: formPage(`${scene.textbook.origin}/transfer`, { target }),
        path: '/transfer',
      })
      expectFallen('A-1', { before: [], after: stolen })
      assert.deepEqual(stolen, ['transfer by ada: application/x-www-form-urlencoded'])

      const [rows, cookie] = [scene.contents(), await sessionCookie()]
      const html = formPage(signOut(), { target, fields: [['anything', 'else']] })
      const seen = await provoke({ page, from: elsewhere(), html, url: signOut() })
      assert.deepEqual([seen.status, seen.site, carries(seen)], [403, 'cross-site', false])
      assert.equal(scene.contents(), rows)
      assert.equal(await sessionCookie(), cookie)
      assert.ok(await isSignedIn(page))
      await page.close()
    }
  })

  it('A-2: JSON in a text/plain form is refused', async () => {
    const page = await scene.signIn()
    const fields: Field[] = [
      [`{"current":"${account.password}","new":"chosen by whoever forged it","x":"`, '"}'],
    ]
    const type = 'text/plain'
    const stolen = await provokeTextbook({
      page,
      from: elsewhere(),
      html: formPage(`${scene.textbook.origin}/transfer`, { type, fields }),
      path: '/transfer',
    })
    expectFallen('A-2', { before: [], after: stolen })
    assert.deepEqual(stolen, ['transfer by ada: text/plain'])
    const url = `${scene.bank}/auth/password/change`
    for (const from of [elsewhere(), sibling()]) {
      const rows = scene.contents()
      const seen = await provoke({ page, from, html: formPage(url, { type, fields }), url })
      assert.equal(seen.status, 403)
      assert.equal(scene.contents(), rows)
    }
    await page.close()
  })

  it('A-3: a multipart body sent by script without CORS is refused', async () => {
    const page = await scene.signIn()
    const send = (url: string) =>
      page.evaluate(async (target) => {
        const body = new FormData()
        body.set('id', 'x')
        // What comes back is kept from the page (CORP); what was sent, the server has seen.
        const sent = fetch(target, { method: 'POST', mode: 'no-cors', credentials: 'include', body })
        await sent.catch(() => null)
      }, url)
    await page.goto(`${scene.textbook.origin}/sign-in`)
    scene.pages.set('/', { html: '<title>evil</title>' })
    for (const [from, sent] of [
      [elsewhere(), false],
      [sibling(), true],
    ] as const) {
      await page.goto(from)
      scene.textbook.done.length = 0
      await send(`${scene.textbook.origin}/transfer`)
      expectFallen('A-3', { before: [], after: scene.textbook.done })
      assert.deepEqual(scene.textbook.done, ['transfer by ada: multipart/form-data'])
      const rows = scene.contents()
      await send(`${scene.bank}/account/sessions/end-others`)
      const seen = scene.seen.at(-1)
      assert.deepEqual([seen?.method, seen?.status, seen && carries(seen)], ['POST', 403, sent])
      assert.equal(scene.contents(), rows)
    }
    await page.close()
  })

  it('A-4: a JSON request of another origin ends at its preflight', async () => {
    const page = await scene.signIn()
    const send = (url: string) =>
      page.evaluate(
        (target) =>
          fetch(target, {
            method: 'POST',
            credentials: 'include',
            headers: { 'content-type': 'application/json' },
            body: '{"email":"x","password":"y"}',
          }).then(
            () => 'sent',
            () => 'blocked',
          ),
        url,
      )
    await page.goto(`${scene.textbook.origin}/sign-in`)
    scene.pages.set('/', { html: '<title>evil</title>' })
    for (const from of [elsewhere(), sibling(), otherPort()]) {
      await page.goto(from)
      scene.textbook.done.length = 0
      assert.equal(await send(`${scene.textbook.origin}/transfer`), 'sent')
      expectFallen('A-4', { before: [], after: scene.textbook.done })
      assert.equal(scene.textbook.done.at(-1), 'transfer by ada: application/json')
      const known = scene.seen.length
      assert.equal(await send(`${scene.bank}/auth/sign-out`), 'blocked')
      assert.deepEqual(
        scene.seen.slice(known).map(({ method }) => method),
        ['OPTIONS'],
      )
    }
    const headers = {
      'sec-fetch-site': 'same-origin',
      origin: scene.bank,
      'content-type': 'application/json',
    }
    const honest = await scene.context.request.post(
      `${scene.bank.replace('app.bank.localhost', '127.0.0.1')}/auth/sign-out`,
      {
        headers: { ...headers, cookie: `${sessionCookieName}=${await sessionCookie()}` },
        data: '{}',
      },
    )
    assert.equal(honest.status(), 204, 'from our own origin it is done')
    assert.equal(await isSignedIn(page), false)
    await page.close()
  })

  it('A-5: a sibling is refused though the browser sends it the cookie', async () => {
    await expectRefusedWithCookie('A-5', sibling(), 'http://evil.old.localhost')
  })

  it('A-6: another port of the same host is refused though the browser sends it the cookie', async () => {
    await expectRefusedWithCookie('A-6', otherPort(), 'http://app.old.localhost')
  })

  async function expectRefusedWithCookie(id: string, from: string, besideTextbook: string): Promise<void> {
    for (const target of ['_self', 'hidden']) {
      const page = await scene.signIn()
      await page.goto(`${scene.textbook.origin}/sign-in?lax`)
      scene.textbook.done.length = 0
      scene.pages.set('/attack', { html: formPage(`${scene.textbook.origin}/transfer`, { target }) })
      const answered = page.waitForResponse((answer) => answer.url().endsWith('/transfer'))
      await page.goto(`${besideTextbook}:${scene.evilPort}/attack`)
      await answered
      // SameSite=Lax alone stops no neighbour.
      expectFallen(id, { before: [], after: scene.textbook.done })
      assert.equal(scene.textbook.done.length, 1)

      const [rows, cookie] = [scene.contents(), await sessionCookie()]
      const seen = await provoke({ page, from, html: formPage(signOut(), { target }), url: signOut() })
      assert.deepEqual([seen.status, seen.site, seen.origin, carries(seen)], [403, 'same-site', from, true])
      assert.equal(scene.contents(), rows)
      assert.equal(await sessionCookie(), cookie)
      assert.ok(await isSignedIn(page))
      await page.close()
    }
  }

  it('A-8: a sandboxed frame, whose origin is null, is refused, below a sibling too', async () => {
    const page = await scene.signIn()
    const framed = (action: string) => {
      const inner = quoted(formPage(action))
      return `<iframe sandbox="allow-forms allow-scripts" srcdoc="${inner}"></iframe>`
    }
    const stolen = await provokeTextbook({
      page,
      from: elsewhere(),
      html: framed(`${scene.textbook.origin}/transfer`),
      path: '/transfer',
    })
    expectFallen('A-8', { before: [], after: stolen })
    assert.equal(stolen.length, 1)
    for (const from of [elsewhere(), sibling()]) {
      const rows = scene.contents()
      const seen = await provoke({ page, from, html: framed(signOut()), url: signOut() })
      assert.deepEqual([seen.status, seen.origin], [403, 'null'])
      assert.equal(scene.contents(), rows)
    }
    assert.ok(await isSignedIn(page))
    await page.close()
  })

  it('A-16: another origin cannot sign the browser in', async () => {
    const page = await scene.signIn()
    const url = `${scene.bank}/sign-in`
    const fields: Field[] = Object.entries(account)
    for (const from of [elsewhere(), sibling(), otherPort()]) {
      await scene.context.clearCookies()
      await provokeTextbook({
        page,
        from,
        html: formPage(`${scene.textbook.origin}/sign-in`, { fields: [['name', 'mallory']] }),
        path: '/sign-in',
      })
      const shown = await page.goto(`${scene.textbook.origin}/`)
      const who = await shown?.text()
      expectFallen('A-16', { before: 'you are nobody', after: who })
      assert.equal(who, 'you are mallory')
      const rows = scene.contents()
      const seen = await provoke({ page, from, html: formPage(url, { fields }), url })
      assert.equal(seen.status, 403)
      assert.equal(scene.contents(), rows)
      assert.equal(await sessionCookie(), undefined)
    }
    await page.close()
    const honest = await scene.signIn()
    assert.ok(await isSignedIn(honest), 'the same address and password work in our own form')
    await honest.close()
  })

  it('A-17: a sibling cannot plant our cookie in the jar, neither by header nor by script', async () => {
    const page = await scene.signIn()
    await page.goto(`${scene.textbook.origin}/sign-in`)
    const whoAtTextbook = async () => (await page.goto(`${scene.textbook.origin}/account`))?.text()
    assert.equal(await whoAtTextbook(), 'you are ada')
    // Of two cookies of a name the one for the longer path comes first, and the first one counts.
    const tossed = 'sid=mallory; Path=/account; Secure; Domain=old.localhost'
    scene.pages.set('/toss', { html: '<title>evil</title>', cookies: [tossed] })
    await page.goto(`http://evil.old.localhost:${scene.evilPort}/toss`)
    expectFallen('A-17', { before: 'you are ada', after: await whoAtTextbook() })

    const mine = await sessionCookie()
    const planted = `${sessionCookieName}=planted; Path=/; Secure`
    const attributes = ['', '; HttpOnly', '; Domain=bank.localhost', '; HttpOnly; Domain=bank.localhost']
    const cookies = [
      ...attributes.map((rest) => planted + rest),
      'session=planted; Path=/; Domain=bank.localhost',
    ]
    scene.pages.set('/plant', { html: '<title>evil</title>', cookies })
    await page.goto(`${sibling()}/plant`)
    await page.evaluate((text) => {
      const planting = ['', '; Domain=bank.localhost'].map((rest) => text + rest)
      planting.push('sid=planted; Path=/; Domain=bank.localhost')
      // biome-ignore lint/suspicious/noDocumentCookie: this is how script plants a cookie
      for (const cookie of planting) document.cookie = cookie
    }, planted)
    assert.ok(await isSignedIn(page))
    const sent = scene.seen.at(-1)?.cookie ?? ''
    assert.match(sent, /(?:^|; )session=planted/, 'cookies of other names do arrive from a sibling')
    assert.match(sent, /(?:^|; )sid=planted/)
    assert.doesNotMatch(sent, new RegExp(`${sessionCookieName}=planted`))
    assert.equal(await sessionCookie(), mine)
    assert.ok(
      !(await page.evaluate(() => document.cookie)).includes(sessionCookieName),
      'script cannot read it',
    )
    // Another port is the same host to the jar: it may replace a cookie, with a value that opens nothing.
    scene.pages.set('/plant', { html: '', cookies: [`${planted}; HttpOnly`] })
    await page.goto(`${otherPort()}/plant`)
    assert.equal(await isSignedIn(page), false)
    await page.close()
  })

  it('A-19: a jar that a sibling filled is answered 431, and works again once those cookies are deleted', async () => {
    const page = await scene.signIn()
    const junk = Array.from(
      { length: 20 },
      (_, at) => `junk${at}=${'x'.repeat(1000)}; Path=/; Domain=bank.localhost`,
    )
    scene.pages.set('/bomb', { html: '<title>evil</title>', cookies: junk })
    await page.goto(`${sibling()}/bomb`)
    const known = scene.seen.length
    const bombed = await page.goto(`${scene.bank}/account`)
    assert.equal(bombed?.status(), 431)
    assert.equal(scene.seen.length, known, 'no handler was reached')
    await scene.context.clearCookies({ name: /^junk/ })
    assert.ok(await isSignedIn(page), 'the session itself was never touched')
    await page.close()
  })

  it('A-20: no image, link, frame or form of another origin signs anybody out', async () => {
    const page = await scene.signIn()
    await page.goto(`${scene.textbook.origin}/sign-in`)
    scene.textbook.done.length = 0
    const image = (url: string) =>
      `<img src="${url}" onload="document.title='over'" onerror="document.title='over'">`
    const over = () => page.waitForFunction(() => document.title === 'over')
    scene.pages.set('/image', { html: image(`${scene.textbook.origin}/sign-out`) })
    await page.goto(`${elsewhere()}/image`)
    await over()
    expectFallen('A-20', { before: [], after: scene.textbook.done })
    assert.deepEqual(scene.textbook.done, ['signed out ada'])

    const [rows, cookie] = [scene.contents(), await sessionCookie()]
    for (const from of [elsewhere(), sibling(), otherPort()]) {
      for (const path of ['/sign-out', '/auth/sign-out']) {
        scene.pages.set('/image', { html: image(scene.bank + path) })
        const known = scene.seen.length
        await page.goto(`${from}/image`)
        await over()
        assert.deepEqual(
          scene.seen.slice(known).map(({ method, status }) => [method, status]),
          [['GET', 405]],
        )
        const url = scene.bank + path
        const framed = await provoke({
          page,
          from,
          html: `<iframe src="${url}"></iframe>`,
          url,
          method: 'GET',
        })
        assert.equal(framed.status, 405)
        const html = `<script>location = ${JSON.stringify(url)}</script>`
        const opened = await provoke({ page, from, html, url, method: 'GET' })
        assert.deepEqual(
          [opened.status, carries(opened)],
          [405, true],
          'a top-level GET does bring the cookie',
        )
        assert.equal((await provoke({ page, from, html: formPage(url), url })).status, 403)
      }
    }
    assert.equal(scene.contents(), rows)
    assert.equal(await sessionCookie(), cookie)
    assert.ok(await isSignedIn(page))
    await page.locator('form[action="/sign-out"] button').first().click()
    await page.waitForURL(`${scene.bank}/`)
    assert.equal(await sessionCookie(), undefined, 'the button on our own page does')
    await page.close()
  })
})

everyAttackIsReal('forged-requests.browser.test.ts')
