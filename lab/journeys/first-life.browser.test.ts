import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type ServerProcess, startServer } from 'counterfoil/house'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchChromium } from '../../tools/chromium.ts'

const password = 'a long walk by the quiet river'
const newPassword = 'seven grey geese over the harbour'
const newestPassword = 'the kettle sings on sunday morning'

let data: string
let server: ServerProcess
let browser: Browser
let site: string
/** Whatever the browser complained about: blocked scripts, styles, forms. */
const complaints: string[] = []

before(async () => {
  data = mkdtempSync(join(tmpdir(), 'counterfoil-journey-'))
  server = await startServer(data)
  site = server.browserOrigin
  browser = await launchChromium()
})

after(async () => {
  await browser?.close()
  await server?.stop()
  rmSync(data, { recursive: true, force: true })
})

async function newDevice(
  options: { javaScriptEnabled?: boolean } = {},
): Promise<{ device: BrowserContext; page: Page }> {
  const device = await browser.newContext(options)
  const page = await device.newPage()
  page.on('console', (message) => {
    // A refused form answers 4xx, which the browser mentions; that is not a fault of the page.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return { device, page }
}

const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().click()
const pathOf = (page: Page) => new URL(page.url()).pathname

async function signUp(page: Page, email: string): Promise<void> {
  await page.goto(`${site}/sign-up`)
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await press(page, 'Create account')
  await page.getByText(email).first().waitFor()
}

async function linkFor(email: string, kind: 'verify' | 'reset'): Promise<string> {
  const answer = await fetch(`${server.origin}/dev/mail`, { headers: { accept: 'application/json' } })
  const mails = (await answer.json()) as { to: string; text: string }[]
  for (const { to, text } of mails) {
    const link = new RegExp(`http\\S+/${kind}\\?token=[\\w-]+`).exec(text)?.[0]
    if (to === email && link !== undefined) return link
  }
  throw new Error(`no mail to ${email} leads to /${kind}`)
}

async function signIn(page: Page, email: string, typed: string): Promise<void> {
  await page.goto(`${site}/sign-in`)
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(typed)
  await press(page, 'Sign in')
}

describe('a person in a real browser', { concurrency: false }, () => {
  test('signs up, confirms by a press in the same browser, and is in', async () => {
    const { device, page } = await newDevice()
    await signUp(page, 'ada@example.org')
    await page.goto(await linkFor('ada@example.org', 'verify'))
    await page.waitForFunction('location.search === ""')
    assert.equal(pathOf(page), '/verify')
    await press(page, 'Confirm this address')
    await page.waitForURL(`${site}/account`)
    assert.match(await page.textContent('main').then(String), /this one/i)

    const cookies = await device.cookies()
    const session = cookies.find(({ name }) => name === '__Host-Http-session')
    assert.ok(session?.httpOnly && session.secure)
    assert.equal(session.sameSite, 'Lax')
    assert.equal(await page.evaluate('document.cookie'), '')
    await device.close()
  })

  test('signs in on a second device, sees both, and ends the other one', async () => {
    const first = await newDevice()
    const second = await newDevice()
    await signIn(first.page, 'ada@example.org', password)
    await first.page.waitForURL(`${site}/account`)
    await signIn(second.page, 'ada@example.org', password)
    await second.page.waitForURL(`${site}/account`)
    await press(second.page, /all others|the other one/)
    await second.page.waitForURL(/notice=others-ended/)
    await first.page.goto(`${site}/account`)
    assert.equal(pathOf(first.page), '/sign-in')
    await second.page.goto(`${site}/account`)
    assert.equal(pathOf(second.page), '/account')
    await first.device.close()
    await second.device.close()
  })

  test('finds the error at its field after a wrong password, with nothing lost but the password', async () => {
    const { device, page } = await newDevice()
    await signIn(page, 'ada@example.org', 'not the password at all')
    await page.getByRole('alert').waitFor()
    assert.equal(await page.getByLabel('Email').inputValue(), 'ada@example.org')
    assert.equal(await page.getByLabel('Password', { exact: true }).inputValue(), '')
    await device.close()
  })

  test('changes the password, and is sent to sign in again everywhere else', async () => {
    const { device, page } = await newDevice()
    const other = await newDevice()
    await signIn(page, 'ada@example.org', password)
    await signIn(other.page, 'ada@example.org', password)
    for (const one of [page, other.page]) await one.waitForURL(`${site}/account`)
    await page.getByLabel('Current password', { exact: true }).fill(password)
    await page.getByLabel('New password', { exact: true }).fill(newPassword)
    await press(page, 'Change password')
    await page.waitForURL(/notice=password-changed/)
    await other.page.goto(`${site}/account`)
    assert.equal(pathOf(other.page), '/sign-in')
    await press(page, /^Sign out/)
    await page.goto(`${site}/account`)
    assert.equal(pathOf(page), '/sign-in')
    await device.close()
    await other.device.close()
  })

  test('forgets the password, chooses another by the link, and the link works once', async () => {
    const { device, page } = await newDevice()
    await page.goto(`${site}/forgot`)
    await page.getByLabel('Email').fill('ada@example.org')
    await press(page, 'Send the link')
    await page.getByText('ada@example.org').first().waitFor()
    const link = await linkFor('ada@example.org', 'reset')
    await page.goto(link)
    await page.waitForFunction('location.search === ""')
    await page.getByLabel('New password', { exact: true }).fill(newestPassword)
    await press(page, 'Set the new password')
    await page.waitForURL(`${site}/sign-in?done=reset`)
    await signIn(page, 'ada@example.org', newestPassword)
    await page.waitForURL(`${site}/account`)
    await page.goto(link)
    assert.equal(await page.getByLabel('New password', { exact: true }).count(), 0)
    await device.close()
  })

  test('confirms in another browser, where a password is asked for and the first one never works', async () => {
    const stranger = await newDevice()
    await signUp(stranger.page, 'bea@example.org')
    const owner = await newDevice()
    await owner.page.goto(await linkFor('bea@example.org', 'verify'))
    await press(owner.page, 'Confirm this address')
    await owner.page
      .getByLabel(/password/i)
      .first()
      .waitFor()
    await owner.page.locator('input[name=password]').fill(newPassword)
    await press(owner.page, 'Confirm this address')
    await owner.page.waitForURL(`${site}/account`)
    await signIn(stranger.page, 'bea@example.org', password)
    await stranger.page.getByRole('alert').waitFor()
    await stranger.device.close()
    await owner.device.close()
  })

  test('does all of it without script too', async () => {
    const { device, page } = await newDevice({ javaScriptEnabled: false })
    await signUp(page, 'cleo@example.org')
    await page.goto(await linkFor('cleo@example.org', 'verify'))
    await press(page, 'Confirm this address')
    await page.waitForURL(`${site}/account`)
    await press(page, /^Sign out/)
    await signIn(page, 'cleo@example.org', password)
    await page.waitForURL(`${site}/account`)
    await device.close()
  })

  test('is never blocked by our own content security policy', () => {
    assert.deepEqual(complaints, [])
  })
})
