import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { launchChromium } from '../chromium.ts'
import { writeSite } from './build.ts'

const folder = mkdtempSync(join(tmpdir(), 'counterfoil-site-'))
let browser: Browser
before(async () => {
  writeSite(folder)
  browser = await launchChromium()
})
after(async () => {
  await browser.close()
  rmSync(folder, { recursive: true, force: true })
})

type Visit = { page: Page; complaints: string[]; open: (path: string) => Promise<void> }

/** A page that remembers what a visitor should never see: errors, and requests to anywhere else. */
async function visit(options: BrowserContextOptions = {}): Promise<Visit> {
  const page = await (await browser.newContext(options)).newPage()
  const complaints: string[] = []
  page.on('console', (message) => message.type() !== 'log' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`))
  page.on('request', (request) => request.url().startsWith('file:') || complaints.push(request.url()))
  const open = async (path: string) => void (await page.goto(pathToFileURL(join(folder, path)).href))
  return { page, complaints, open }
}

test('the site opens from its folder: one reads on, searches, and arrives at the heading that was found', async () => {
  const { page, complaints, open } = await visit()
  await open('index.html')
  await page.getByRole('navigation', { name: 'Previous and next page' }).getByRole('link').click()
  await page.waitForURL((url) => !url.pathname.endsWith('/index.html'))
  assert.match(await page.getByRole('heading', { level: 1 }).innerText(), /Two ways/)
  await page.getByRole('searchbox').fill('signing key reserve')
  const found = page.getByRole('link', { name: /What to do when a key leaks: A signing key/ })
  await found.click()
  await page.waitForURL(/docs\/tasks\/leaked-key\.html#a-signing-key$/)
  await page.getByRole('searchbox').fill('POST /auth/sign-in')
  await page
    .locator('.results')
    .getByRole('link', { name: /The HTTP surface/ })
    .waitFor()
  await page.getByRole('searchbox').fill('zzzz')
  await page.getByText('Nothing has “zzzz” in it.').waitFor()
  await page.keyboard.press('Escape')
  assert.equal(await page.locator('.results').isVisible(), false)
  assert.deepEqual(complaints, [])
})

test('on a phone no page is wider than the screen', async () => {
  const { page, complaints, open } = await visit({ viewport: { width: 360, height: 740 } })
  for (const path of [
    'index.html',
    'docs/threats.html',
    'docs/http.html',
    'docs/cli.html',
    'all-pages.html',
  ]) {
    await open(path)
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    assert.ok(tooWide <= 0, `${path} is ${tooWide} pixels too wide`)
  }
  assert.deepEqual(complaints, [])
})

test('without script every page is there to be read, and no field that does nothing', async () => {
  const { page, complaints, open } = await visit({ javaScriptEnabled: false })
  await open('docs/errors.html')
  assert.equal(await page.getByRole('searchbox').isVisible(), false)
  await page.getByRole('link', { name: 'All pages' }).click()
  await page.waitForURL(/all-pages\.html/)
  await page.getByRole('main').getByRole('link', { name: 'End a session everywhere' }).click()
  await page.waitForURL((url) => !url.pathname.endsWith('/all-pages.html'))
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'End a session everywhere')
  assert.deepEqual(complaints, [])
})

test('by keyboard the first stop is the way past the head of the page', async () => {
  const { page, open } = await visit()
  await open('docs/model.html')
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the text')
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'the.text')
})
