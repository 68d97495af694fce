import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { launchChromium, launchProfile } from '../../tools/chromium.ts'
import { createDevice } from './attacker/device.ts'
import { forgeries } from './attacker/forgeries.ts'
import { ada, mallory } from './people.ts'
import { fetchHere } from './place.ts'
import { centsIn, paidIn, type RunningDemo, startByNpm, startDemo } from './testing/command.ts'

const folder = mkdtempSync(join(tmpdir(), 'counterfoil-demo-'))
let demo: RunningDemo
/** An ordinary profile: in a private window third-party cookies may be blocked, which would prove too much. */
let context: BrowserContext
/** Whatever the browser complained about on pages of the bank. */
const complaints: string[] = []

before(async () => {
  demo = await startByNpm(['--port', '0', '--data', join(folder, 'data')])
  context = await launchProfile(join(folder, 'profile'))
})

after(async () => {
  await context?.close()
  await demo?.interrupt()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  for (const page of context.pages().slice(1)) await page.close()
  await context.clearCookies()
})

const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true }).click()
const inOurBooks = (email: string) => centsIn(join(folder, 'data', 'bank-ledger.db'), email)
const paidByOurBooks = (email: string) => paidIn(join(folder, 'data', 'bank-ledger.db'), email)

async function openBank(from: BrowserContext = context): Promise<Page> {
  const page = await from.newPage()
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  await page.goto(demo.bank)
  return page
}

async function signIn(page: Page, carrier: 'cookie' | 'token'): Promise<void> {
  await press(page, `Sign in by ${carrier}`)
  await page.locator(`#carrier:text-is("${carrier}")`).waitFor()
}

/** At the textbook bank by cookie and by token, with everything as on the first day. */
async function startOverAtTextbook(page: Page): Promise<void> {
  await context.clearCookies({ name: 'connect.sid' })
  await page.goto(demo.textbook)
  await press(page, 'Sign in by cookie')
  await page.getByText('signed in by cookie').waitFor()
  await page.goto(`${demo.textbook}/modern`)
  if (await page.getByRole('button', { name: 'Sign in by token' }).isVisible())
    await press(page, 'Sign in by token')
  await page.getByText('signed in by token').waitFor()
}

type Findings = Record<'ours' | 'textbook', { verdict: string; words: string }>

async function attempt(evil: Page, id: string): Promise<Findings> {
  const card = evil.locator(`#${id}`)
  await card.getByRole('button').click()
  for (const target of ['ours', 'textbook'])
    await card
      .locator(
        `[data-target=${target}]:is([data-verdict=held], [data-verdict=fell], [data-verdict=untested])`,
      )
      .waitFor()
  const read = async (target: string) => {
    const place = card.locator(`[data-target=${target}]`)
    const words = await place.locator('.words').innerText()
    return { verdict: (await place.getAttribute('data-verdict')) ?? '', words }
  }
  return { ours: await read('ours'), textbook: await read('textbook') }
}

describe('npm run demo', { concurrency: false }, () => {
  it('prints three addresses, uncoloured and one a line, once all of them answer', async () => {
    const [bank, evil, textbook] = demo.lines
    assert.equal(demo.lines.length, 3)
    assert.match(bank ?? '', /^http:\/\/bank\.localhost:\d+$/)
    assert.match(evil ?? '', /^http:\/\/evil\.localhost:\d+$/)
    assert.match(textbook ?? '', /^http:\/\/textbook\.localhost:\d+$/)
    const page = await context.newPage()
    const titles: string[] = []
    for (const address of demo.lines) {
      assert.equal((await page.goto(address))?.status(), 200, address)
      titles.push(await page.title())
    }
    assert.equal(new Set(titles).size, 3, titles.join(', '))
  })

  it('leads from sign-up, by its own mailbox, to a payment, and to a forgery that is refused', async () => {
    const [email, password] = ['bea@example.com', 'seven grey geese over the harbour']
    const page = await openBank()
    await page.getByRole('link', { name: 'open an account of your own' }).click()
    await page.getByLabel('Email').fill(email)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await press(page, 'Create account')
    await page.getByText('Look in your mailbox').first().waitFor()
    await page.goto(`${demo.bank}/dev/mail`)
    const link = /\/verify\?token=[\w-]+/.exec(await page.content())?.[0]
    await page.goto(`${demo.bank}${link}`)
    await press(page, 'Confirm this address')
    await page.waitForURL(`${demo.bank}/account`)

    await page.goto(demo.bank)
    await press(page, 'Pay')
    await page.getByText(`Paid 12.50 euros to ${mallory.email}.`).waitFor()
    await page.locator('#balance:text-is("€1,237.50")').waitFor()
    assert.equal(inOurBooks(email), 123_750)

    const evil = await context.newPage()
    await evil.goto(demo.evil)
    const { ours } = await attempt(evil, 'hidden-form')
    assert.match(ours.words, /^POST \/payments, cross-site, .* answered 403/)
    assert.equal(ours.verdict, 'untested', 'it is Ada whose money is at stake, and she is not here')
    assert.equal(inOurBooks(email), 123_750)
    await page.getByText('forged_request').first().waitFor()
  })

  it('shows for each request what was carried, what was checked, and what it cost', async () => {
    const page = await openBank()
    await signIn(page, 'cookie')
    await press(page, 'Pay')
    const paid = page.locator('.exchange', { hasText: 'POST /payments' }).first()
    await paid.getByText(/checked in [\d.]+ (µs|ms), 0 database queries/).waitFor()
    await paid.locator('details').evaluate((details) => details.setAttribute('open', ''))
    await paid.getByText('64 characters that mean nothing').waitFor()
    await paid.getByText('in memory, against the feed').waitFor()
    const shown =
      (await page.locator('#exchanges').innerText()) + (await page.locator('#counter').innerText())
    for (const { name, value } of await context.cookies(demo.bank))
      assert.ok(!shown.includes(value), `the panel shows ${name}`)
  })

  it('refuses a session in one window as soon as it is ended in another, and says how soon', async () => {
    const [here, there] = [await openBank(), await openBank()]
    await signIn(here, 'cookie')
    await signIn(there, 'token')
    // Which carrier this window uses; no secret.
    assert.deepEqual(await there.evaluate(() => ({ ...localStorage, ...sessionStorage })), {
      carrier: 'token',
    })
    await here.getByText('by token').first().waitFor()
    await here.locator('.lines li', { hasText: 'by token' }).getByRole('button', { name: 'End' }).click()
    await there.getByText('The session of this window is over.').waitFor()
    await there
      .getByText(/^refused [\d.]+ ms after its end$/)
      .first()
      .waitFor()
    await here.locator('#carrier:text-is("cookie")').waitFor()
  })

  it('carries the same session the other way at the press of a button, and knows it after a reload', async () => {
    const page = await openBank()
    await signIn(page, 'cookie')
    await press(page, 'Use the token instead')
    await page.getByText('The same session, by token from here on.').waitFor()
    await page.locator('#carrier:text-is("token")').waitFor()
    const names = (await context.cookies(demo.bank)).map(({ name }) => name)
    assert.ok(!names.includes('__Host-Http-session'), `${names}`)
    await press(page, 'Pay')
    await page.getByText(`Paid 12.50 euros to ${mallory.email}.`).waitFor()
    const paid = page.locator('.exchange', { hasText: 'POST /payments' }).first()
    await paid.locator('details').evaluate((details) => details.setAttribute('open', ''))
    await paid.getByText('It is bound to a key that cannot leave the browser').waitFor()
    await page.reload()
    await page.locator('#carrier:text-is("token")').waitFor()
    await press(page, 'Use the cookie instead')
    await page.locator('#carrier:text-is("cookie")').waitFor()
    await page.locator('#devices li', { hasText: 'by cookie' }).getByText('this one').waitFor()
    assert.equal(await page.locator('#devices li', { hasText: 'this one' }).count(), 1)
  })

  it('moves a session for its password alone, and says so where it is another one', async () => {
    const page = await openBank()
    await signIn(page, 'cookie')
    await page.locator('#switch').getByLabel('Password').fill('not the password of Ada')
    await press(page, 'Use the token instead')
    await page.locator('#switch .problem:not([hidden])').waitFor()
    assert.equal(await page.locator('#carrier').innerText(), 'cookie')
    await page.locator('#switch').getByLabel('Password').fill(ada.password)
    await press(page, 'Use the token instead')
    await page.locator('#carrier:text-is("token")').waitFor()
    // Tokens outlive the clearing of cookies; the next test begins without any.
    await press(page, 'Sign out')
    await page.getByText('You are signed out.').waitFor()
  })

  it('works by cookie without script', async () => {
    const browser = await launchChromium()
    const page = await openBank(await browser.newContext({ javaScriptEnabled: false }))
    await press(page, 'Sign in by cookie')
    await page.locator('#balance').waitFor()
    const held = inOurBooks(ada.email)
    await page.getByLabel('Amount in euros').fill('2')
    await press(page, 'Pay')
    await page.waitForURL(`${demo.bank}/`)
    assert.equal(inOurBooks(ada.email), held - 200)
    await press(page, 'Sign out')
    await page.getByRole('button', { name: 'Sign in by cookie' }).waitFor()
    await browser.close()
  })

  it('takes a copied token only together with the key that it is bound to', async () => {
    const [owner, thief] = [createDevice(demo.bank), createDevice(demo.bank)]
    const token = await owner.signIn(ada)
    const order = { to: mallory.email, amount: '1', note: '' }
    const bare = { method: 'POST', headers: { authorization: `Bearer ${token}` } }
    assert.equal((await fetchHere(`${demo.bank}/payments`, bare)).status, 401)
    assert.equal((await thief.pay(token, order)).status, 401)
    assert.equal((await owner.pay(token, order)).status, 201, 'with its key the same token pays')
    await owner.signOut(token)
    assert.equal((await owner.pay(token, order)).status, 401)
  })

  it('answers HEAD as it answers GET', async () => {
    for (const path of ['/', '/counter', '/balance', '/payments', '/auth/session']) {
      const [head, get] = [
        await fetchHere(demo.bank + path, { method: 'HEAD' }),
        await fetchHere(demo.bank + path),
      ]
      assert.equal(head.status, get.status, path)
      assert.equal(await head.text(), '')
    }
  })

  it('says that nothing was tested where nobody is signed in', async () => {
    const evil = await context.newPage()
    await evil.goto(demo.evil)
    const page = await openBank()
    await signIn(page, 'cookie')
    await press(page, 'Sign out')
    await page.getByText('You are signed out.').waitFor()
    await startOverAtTextbook(page)
    await page.goto(demo.textbook)
    await press(page, 'Sign out')
    await page.getByRole('button', { name: 'Sign in by cookie' }).waitFor()
    const { ours, textbook } = await attempt(evil, 'hidden-form')
    assert.deepEqual([ours.verdict, textbook.verdict], ['untested', 'untested'])
    assert.equal(
      await evil.locator('#hidden-form [data-target=ours] a').getAttribute('href'),
      `${demo.bank}/`,
    )
  })

  it('takes no payment of another window for a forgery that worked', async () => {
    const [page, evil] = [await openBank(), await context.newPage()]
    await signIn(page, 'cookie')
    await evil.goto(demo.evil)
    // Nobody asks for the verdict before the payment is made, however long that takes.
    const paid = Promise.withResolvers<void>()
    await evil.route(/\/shots\/\d+$/, async (route) => {
      await paid.promise
      await route.continue()
    })
    const card = evil.locator('#cors')
    const begun = evil.waitForResponse((answer) => answer.url() === `${demo.evil}/shots/cors`)
    await card.getByRole('button').click()
    await begun
    await card.locator('[data-target=ours][data-verdict=waiting]').waitFor()
    await press(page, 'Pay')
    await page.getByText(`Paid 12.50 euros to ${mallory.email}.`).waitFor()
    paid.resolve()
    const finding = card.locator('[data-target=ours]:is([data-verdict=held], [data-verdict=fell])')
    await finding.waitFor()
    assert.equal(await finding.getAttribute('data-verdict'), 'held')
    assert.match(await finding.innerText(), /before, .* now/, 'the payment fell into those seconds')
  })

  it('puts the password of the textbook bank back once a forgery has changed it', async () => {
    const [page, evil] = [await context.newPage(), await context.newPage()]
    await startOverAtTextbook(page)
    await evil.goto(demo.evil)
    assert.equal((await attempt(evil, 'password')).textbook.verdict, 'fell')
    await startOverAtTextbook(page)
  })

  const places = () => {
    const { port } = new URL(demo.evil)
    return {
      'another site': `http://evil.localhost:${port}`,
      'a sibling subdomain': `http://evil.bank.localhost:${port}`,
      'another port of the same host': `http://bank.localhost:${port}`,
    }
  }
  for (const place of ['another site', 'a sibling subdomain', 'another port of the same host'] as const) {
    it(`every forgery from ${place} is refused by the bank, and works at the textbook bank`, async () => {
      const [page, textbook, evil] = [await openBank(), await context.newPage(), await context.newPage()]
      await signIn(page, 'cookie')
      await startOverAtTextbook(textbook)
      const cookies = await context.cookies(demo.bank)
      await evil.goto(places()[place])
      for (const { id, name, stake, shot } of forgeries) {
        // What needs no browser is the same from everywhere.
        if (shot === null && place !== 'another site') continue
        const held = inOurBooks(ada.email)
        const paid = paidByOurBooks(ada.email)
        const { ours, textbook: theirs } = await attempt(evil, id)
        assert.equal(
          theirs.verdict,
          'fell',
          `${name}: proves nothing, since it fails everywhere: ${theirs.words}`,
        )
        assert.equal(ours.verdict, 'held', `${name}: ${ours.words}`)
        // One forgery pays her a cent, for the note; and where the textbook bank is broke, both begin with clean books.
        assert.ok(inOurBooks(ada.email) >= held, `${name}: the books say that it was paid`)
        const after = paidByOurBooks(ada.email)
        assert.deepEqual(after, after.length === 0 ? [] : paid, `${name}: the books say that it was paid`)
        if (id === 'hidden-form' && place !== 'another site')
          assert.match(
            ours.words,
            /with the bank’s cookie/,
            'the browser sends a neighbour’s requests the cookie',
          )
        if (stake === 'money' || stake === 'secret') continue
        const reloaded = evil.waitForEvent('load')
        await press(evil, 'Start over')
        await reloaded
        await startOverAtTextbook(textbook)
      }
      assert.deepEqual(await context.cookies(demo.bank), cookies)
      await page.reload()
      await page.getByText(`${ada.email}, here by cookie`).waitFor()
      await press(page, 'Sign out')
      await page.getByRole('button', { name: 'Sign in by cookie' }).waitFor()
      // The same password as before, whatever was forged.
      await signIn(page, 'cookie')
    })
  }

  it('is never blocked by its own content security policy', () => {
    assert.deepEqual(complaints, [])
  })

  it('stops at Ctrl-C and leaves nothing behind', async () => {
    const brief = await startDemo(['--port', '0'])
    assert.equal(brief.temporary().length, 1, 'without --data it keeps everything in a temporary folder')
    const { port } = new URL(brief.bank)
    // It looks for what is left.
    assert.equal(await brief.interrupt(), 0)
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`))
  })
})
