import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { dataFolder } from 'counterfoil/house'
import { freePort } from '../../tools/free-port.ts'

const folder = dataFolder()
const command = fileURLToPath(new URL('../../packages/server/bin/counterfoil.js', import.meta.url))
const started: ChildProcess[] = []
const env = { PATH: process.env.PATH ?? '' }

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill()
  await once(child, 'exit')
}
after(async () => {
  for (const child of started) await stop(child)
})

/** Where another one was before, too. */
async function start(name: string, port: string): Promise<{ port: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(name, import.meta.url))], {
    ...{ cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], env: { ...env, PORT: port } },
  })
  started.push(child)
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  for (;;) {
    const found = /port: (\d+)/.exec(output)?.[1]
    if (found !== undefined) return { port: found, child }
    if (child.exitCode !== null) throw new Error(`the program ended: ${output}`)
    await Promise.race([once(child.stdout ?? child, 'data'), once(child, 'exit')])
  }
}

const cookiesOf = (answer: Response) =>
  answer.headers.getSetCookie().map((line) => line.split(';', 1)[0] ?? '')

test('whoever was signed in stays so, once, and nobody else gets in by it', async (t) => {
  const before = await start('old.ts', String(await freePort()))
  const old = `http://localhost:${before.port}`
  const signIn = async (account: string) => {
    const answer = await fetch(`${old}/login/${account}`, { method: 'POST', redirect: 'manual' })
    const cookie = cookiesOf(answer).join('; ')
    assert.match(await (await fetch(old, { headers: { cookie } })).text(), new RegExp(`Hello, ${account}`))
    return cookie
  }
  const [ada, grace, stranger] = [await signIn('17'), await signIn('18'), await signIn('99')]
  await stop(before.child)

  cpSync(new URL('accounts.jsonl', import.meta.url), join(folder, 'accounts.jsonl'))
  const script = readFileSync(new URL('move-in.sh', import.meta.url), 'utf8')
  const head = `set -e\ncounterfoil() { "${process.execPath}" "${command}" "$@"; }\n`
  await promisify(execFile)('sh', ['-c', head + script], { cwd: folder, env })
  const { port } = await start('new.ts', before.port)
  const site = `http://localhost:${port}`
  const visit = (cookie: string, headers: Record<string, string>, method = 'GET', path = '/') =>
    fetch(site + path, { method, redirect: 'manual', headers: { cookie, ...headers } })
  const typed = { 'sec-fetch-site': 'none' }
  const foreign = { 'sec-fetch-site': 'cross-site' }
  const own = { origin: site, 'sec-fetch-site': 'same-origin' }

  await t.test('who types the address is signed in, and their old cookie is taken away', async () => {
    const moved = await visit(ada, typed)
    assert.deepEqual([moved.status, moved.headers.get('location')], [303, '/'])
    const [gone = '', ...ours] = cookiesOf(moved)
    assert.equal(gone, 'connect.sid=')
    const page = await visit(ours.join('; '), typed)
    assert.equal(await page.text(), 'Hello, ada@example.org')
  })
  await t.test('the old cookie is good for one session', async () => {
    const again = await visit(ada, typed)
    assert.equal(again.headers.get('location'), '/sign-in?next=/')
    assert.doesNotMatch(cookiesOf(again).join(), /__Host-Http-session/)
  })
  await t.test(
    'who follows a link of another site presses a button, and no other site presses it',
    async () => {
      const linked = await visit(grace, foreign)
      assert.match(await linked.text(), /<button>Continue<\/button>/)
      const forged = await visit(grace, { ...foreign, origin: 'https://evil.example' }, 'POST', '/continue')
      assert.equal(forged.status, 403)
      assert.deepEqual(cookiesOf(forged), [])
      const pressed = await visit(grace, own, 'POST', '/continue')
      const cookie = cookiesOf(pressed).slice(1).join('; ')
      assert.equal(await (await visit(cookie, typed)).text(), 'Hello, grace@example.org')
    },
  )
  await t.test('a session that was made up, or of nobody here, is sent to the sign-in', async () => {
    const made = ada.replace(/(?<=s%3A)./, (first) => (first === 'x' ? 'y' : 'x'))
    assert.notEqual(made, ada)
    for (const cookie of [made, stranger, 'connect.sid=s%3A.']) {
      const answer = await visit(cookie, typed)
      assert.equal(answer.headers.get('location'), '/sign-in?next=/', cookie)
    }
  })
})
