import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Page } from 'playwright-core'
import { everyAttackIsReal, expectFallen } from './at-textbook.ts'
import { account, openScene, type Scene } from './browser-scene.ts'

let scene: Scene
before(async () => {
  scene = await openScene()
})
after(() => scene?.close())

const elsewhere = () => `http://evil.localhost:${scene.evilPort}`
const sibling = () => `http://evil.bank.localhost:${scene.evilPort}`

/** A page of the attacker's opens another, and keeps hold of it. */
async function openFrom(from: string, url: string): Promise<{ evil: Page; opened: Page }> {
  scene.pages.set('/opener', {
    html: `<title>evil</title><button onclick="held = window.open('${url}', 'prize')">open</button>`,
  })
  const evil = await scene.context.newPage()
  await evil.goto(`${from}/opener`)
  const coming = scene.context.waitForEvent('page')
  await evil.click('button')
  const opened = await coming
  await opened.waitForURL(url)
  await opened.waitForLoadState()
  return { evil, opened }
}

/** What the attacker still holds of the window, and what its messages do there. */
async function reachOf(evil: Page, opened: Page) {
  await opened.evaluate(() => {
    addEventListener('message', () => {
      document.title = 'heard'
    })
  })
  const isClosed = await evil.evaluate(() => {
    const { held } = globalThis as unknown as { held: Window }
    held.postMessage({ carrier: 'token' }, '*')
    return held.closed
  })
  const opener = await opened.evaluate(() => window.opener !== null)
  // To a window that is still held a message takes as long as it takes; to one that is not, a moment shows that none comes.
  if (isClosed) await opened.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)))
  else await opened.waitForFunction(() => document.title === 'heard')
  return { isClosed, opener, heard: (await opened.title()) === 'heard' }
}

async function close(...pages: Page[]): Promise<void> {
  for (const page of pages) await page.close()
}

describe('other windows, and going back', { concurrency: false }, () => {
  it('A-21: a window of ours that another site opened is out of its reach, and of its messages', async () => {
    const textbook = await openFrom(elsewhere(), `${scene.textbook.origin}/`)
    const atTextbook = await reachOf(textbook.evil, textbook.opened)
    expectFallen('A-21', { before: { isClosed: true, opener: false, heard: false }, after: atTextbook })
    assert.deepEqual(atTextbook, { isClosed: false, opener: true, heard: true })
    await close(textbook.evil, textbook.opened)

    const page = await scene.signIn()
    for (const from of [elsewhere(), sibling()]) {
      for (const path of ['/account', '/forgot']) {
        const { evil, opened } = await openFrom(from, scene.bank + path)
        const reach = await reachOf(evil, opened)
        assert.deepEqual(reach, { isClosed: true, opener: false, heard: false }, from + path)
        await close(evil, opened)
      }
    }
    await close(page)
  })

  it('A-36: going back after signing out shows nothing of the account, nor does the way forward again', async () => {
    const old = await scene.context.newPage()
    await old.goto(`${scene.textbook.origin}/sign-in`)
    await old.goto(`${scene.textbook.origin}/account`)
    await old.goto(`${scene.textbook.origin}/sign-out`)
    await old.goBack()
    const shown = await old.textContent('body')
    expectFallen('A-36', { before: 'you are nobody', after: shown })
    assert.equal(shown, 'you are ada')
    await close(old)

    const page = await scene.signIn()
    await page.getByText(account.email).first().waitFor()
    await page.locator('form[action="/sign-out"] button').first().click()
    await page.waitForURL(`${scene.bank}/`)
    await page.goBack()
    await page.waitForURL(/\/sign-in/)
    assert.ok(!(await page.content()).includes(account.email))
    await page.goForward()
    assert.ok(!(await page.content()).includes(account.email))
    await close(page)
  })
})

everyAttackIsReal('windows.browser.test.ts')
