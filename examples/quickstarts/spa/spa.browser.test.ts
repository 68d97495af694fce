// The single-page application, as a newcomer goes through it in a real browser: by bound tokens from a page of another
// origin, and by cookie from one of the server's own.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchChromium } from '../../../tools/chromium.ts'
import { freePort } from '../../../tools/free-port.ts'
import { begin, installClient, linkAt, type Program, replaceIn, start, who } from '../testing/project.ts'

let program: Program
let browser: Browser
let context: BrowserContext
let home: string
let elsewhere: string
let port: number
/** Whatever the browser complained about: blocked scripts, answers that a page may not read. */
const complaints: string[] = []

before(async () => {
  const { folder, made } = await begin('spa')
  assert.deepEqual(made, ['data/secret', 'data/secret.reserve', 'data/.gitignore'])
  await installClient(folder)
  port = await freePort()
  home = `http://localhost:${port}`
  elsewhere = `http://localhost:${await freePort()}`
  replaceIn(join(folder, 'auth.js'), { 'http://localhost:5173': elsewhere })
  replaceIn(join(folder, 'public/app.js'), { 'http://localhost:3000': home })
  program = await start(folder, { program: 'server.js', env: { PORT: String(port) } })
  browser = await launchChromium()
  context = await browser.newContext()
})
after(async () => {
  await browser?.close()
  await program?.stop()
})

async function open(address: string): Promise<Page> {
  const page = await context.newPage()
  page.on('console', (message) => {
    // What is refused with 401 the browser mentions; that is not a fault of the page.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(address)
  return page
}

async function signIn(page: Page, password = who.password): Promise<void> {
  await page.fill('#sign-in [name=email]', who.email)
  await page.fill('#sign-in [name=password]', password)
  await page.click('#sign-in button')
}

async function keep(page: Page, text: string): Promise<void> {
  await page.fill('#add [name=text]', text)
  await page.click('#add button')
  await page.locator('#notes li', { hasText: text }).waitFor()
}

const notesOf = (page: Page) => page.locator('#notes li').allTextContents()

test('somebody signs up by the pages that come with it', async () => {
  const page = await open(elsewhere)
  await page.click('#sign-up')
  await page.waitForURL(`${home}/sign-up`)
  await page.fill('[name=email]', who.email)
  await page.fill('[name=password]', who.password)
  await page.click('form button.primary')
  await page.getByText('Look in your mailbox').first().waitFor()
  await page.goto((await linkAt(port)).href)
  await page.click('form button.primary')
  await page.waitForURL(`${home}/account`)
  await page.close()
})

test('on another origin each request goes with a token that is worth nothing elsewhere', async () => {
  const page = await open(elsewhere)
  await signIn(page, 'something else entirely')
  await page.getByText('Address and password do not fit.').waitFor()
  await signIn(page)
  await page.locator('#carrier', { hasText: 'token' }).waitFor()
  const posted = page.waitForRequest((sent) => sent.url() === `${home}/api/notes` && sent.method() === 'POST')
  await keep(page, '<i>tea</i>')
  assert.deepEqual(await notesOf(page), ['<i>tea</i>'])

  const headers = await (await posted).allHeaders()
  assert.match(headers.authorization ?? '', /^DPoP /)
  assert.equal(headers.cookie, undefined)
  const kept = await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length])
  assert.deepEqual(kept, ['', 0, 0])
  for (const authorization of [
    headers.authorization ?? '',
    headers.authorization?.replace('DPoP', 'Bearer') ?? '',
  ]) {
    const stolen = await fetch(`http://127.0.0.1:${port}/api/notes`, { headers: { authorization } })
    assert.equal(stolen.status, 401)
  }

  await page.reload()
  await page.locator('#notes li', { hasText: 'tea' }).waitFor()
  await page.close()
})

test('on the server’s own origin the same page goes by cookie, which another site cannot use', async () => {
  // Whoever pressed the button in the mail is signed in here.
  const page = await open(home)
  await page.locator('#carrier', { hasText: 'cookie' }).waitFor()
  await keep(page, 'toast')
  assert.deepEqual(await notesOf(page), ['<i>tea</i>', 'toast'])

  const cookies = (await context.cookies(home)).map(({ name, value }) => `${name}=${value}`).join('; ')
  const post = (from: Record<string, string>) =>
    fetch(`http://127.0.0.1:${port}/api/notes`, {
      method: 'POST',
      headers: { cookie: cookies, 'content-type': 'application/json', ...from },
      body: '{"text":"by cookie"}',
    })
  const forged = await post({ origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' })
  assert.deepEqual([forged.status, (await forged.json()).code], [403, 'forged_request'])
  assert.equal((await post({ origin: home, 'sec-fetch-site': 'same-origin' })).status, 204)
  await page.reload()
  await page.locator('#notes li', { hasText: 'by cookie' }).waitFor()
})

test('each is a session of its own, and ends on its own', async () => {
  const [byCookie, byToken] = [await open(home), await open(elsewhere)]
  await byToken.locator('#carrier', { hasText: 'token' }).waitFor()
  const ended = await byCookie.evaluate(async () => {
    const { sessions } = await (await fetch('/auth/sessions')).json()
    const other = sessions.find(({ current }: { current: boolean }) => !current)
    return (await fetch(`/auth/sessions/${other.id}`, { method: 'DELETE' })).status
  })
  assert.equal(ended, 204)
  await byToken.fill('#add [name=text]', 'too late')
  await byToken.click('#add button')
  await byToken.locator('#sign-in').waitFor()
  await signIn(byToken)
  await byCookie.click('#sign-out')
  await byCookie.locator('#sign-in').waitFor()
  assert.deepEqual(await notesOf(byCookie), [])
  await byToken.locator('#carrier', { hasText: 'token' }).waitFor()
  await byToken.click('#sign-out')
  await byToken.locator('#sign-in').waitFor()
  await byToken.reload()
  await byToken.locator('#sign-in').waitFor()
  assert.deepEqual(complaints, [])
})

test('auth.js is what init writes, and says which origin it lets in', () => {
  const lines = readFileSync(new URL('../hono/auth.js', import.meta.url), 'utf8').split('\n')
  const own = readFileSync(new URL('auth.js', import.meta.url), 'utf8').split('\n')
  const added = own.filter((line) => !lines.includes(line))
  assert.deepEqual(
    lines.filter((line) => !own.includes(line)),
    [],
  )
  assert.equal(added.length, 3)
})
