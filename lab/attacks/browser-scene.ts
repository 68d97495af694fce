import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createAuth } from 'counterfoil'
import { listen } from 'counterfoil/house'
import type { BrowserContext, Page } from 'playwright-core'
import { launchProfile } from '../../tools/chromium.ts'
import { startTextbook, type Textbook } from './textbook.ts'

/** What a server saw of one request: proof that the browser sent it, and with what. */
export type Seen = {
  method: string
  path: string
  cookie: string
  site: string
  origin: string
  status: number
}

export const account = { email: 'ada@example.org', password: 'a long walk by the quiet river' }

/**
 * Real servers and a real browser with an ordinary profile. To the browser `app.bank.localhost` and
 * `evil.bank.localhost` are the same site and different origins; `evil.localhost` is another site.
 */
export type Scene = {
  context: BrowserContext
  bank: string
  /** Everything the bank was asked, oldest first. */
  seen: Seen[]
  textbook: Textbook
  /** The attacker's pages, under whatever name the port is reached by. */
  evilPort: number
  pages: Map<string, { html: string; cookies?: string[] }>
  /** Every row of the bank's database, without the counters of attempts. */
  contents(): string
  /** A page of the bank, freshly signed in through its own form. */
  signIn(): Promise<Page>
  close(): Promise<void>
}

export async function openScene(): Promise<Scene> {
  const opened: (() => unknown)[] = []
  const close = async () => {
    for (const letGo of opened.splice(0).reverse()) await letGo()
  }
  try {
    return { ...(await buildScene(opened)), close }
  } catch (fault) {
    // What stays open would keep the file from ending until its deadline.
    await close()
    throw fault
  }
}

async function buildScene(opened: (() => unknown)[]): Promise<Omit<Scene, 'close'>> {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-scene-'))
  opened.push(() => rmSync(folder, { recursive: true, force: true }))
  const database = join(folder, 'bank.db')
  const seen: Seen[] = []
  let answer = async (_request: Request, _remote: { address: string | null }) =>
    new Response(null, { status: 503 })
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    async fetch(request, remote) {
      const response = await answer(request, remote)
      seen.push(noteOf(request, response.status))
      return response
    },
  })
  opened.push(listener.close)
  const bank = `http://app.bank.localhost:${listener.port}`
  const auth = await createAuth({
    issuer: bank,
    database: `sqlite:${database}`,
    secret: new Uint8Array(32).fill(5),
  })
  opened.push(auth.close)
  answer = auth.fetch
  const textbook = await startTextbook()
  opened.push(textbook.close)
  const evil = await startEvil()
  opened.push(evil.close)
  const context = await launchProfile(join(folder, 'profile'))
  opened.push(() => context.close())
  await signUp(context, bank)

  return {
    context,
    bank,
    seen,
    textbook,
    evilPort: evil.port,
    pages: evil.pages,
    contents: () => contentsOf(database),
    async signIn() {
      await context.clearCookies()
      const page = await context.newPage()
      await page.goto(`${bank}/sign-in`)
      await page.fill('input[name=email]', account.email)
      await page.fill('input[name=password]', account.password)
      await page.click('form button.primary')
      await page.waitForURL(`${bank}/account`)
      return page
    },
  }
}

/** Through the bank's own pages: the positive control for every form below. */
async function signUp(context: BrowserContext, bank: string): Promise<void> {
  const page = await context.newPage()
  await page.goto(`${bank}/sign-up`)
  await page.fill('input[name=email]', account.email)
  await page.fill('input[name=password]', account.password)
  await page.click('form button.primary')
  await page.getByText('Look in your mailbox').first().waitFor()
  const mails: { text: string }[] = await (
    await context.request.get(`http://127.0.0.1:${new URL(bank).port}/dev/mail`, {
      headers: { accept: 'application/json' },
    })
  ).json()
  const link = /\/verify\?token=[\w-]+/.exec(mails[0]?.text ?? '')?.[0]
  await page.goto(`${bank}${link}`)
  await page.click('form button.primary')
  await page.waitForURL(`${bank}/account`)
  await page.close()
}

function noteOf(request: Request, status: number): Seen {
  const { headers, method, url } = request
  const read = (name: string) => headers.get(name) ?? ''
  const { pathname: path } = new URL(url)
  return {
    method,
    path,
    cookie: read('cookie'),
    site: read('sec-fetch-site'),
    origin: read('origin'),
    status,
  }
}

async function startEvil() {
  const pages: Scene['pages'] = new Map()
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const page = pages.get(request.url ?? '')
    if (page?.cookies) response.setHeader('set-cookie', page.cookies)
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.writeHead(page ? 200 : 404).end(page?.html ?? '')
  }
  const { port, close } = await startPlain(serve)
  return { pages, port, close }
}

async function startPlain(serve: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { port: address.port, close }
}

function contentsOf(path: string): string {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const tables = db.prepare("select name from sqlite_master where type = 'table'").all()
    // Attempts are counted and the server's heart beats, whoever sends what.
    const passing = /^limit_state$|^feed_verifier$|^sqlite/
    const names = tables.map(({ name }) => String(name)).filter((name) => !passing.test(name))
    const rows = names.flatMap((name) =>
      db
        .prepare(`select * from "${name}"`)
        .all()
        .map((row) => `${name} ${JSON.stringify(row)}`),
    )
    return rows.sort().join('\n')
  } finally {
    db.close()
  }
}
