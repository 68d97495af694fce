// Pages elsewhere, in a real browser in which somebody is signed in, that act for them at an application.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContext, Page } from 'playwright-core'

export type Forger = {
  /** The browser of the one who is acted for. */
  readonly context: BrowserContext
  /** From every place in every way: each works at an application without a guard, and is refused here. */
  forge(target: Target): Promise<void>
  close(): Promise<void>
}

export async function openForger(context: BrowserContext): Promise<Forger> {
  const pages = await servePages()
  return {
    context,
    forge: (target) => forgeFrom(context, { pages, target }),
    async close() {
      pages.close()
      await context.close()
    },
  }
}

type Pages = { readonly port: number; readonly kept: string[]; close(): void }

/** The attacker's page, and an application that believes whatever brings its cookie. */
async function servePages(): Promise<Pages> {
  const kept: string[] = []
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
    ...{ port, kept },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

type Target = { url: string; fields: Readonly<Record<string, string>> }
type Shot = (page: Page, target: Target) => Promise<number>

/** The ways in which a page makes a browser post, with the cookie where the browser gives it, and the status of the answer. */
const shots: Record<string, Shot> = {
  'a form': (page, target) => submitted(page, target, { type: 'application/x-www-form-urlencoded' }),
  'a form with files': (page, target) => submitted(page, target, { type: 'multipart/form-data' }),
  'a form of text': (page, target) => submitted(page, target, { type: 'text/plain' }),
  'a form in a sandboxed frame': (page, target) =>
    submitted(page, target, { type: 'multipart/form-data', sandboxed: true }),
  'script without CORS': async (page, { url, fields }) => {
    const answered = page.waitForResponse(url)
    await page.evaluate(
      async ({ target, pairs }) => {
        const body = new URLSearchParams(pairs)
        await fetch(target, { method: 'POST', mode: 'no-cors', credentials: 'include', body }).catch(
          () => null,
        )
      },
      { target: url, pairs: { ...fields } },
    )
    return (await answered).status()
  },
}

async function submitted(
  page: Page,
  { url, fields }: Target,
  { type, sandboxed = false }: { type: string; sandboxed?: boolean },
): Promise<number> {
  const answered = page.waitForResponse(
    (answer) => answer.url() === url && answer.request().method() === 'POST',
  )
  await page.evaluate(
    ({ action, enctype, isSandboxed, pairs }) => {
      const inputs = pairs.map(([name, value]) => `<input name="${name}" value="${value}">`).join('')
      const form = `<form method="post" action="${action}" enctype="${enctype}">${inputs}</form>`
      const frame = document.createElement('iframe')
      if (isSandboxed) frame.setAttribute('sandbox', 'allow-forms allow-scripts')
      frame.srcdoc = `${form}<script>document.forms[0].submit()</script>`
      document.body.append(frame)
    },
    { action: url, enctype: type, isSandboxed: sandboxed, pairs: Object.entries(fields) },
  )
  return (await answered).status()
}

const placesOf = ({ port }: Pages): Record<string, string> => ({
  'another site': `http://evil.test.localhost:${port}`,
  'a sibling': `http://evil.localhost:${port}`,
  'another port': `http://localhost:${port}`,
})

async function forgeFrom(
  context: BrowserContext,
  { pages, target }: { pages: Pages; target: Target },
): Promise<void> {
  const textbook = `http://textbook.localhost:${pages.port}`
  const page = await context.newPage()
  for (const [place, origin] of Object.entries(placesOf(pages))) {
    for (const [what, shot] of Object.entries(shots)) {
      const about = `${what} from ${place}`
      await page.goto(`${textbook}/sign-in`)
      await page.goto(origin)
      pages.kept.length = 0
      await shot(page, { ...target, url: `${textbook}/notes` })
      assert.equal(pages.kept.length, 1, `${about} proves nothing: it fails everywhere`)
      assert.equal(await shot(page, target), 403, about)
    }
  }
  await page.close()
}
