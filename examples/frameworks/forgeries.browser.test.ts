// The examples of every adapter, in one real browser: somebody who is signed in, and pages elsewhere that act for them. That
// of Next.js has to be built first: examples/quickstarts/next.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { launchProfile } from '../../tools/chromium.ts'
import { freePort } from '../../tools/free-port.ts'
import { begin, linkAt, type Program, personAt, start, who } from '../quickstarts/testing/project.ts'
import { type Forger, openForger } from './forger.ts'

const frameworks = ['express', 'fastify', 'hono', 'node'] as const
const profile = mkdtempSync(join(tmpdir(), 'counterfoil-forgeries-'))
type Example = { port: number; program: Program }
const examples = new Map<string, Example>()
let forger: Forger

before(async () => {
  forger = await openForger(await launchProfile(profile))
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
  await forger?.close()
  await Promise.all([...examples.values()].map(({ program }) => program.stop()))
  rmSync(profile, { recursive: true, force: true })
})

for (const framework of frameworks) {
  test(`${framework}: no page elsewhere keeps a note for somebody who is signed in, and their own page does`, async () => {
    const { port } = examples.get(framework) ?? assert.fail(framework)
    const ours = `http://localhost:${port}`
    const ada = personAt(port)
    await ada.submit('/sign-up', who)
    const token = (await linkAt(port)).searchParams.get('token') ?? ''
    assert.equal((await ada.submit('/verify', { token, password: who.password })).status, 303)
    const page = await forger.context.newPage()
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

    await forger.forge({ url: `${ours}/notes`, fields: { text: 'mallory' } })
    assert.equal(await notes(), before)
    await page.close()
  })
}
