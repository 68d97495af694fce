import type { Client } from '@counterfoil/browser'
import { type HandClock, listen, type OpenTestDatabase, openHouse, type TestHouse } from 'counterfoil/house'
import type { BrowserContext, Page } from 'playwright-core'
import { compileBrowserPackage } from '../tools/browser-package.ts'
import { launchChromium } from '../tools/chromium.ts'

declare global {
  interface Window {
    client: Client
  }
}

/** What a server saw of one request, and what it answered. */
export type Seen = { method: string; path: string; headers: Headers; body: string; status: number }

/**
 * A house behind a real port, on a clock that is set by hand, and pages of an application with the browser client:
 * on the house's own origin, and on a second one that the policy lists. Each window is a browser of its own.
 */
export type ClientScene = {
  home: TestHouse
  /** The issuer, which serves pages too. */
  origin: string
  /** The pages of another site. */
  elsewhere: string
  /** The same pages under a name that browsers do not take for this machine: what came from there may be anybody's. */
  insecure: string
  /** Everything that the house was asked since it was last emptied, oldest first. */
  seen: Seen[]
  /** What reached the other site's server besides its pages. */
  strayed: { path: string; headers: Headers }[]
  /** A service on the other site's server, where it answers at all. */
  service: ((request: Request, path: string) => Promise<Response | null>) | null
  /** What else lies on the pages' servers, by path. */
  files: Map<string, string>
  /** Answers instead of the house, where it answers at all. */
  intercept: ((request: Request, path: string) => Promise<Response | null>) | null
  window(): Promise<BrowserContext>
  /** A page with a client of that carrier as `window.client`. `hurried`: as impatient as it is for people. */
  open(
    context: BrowserContext,
    options: { carrier: 'cookie' | 'token'; at?: string; more?: object; hurried?: boolean },
  ): Promise<Page>
  close(): Promise<void>
}

/** `policy` is asked for what the other site is called. */
type Given = { policy?: (elsewhere: string) => object; clock?: HandClock }

export async function openClientScene(database: OpenTestDatabase, given: Given = {}): Promise<ClientScene> {
  const opened: (() => unknown)[] = []
  const close = async () => {
    for (const letGo of opened.splice(0).reverse()) await letGo()
  }
  try {
    // The very object: what is set on it later has to be seen within.
    return Object.assign(await build(database, given, opened), { close })
  } catch (fault) {
    await close()
    throw fault
  }
}

async function build(database: OpenTestDatabase, given: Given, opened: (() => unknown)[]) {
  const modules = await compileBrowserPackage()
  const files = new Map([...modules].map(([name, code]) => [`/lib/${name}`, code]))
  let house: TestHouse | null = null
  const seen: Seen[] = []
  const strayed: ClientScene['strayed'] = []

  async function serve(request: Request, remote: { address: string | null }): Promise<Response> {
    const { pathname: path } = new URL(request.url)
    const file = files.get(path)
    if (file !== undefined) return served(path, file)
    if (path === '/app') return served(path, '<!doctype html><title>app</title><body></body>')
    if (house === null) return new Response(null, { status: 503 })
    const body = await request.clone().text()
    const answer = (await scene.intercept?.(request, path)) ?? (await house.house.fetch(request, remote))
    seen.push({ method: request.method, path, headers: request.headers, body, status: answer.status })
    const headers = new Headers(answer.headers)
    // The house's clock is set by hand, and what it writes on its letters is the time of that clock.
    headers.set('date', new Date(house.machine.clock.now() * 1000).toUTCString())
    return new Response(answer.body, { status: answer.status, headers })
  }

  const listener = await listen({ host: '127.0.0.1', port: 0, fetch: serve })
  opened.push(listener.close)
  const spa = await listen({
    host: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const { pathname: path } = new URL(request.url)
      const answer = await scene.service?.(request, path)
      if (answer) return answer
      if (path !== '/app' && !files.has(path)) strayed.push({ path, headers: request.headers })
      return served(path, files.get(path) ?? '<!doctype html><title>elsewhere</title><body></body>')
    },
  })
  opened.push(spa.close)
  const origin = `http://app.bank.localhost:${listener.port}`
  const elsewhere = `http://spa.localhost:${spa.port}`
  house = await openHouse(database, {
    issuer: origin,
    policy: { origins: [elsewhere], ...given.policy?.(elsewhere) },
    ...(given.clock === undefined ? {} : { clock: given.clock }),
  })
  const browser = await launchChromium({ args: ['--host-resolver-rules=MAP plain.example 127.0.0.1'] })
  opened.push(() => browser.close())

  const scene: Omit<ClientScene, 'close'> = {
    home: house,
    origin,
    elsewhere,
    insecure: `http://plain.example:${spa.port}`,
    seen,
    strayed,
    files,
    intercept: null,
    service: null,
    window: () => browser.newContext(),
    async open(context, { carrier, at = origin, more = {}, hurried = false }) {
      const page = await context.newPage()
      // A tab looks around for others only for a moment; on a machine that is busy a moment may be too short.
      await page.addInitScript(
        (isAlone) => {
          const { setTimeout } = window
          const later = (act: () => void, wait: number) => setTimeout(act, isAlone ? wait : wait + 5_000)
          Object.assign(window, { setTimeout: later })
        },
        hurried || context.pages().length === 1,
      )
      await page.goto(`${at}/app`)
      await page.evaluate(
        async ({ options, door }) => {
          const { createClient } = await import(door)
          window.client = createClient(options)
        },
        {
          options: { carrier, ...(at === origin ? {} : { issuer: origin }), ...more },
          door: '/lib/index.js',
        },
      )
      return page
    },
  }
  return scene
}

function served(path: string, text: string): Response {
  const type = path.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8'
  return new Response(text, { headers: { 'content-type': type } })
}
