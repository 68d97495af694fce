// The pieces of docs/browser.md in a real browser, bundled as an application's own would be.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { goodPassword, onSqlite } from 'counterfoil/house'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import { type ClientScene, openClientScene } from '../../lab/client-scene.ts'

const person = { email: 'ada@example.org', password: goodPassword }

onSqlite('the pieces for pages', (open) => {
  let scene: ClientScene
  let context: BrowserContext
  /** What the service on the other origin was shown. */
  const shown: string[] = []

  before(async () => {
    scene = await openClientScene(open, { policy: (elsewhere) => ({ audiences: [elsewhere] }) })
    await scene.home.member(person.email)
    scene.service = async (request, path) => {
      if (path !== '/orders') return null
      const headers = new Headers({
        'access-control-allow-origin': scene.origin,
        'access-control-allow-headers': 'authorization, dpop',
        'access-control-expose-headers': 'dpop-nonce, www-authenticate',
      })
      if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers })
      shown.push(request.headers.get('authorization') ?? '')
      return new Response('[]', { headers })
    }
    for (const name of ['own-origin.ts', 'audiences.ts', 'elsewhere.ts', 'carriers.ts', 'react-page.tsx'])
      scene.files.set(`/${name.replace(/\.tsx?$/, '.js')}`, await bundle(name))
    context = await scene.window()
  })
  after(() => scene?.close())

  /** With the addresses of this scene in the place of those that stand for the reader's own. */
  async function bundle(name: string): Promise<string> {
    const made = await build({
      ...{ entryPoints: [`${import.meta.dirname}/${name}`], bundle: true, write: false, format: 'esm' },
      ...{ jsx: 'automatic', logLevel: 'silent', define: { 'process.env.NODE_ENV': '"production"' } },
    })
    const [file] = made.outputFiles
    return (file?.text ?? '')
      .replaceAll('https://auth.example', scene.origin)
      .replaceAll('https://api.example', scene.elsewhere)
  }

  async function pageAt(origin: string): Promise<Page> {
    const page = await context.newPage()
    await page.goto(`${origin}/app`)
    return page
  }

  type Act = { piece: string; name: string; given?: unknown[] }
  const call = (page: Page, { piece, name, given = [] }: Act) =>
    page.evaluate(
      async ([path, act, args]) => {
        const module = await import(String(path))
        const found = await module[String(act)](...(args as unknown[]))
        return found instanceof Response ? found.status : found
      },
      [`/${piece}.js`, name, given] as const,
    )

  test('on the own origin: a refusal is told, and a payment goes by cookie', async () => {
    const page = await pageAt(scene.origin)
    const submit = (password: string) =>
      call(page, { piece: 'own-origin', name: 'submit', given: [person.email, password] })
    assert.equal(await submit('something else entirely'), 'Address and password do not fit.')
    assert.equal(await submit(person.password), null)
    scene.seen.length = 0
    await call(page, { piece: 'own-origin', name: 'pay', given: ['{}'] })
    const [paid] = scene.seen
    assert.deepEqual([paid?.method, paid?.path], ['POST', '/payments'])
    assert.match(paid?.headers.get('cookie') ?? '', /__Host-Http-session=/)
    assert.equal(paid?.headers.get('sec-fetch-site'), 'same-origin')
  })

  test('to a service elsewhere it goes with a bound token', async () => {
    const page = await pageAt(scene.origin)
    assert.equal(await call(page, { piece: 'audiences', name: 'orders' }), 200)
    assert.match(shown.at(-1) ?? '', /^DPoP /)
  })

  test('React shows who is signed in at first sight, and signs out', async () => {
    const page = await pageAt(scene.origin)
    await page.evaluate(async () => {
      const module = await import(String('/react-page.js'))
      await module.show()
    })
    await page.getByText(`${person.email}: sign out`).click()
    await page.getByText('Sign in').waitFor()
  })

  test('a session goes from the cookie to a token and back', async () => {
    const page = await pageAt(scene.origin)
    const { email, password } = person
    await call(page, { piece: 'own-origin', name: 'submit', given: [email, password] })
    const carrier = async () => await page.evaluate(() => fetch('/auth/session').then((r) => r.status))
    assert.equal(await carrier(), 200)
    await call(page, { piece: 'carriers', name: 'toToken', given: [password] })
    assert.equal(await carrier(), 401)
    await call(page, { piece: 'carriers', name: 'toCookie', given: [password] })
    assert.equal(await carrier(), 200)
  })

  test('on another origin: signed in by token, which the named service is given', async () => {
    const page = await pageAt(scene.elsewhere)
    const found = await page.evaluate(
      async ([given, service]) => {
        const { auth } = await import(String('/elsewhere.js'))
        await auth.signIn(given)
        return (await auth.fetch(`${service}/orders`)).status
      },
      [person, scene.elsewhere] as const,
    )
    assert.equal(found, 200)
    assert.match(shown.at(-1) ?? '', /^DPoP /)
  })
})
