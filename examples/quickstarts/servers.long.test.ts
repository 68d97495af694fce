// The quickstarts of Express, Fastify, Hono and bare node:http, as a newcomer goes through them: `init` in a folder of
// their own, the program that it wrote, and everything from there on by the pages.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../tools/free-port.ts'
import { begin, linkAt, type Program, personAt, start, who } from './testing/project.ts'

const packages = { express: ['express'], fastify: ['fastify'], hono: ['hono', '@hono/node-server'], node: [] }
const frameworks = ['express', 'fastify', 'hono', 'node'] as const
type Begun = { folder: string; port: number; program: Program }
const begun = new Map<string, Begun>()

before(async () => {
  await Promise.all(
    frameworks.map(async (framework) => {
      const { folder, made } = await begin(framework)
      assert.deepEqual(made.slice(3), ['auth.js', 'notes.js', 'server.js'])
      const port = await freePort()
      const program = await start(folder, { program: 'server.js', env: { PORT: String(port) } })
      begun.set(framework, { folder, port, program })
    }),
  )
})
after(() => Promise.all([...begun.values()].map(({ program }) => program.stop())))

const shownFile = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8')
const begunWith = (framework: string): Begun => begun.get(framework) ?? assert.fail(framework)

/** What browsers say of a request that another page makes. */
const forgeriesAt = (port: number): [from: string, headers: Record<string, string>][] => [
  ['another site', { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }],
  ['a sibling', { origin: `http://evil.localhost:${port}`, 'sec-fetch-site': 'same-site' }],
  ['another port', { origin: 'http://localhost:1', 'sec-fetch-site': 'same-site' }],
  ['a sandboxed frame', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
]

/** A client that sends half of what it promised, and goes away. */
async function hangUp(port: number, cookie: string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  const type = 'application/x-www-form-urlencoded'
  const head = `POST /notes HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:${port}\r\nCookie: ${cookie}\r\nContent-Type: ${type}\r\nContent-Length: 900\r\n\r\ntext=half`
  await new Promise<void>((resolve) => socket.write(head, () => resolve()))
  await new Promise((resolve) => setImmediate(resolve))
  socket.destroy()
}

for (const framework of frameworks) {
  test(`${framework}: what init writes is what the quickstart shows`, () => {
    const { folder } = begunWith(framework)
    for (const file of ['auth.js', 'notes.js', 'server.js'])
      assert.equal(readFileSync(join(folder, file), 'utf8'), shownFile(`${framework}/${file}`), file)
    // Those for Express run as they are in tools/installed.long.test.ts.
    const commands = shownFile('express/begin.sh')
      .replace('tgz express', ['tgz', ...packages[framework]].join(' '))
      .replaceAll('notes-express', `notes-${framework}`)
    assert.equal(shownFile(`${framework}/begin.sh`), commands)
  })

  test(`${framework}: a second one on the same port ends and says why, and does not say that it listens`, async () => {
    const { folder, port } = begunWith(framework)
    const second = start(folder, { program: 'server.js', env: { PORT: String(port) } })
    await assert.rejects(second, /^Error: the program ended: (?!.*listening on).*EADDRINUSE/s)
  })

  test(`${framework}: from an empty folder to somebody signed in, who keeps a note and signs out`, async () => {
    const { port } = begunWith(framework)
    const ada = personAt(port)
    assert.match(await (await ada.get('/')).text(), /href="\/sign-up"/)
    const nobody = await ada.get('/me')
    assert.deepEqual([nobody.status, (await nobody.json()).code], [401, 'credential_missing'])

    assert.match(await (await ada.submit('/sign-up', who)).text(), /Look in your mailbox/)
    const link = await linkAt(port)
    assert.equal(link.port, String(port))
    assert.match(await (await ada.get(link.pathname + link.search)).text(), /<form method="post"/)
    const token = link.searchParams.get('token') ?? ''
    const verified = await ada.submit('/verify', { token, password: who.password })
    assert.deepEqual([verified.status, verified.headers.get('location')], [303, '/account'])
    assert.equal((await (await ada.get('/me')).json()).account.email, who.email)

    const kept = await ada.submit('/notes', { text: '<b>tea</b> & toast' })
    assert.deepEqual([kept.status, kept.headers.get('location')], [303, '/'])
    const page = await ada.get('/')
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
    assert.match(await page.text(), /<li>&#60;b&#62;tea&#60;\/b&#62; &#38; toast<\/li>/)
    const before = await (await personAt(port).get('/')).text()
    assert.doesNotMatch(before, /toast/)

    assert.equal((await ada.submit('/sign-out', {})).headers.get('location'), '/')
    assert.equal((await ada.get('/me')).status, 401)
    assert.doesNotMatch(await (await ada.get('/')).text(), /toast/)
    const wrong = await ada.submit('/sign-in', { email: who.email, password: 'something else entirely' })
    assert.equal(wrong.status, 401)
    const again = await ada.submit('/sign-in', { ...who, next: '/' })
    assert.deepEqual([again.status, again.headers.get('location')], [303, '/'])
    assert.match(await (await ada.get('/')).text(), /toast/)
  })

  test(`${framework}: nobody else posts for them, and nothing that they send brings the program down`, async () => {
    const { port, program } = begunWith(framework)
    const ada = personAt(port)
    await ada.submit('/sign-in', { ...who, next: '/' })
    const page = async () => (await ada.get('/')).text()
    const before = await page()
    assert.match(before, /Sign out/)
    for (const [from, headers] of forgeriesAt(port)) {
      const forged = await ada.send('POST', '/notes', { form: { text: 'mallory' }, headers })
      assert.deepEqual([forged.status, (await forged.json()).code], [403, 'forged_request'], from)
    }
    const nobody = personAt(port, 'program')
    assert.equal((await nobody.send('POST', '/notes', { form: { text: 'nobody' } })).status, 401)

    const cookie = [...ada.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const form = 'application/x-www-form-urlencoded'
    const bodies: [type: string, body: string][] = [
      ['application/json', '{'],
      [form, `text=${'a'.repeat(200_000)}`],
      [form, 'text[a]=b&text=c&%=%'],
      ['multipart/form-data; boundary=x', '--x\r\nnothing'],
      ['text/plain', 'text=plain'],
    ]
    for (const [type, body] of bodies) {
      const sent = await ada.send('POST', '/notes', { body, headers: { 'content-type': type } })
      assert.ok(sent.status < 500, `${type}: ${sent.status}`)
    }
    await hangUp(port, cookie)
    assert.ok((await page()).includes('toast'))
    assert.doesNotMatch(await page(), /mallory|nobody/)
    assert.ok(program.isRunning(), program.output())
  })
}
