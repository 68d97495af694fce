// The examples of every adapter, in one real browser: somebody who is signed in, and pages elsewhere that act for them.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { launchProfile } from '../../tools/chromium.ts'
import { freePort } from '../../tools/free-port.ts'
import { begin, linkAt, type Program, personAt, start, who } from '../quickstarts/testing/project.ts'

const frameworks = ['express', 'fastify', 'hono', 'node'] as const
const profile = mkdtempSync(join(tmpdir(), 'counterfoil-forgeries-'))
type Example = { port: number; program: Program }
const examples = new Map<string, Example>()
let context: BrowserContext
/** The attacker's page, and an application that believes whatever brings its cookie. */
let pages: { port: number; close(): void }
const kept: string[] = []

before(async () => {
  context = await launchProfile(profile)
  pages = await servePages()
  await Promise.all(
    frameworks.map(async (framework) => {
      const { folder } = await begin(framework)
      const port = await freePort()
      examples.set(framework, {
        port,
        program: await start(folder, { program: 'server.js', env: { PORT: String(port) } }),
      })
    }),
  )
})
after(async () => {
  await context?.close()
  pages?.close()
  await Promise.all([...examples.values()].map(({ program }) => program.stop()))
  rmSync(profile, { recursive: true, force: true })
})

async function servePages(): Promise<{ port: number; close(): void }> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    const isKnown = /(?:^|; )old=ada/.test(request.headers.cookie ?? '')
    if (request.url === '/sign-in') response.setHeader('set-cookie', 'old=ada; Path=/; Secure; SameSite=None')
    if (request.url === '/notes' && request.method === 'POST' && isKnown)
      kept.push(String(request.headers.origin))
    response.end('<title>elsewhere</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

type Shot = (page: Page, url: string) => Promise<number>

/** The ways in which a page makes a browser post, with the cookie where the browser gives it, and the status of the answer. */
const shots: Record<string, Shot> = {
  'a form': (page, url) => submitted(page, { url, type: 'application/x-www-form-urlencoded' }),
  'a form of text': (page, url) => submitted(page, { url, type: 'text/plain' }),
  'a form in a sandboxed frame': (page, url) =>
    submitted(page, { url, type: 'application/x-www-form-urlencoded', sandboxed: true }),
  'script without CORS': async (page, url) => {
    const answered = page.waitForResponse(url)
    await page.evaluate(async (target) => {
      const body = new URLSearchParams({ text: 'mallory' })
      await fetch(target, { method: 'POST', mode: 'no-cors', credentials: 'include', body }).catch(() => null)
    }, url)
    return (await answered).status()
  },
}

async function submitted(
  page: Page,
  given: { url: string; type: string; sandboxed?: boolean },
): Promise<number> {
  const { url, type, sandboxed = false } = given
  const answered = page.waitForResponse(
    (answer) => answer.url() === url && answer.request().method() === 'POST',
  )
  await page.evaluate(
    ({ action, enctype, isSandboxed }) => {
      const form = `<form method="post" action="${action}" enctype="${enctype}"><input name="text" value="mallory"></form>`
      const frame = document.createElement('iframe')
      if (isSandboxed) frame.setAttribute('sandbox', 'allow-forms allow-scripts')
      frame.srcdoc = `${form}<script>document.forms[0].submit()</script>`
      document.body.append(frame)
    },
    { action: url, enctype: type, isSandboxed: sandboxed },
  )
  return (await answered).status()
}

const places = (): Record<string, string> => ({
  'another site': `http://evil.test.localhost:${pages.port}`,
  'a sibling': `http://evil.localhost:${pages.port}`,
  'another port': `http://localhost:${pages.port}`,
})

for (const framework of frameworks) {
  test(`${framework}: no page elsewhere keeps a note for somebody who is signed in, and their own page does`, async () => {
    const { port } = examples.get(framework) ?? assert.fail(framework)
    const ours = `http://localhost:${port}`
    const ada = personAt(port)
    await ada.submit('/sign-up', who)
    const token = (await linkAt(port)).searchParams.get('token') ?? ''
    assert.equal((await ada.submit('/verify', { token, password: who.password })).status, 303)
    const page = await context.newPage()
    await page.goto(`${ours}/sign-in`)
    await page.fill('input[name=email]', who.email)
    await page.fill('input[name=password]', who.password)
    await page.click('form button.primary')
    await page.waitForURL(`${ours}/account`)
    await page.goto(ours)
    await page.fill('[name=text]', 'toast')
    await Promise.all([page.waitForResponse(`${ours}/notes`), page.press('[name=text]', 'Enter')])
    const notes = async () => {
      await page.goto(ours)
      return page.innerHTML('body')
    }
    const before = await notes()
    assert.match(before, /toast/)

    const elsewhere = await context.newPage()
    for (const [place, origin] of Object.entries(places())) {
      for (const [what, shot] of Object.entries(shots)) {
        const about = `${what} from ${place}`
        await elsewhere.goto(`http://textbook.localhost:${pages.port}/sign-in`)
        await elsewhere.goto(origin)
        kept.length = 0
        await shot(elsewhere, `http://textbook.localhost:${pages.port}/notes`)
        assert.equal(kept.length, 1, `${about} proves nothing: it fails everywhere`)
        assert.equal(await shot(elsewhere, `${ours}/notes`), 403, about)
      }
    }
    assert.equal(await notes(), before)
    await page.close()
    await elsewhere.close()
  })
}
