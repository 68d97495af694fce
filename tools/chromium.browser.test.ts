import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { launchChromium, launchProfile } from './chromium.ts'

async function listen(t: TestContext, answer: Record<string, string>): Promise<number> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html', ...answer }).end('<title>here</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  t.after(() => server.closeAllConnections())
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return address.port
}

test('a browser starts and shows a page', async (t) => {
  const browser = await launchChromium()
  t.after(() => browser.close())
  const page = await browser.newPage()
  await page.goto(
    'data:text/html,<title>one session</title><p style="font-family:system-ui,monospace">text</p>',
  )
  assert.equal(await page.title(), 'one session')
  // A browser that finds no font dies here, and only here.
  assert.ok((await page.screenshot()).length > 0)
})

test('names under localhost lead to this machine', async (t) => {
  const port = await listen(t, {})
  const browser = await launchChromium()
  t.after(() => browser.close())
  const page = await browser.newPage()
  await page.goto(`http://shop.localhost:${port}/`)
  assert.equal(await page.title(), 'here')
})

test('web security is on: a page cannot read what another origin does not share', async (t) => {
  const [own, other] = [await listen(t, {}), await listen(t, {})]
  const browser = await launchChromium()
  t.after(() => browser.close())
  const page = await browser.newPage()
  await page.goto(`http://localhost:${own}/`)
  const read = await page.evaluate(
    (url) =>
      fetch(url).then(
        () => 'read',
        () => 'blocked',
      ),
    `http://localhost:${other}/`,
  )
  assert.equal(read, 'blocked')
})

test('a profile keeps its cookies from one start to the next', async (t) => {
  const port = await listen(t, { 'set-cookie': 'kept=yes; Max-Age=600; Path=/' })
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-profile-'))
  const first = await launchProfile(folder)
  const page = await first.newPage()
  await page.goto(`http://localhost:${port}/`)
  await first.close()
  const second = await launchProfile(folder)
  // The browser writes to its profile until it has closed, so the folder goes after it.
  t.after(async () => {
    await second.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  const cookies = await second.cookies(`http://localhost:${port}/`)
  assert.deepEqual(
    cookies.map(({ name, value }) => [name, value]),
    [['kept', 'yes']],
  )
})
