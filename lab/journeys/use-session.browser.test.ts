import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createClient } from '@counterfoil/browser'
import { SessionProvider, useSession } from '@counterfoil/browser/react'
import { goodPassword, onSqlite } from 'counterfoil/house'
import type { BrowserContext, Page } from 'playwright-core'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { type ClientScene, openClientScene } from '../client-scene.ts'
import { reactFiles, reactPage } from './react-page.ts'

const person = { email: 'ada@example.org', password: goodPassword }

/** A hundred components that all want to know. The same function runs on the server and in the page. */
const crowd = (create: typeof createElement, use: typeof useSession) => () => {
  const Name = () => {
    const { status, session } = use()
    return create('b', null, `${status} ${session?.account.email ?? 'nobody'}`)
  }
  return Array.from({ length: 100 }, (_, key) => create(Name, { key }))
}
const inPage = `const Crowd = (${crowd})(React.createElement, useSession)
const client = createClient({ carrier: 'cookie' })
window.client = client
const page = (initial) => React.createElement(SessionProvider, { client, initial }, React.createElement(Crowd))`

onSqlite('useSession', (open) => {
  let scene: ClientScene
  let context: BrowserContext
  const complaints: string[] = []

  before(async () => {
    scene = await openClientScene(open)
    for (const [path, text] of reactFiles()) scene.files.set(path, text)
    await scene.home.member(person.email)
    context = await scene.window()
    const page = await scene.open(context, { carrier: 'cookie' })
    await page.evaluate((given) => window.client.signIn(given), person)
    await page.close()
  })
  after(() => scene?.close())

  async function show(html: string): Promise<Page> {
    scene.files.set('/crowd', html)
    scene.seen.length = 0
    complaints.length = 0
    const page = await context.newPage()
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())))
    page.on('pageerror', (fault) => void complaints.push(fault.message))
    await page.goto(`${scene.origin}/crowd`)
    return page
  }

  const isShown = (page: Page, text: string) =>
    page.waitForFunction((wanted) => {
      const names = [...document.querySelectorAll('b')]
      return names.length === 100 && names.every((name) => name.textContent === wanted)
    }, text)

  test('a hundred components are one request, and show at first that it is not known yet', async () => {
    const page = await show(
      reactPage('', `${inPage}\nwindow.start = () => createRoot(root).render(page(undefined))`),
    )
    const first = page.waitForFunction(() => document.querySelector('b')?.textContent === 'loading nobody')
    let letGo = () => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    scene.intercept = async () => {
      await held
      return null
    }
    await page.evaluate('start()')
    await first
    letGo()
    await isShown(page, `signed-in ${person.email}`)
    scene.intercept = null
    assert.deepEqual(
      scene.seen.map(({ method, path }) => `${method} ${path}`),
      ['GET /auth/session'],
    )
    assert.deepEqual(complaints, [])
    await page.close()
  })

  test('a page that the server rendered is right from its first letter, and asks nobody', async () => {
    const initial = {
      account: { id: 'a', email: person.email },
      session: { id: 's', created_at: 1, last_seen_at: 1, device: '', carrier: 'cookie', current: true },
    } as const
    const client = createClient({ issuer: scene.origin, carrier: 'cookie' })
    const Crowd = crowd(createElement, useSession)
    const html = renderToString(createElement(SessionProvider, { client, initial }, createElement(Crowd)))
    assert.equal(html.match(/signed-in ada@example\.org/g)?.length, 100)
    assert.equal(client.state().status, 'loading', 'nothing of one visitor is kept for the next')
    const script = `${inPage}\nwindow.start = () => hydrateRoot(root, page(${JSON.stringify(initial)}))`
    const page = await show(reactPage(html, script))
    await isShown(page, `signed-in ${person.email}`)
    await page.evaluate('start()')
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)))
    await isShown(page, `signed-in ${person.email}`)
    assert.deepEqual(scene.seen, [])
    assert.deepEqual(complaints, [])
    await page.close()
  })

  test('a page that was rendered for nobody asks nobody either', async () => {
    const page = await show(reactPage('', `${inPage}\ncreateRoot(root).render(page(null))`))
    await isShown(page, 'signed-out nobody')
    assert.deepEqual(scene.seen, [])
    await page.close()
  })

  test('what goes wrong is shown, and asking again mends it', async () => {
    scene.intercept = async () => new Response(null, { status: 503 })
    const page = await show(reactPage('', `${inPage}\ncreateRoot(root).render(page(undefined))`))
    await isShown(page, 'failed nobody')
    assert.equal(scene.seen.length, 1, 'a hundred components do not hammer a server that is down')
    scene.intercept = null
    await page.evaluate(() => window.client.session())
    await isShown(page, `signed-in ${person.email}`)
    await page.close()
  })

  test('signing out in another tab reaches every component', async () => {
    const page = await show(reactPage('', `${inPage}\ncreateRoot(root).render(page(undefined))`))
    await isShown(page, `signed-in ${person.email}`)
    const other = await scene.open(context, { carrier: 'cookie' })
    await other.evaluate(() => window.client.signOut())
    await isShown(page, 'signed-out nobody')
    await page.close()
  })
})
