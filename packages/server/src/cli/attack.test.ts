import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checks } from '../attack/index.ts'
import { dataFolder, run } from '../testing/command.ts'
import { account, description, holedApp } from '../testing/holed-app.ts'

/** The application behind a real socket. Its cookies say Secure, which the kit is no browser to mind. */
async function listening(t: TestContext, open: ReadonlySet<string>): Promise<string> {
  const app = holedApp({
    open,
    now: () => Math.floor(Date.now() / 1000),
    fetchKeys: async (url) => (await fetch(url)).text(),
  })
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url = '', rawHeaders } = request
    const headers = rawHeaders.flatMap((name, at) =>
      at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ''] as const] : [],
    )
    const answer = await app({ method, path: url, headers, body })
    response.writeHead(answer.status, answer.headers.flat()).end(method === 'HEAD' ? undefined : answer.body)
  })
  server.on('upgrade', (request, socket) => {
    const isOwn = request.headers.origin === 'https://app.example'
    socket.end(`HTTP/1.1 ${isOwn ? '101 Up\r\nConnection: Upgrade\r\nUpgrade: websocket' : '403 No'}\r\n\r\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://app.localhost:${(server.address() as AddressInfo).port}`
}

test('attack prints one JSON object and exits with 0 where nothing is found, with 1 where something is', async (t) => {
  const sound = await run([
    'attack',
    await listening(t, new Set()),
    '--origin',
    'https://app.example',
    '--json',
  ])
  assert.equal(sound.code, 0, sound.err + sound.out)
  const holes = new Set(['forged-cross-site', 'token-own-key-fetched'])
  const target = await listening(t, holes)
  const found = await run(['attack', target, '--origin', 'https://app.example', '--json'])
  assert.equal(found.code, 1, found.err)
  const report = JSON.parse(found.out)
  assert.deepEqual([report.target, report.found], [target, 2])
  assert.deepEqual(Object.keys(report.checks[0]), ['id', 'verdict', 'severity', 'evidence', 'remedy'])
  assert.equal(report.checks.length, checks.length)
  assert.match(found.err, new RegExp(`^${checks.length}/${checks.length} `, 'm'), 'progress')
  assert.equal(`${found.out}${found.err}`.includes(account.password), false)
})

test('attack reads the description, the account and the password from elsewhere, and says in words what it found', async (t) => {
  const folder = dataFolder()
  const { account: _, ...rest } = description
  writeFileSync(join(folder, 'target.json'), JSON.stringify(rest))
  writeFileSync(join(folder, 'password'), `${account.password}\n`)
  const ran = await run([
    ...['attack', await listening(t, new Set(['cookie-httponly'])), '--origin', 'https://app.example'],
    ...[
      '--target',
      join(folder, 'target.json'),
      '--account',
      account.name,
      '--password-file',
      join(folder, 'password'),
    ],
  ])
  assert.equal(ran.code, 1, ran.err)
  assert.match(ran.out, /: 1 accepted, \d+ refused, 0 skipped\n\d+ of at most 1500 requests/)
  assert.match(
    ran.out,
    /ACCEPTED {2}medium {2}cookie-httponly\n {2}__Host-sid has no HttpOnly\n {2}Set HttpOnly\./,
  )
})

const impossible: [string, string[], RegExp][] = [
  ['no address', [], /missing required argument/],
  ['an address that is none', ['shop'], /Give the address/],
  ['an unknown flag', ['http://localhost:1', '--force'], /unknown option/],
  ['a target that is out of reach', ['http://localhost:1'], /ECONNREFUSED/],
  ['a description that is not there', ['http://localhost:1', '--target', '/nowhere.json'], /ENOENT/],
  ['a bound that is none', ['http://localhost:1', '--requests', '0'], /whole number/],
]
for (const [what, args, says] of impossible) {
  test(`attack with ${what} exits with 2 and one line`, async () => {
    const ran = await run(['attack', ...args])
    assert.deepEqual([ran.code, ran.out], [2, ''])
    assert.match(ran.err, says)
    assert.equal(ran.err.trim().split('\n').length, 1)
  })
}

test('attack tells what stopped it as one JSON object where JSON is asked for', async () => {
  const ran = await run(['attack', 'http://localhost:1', '--json'])
  assert.deepEqual([ran.code, ran.out], [2, ''])
  assert.match(JSON.parse(ran.err).error, /ECONNREFUSED/)
})

test('attack with a wrong password exits with 2: nothing else could be judged', async (t) => {
  const folder = dataFolder()
  writeFileSync(join(folder, 'password'), 'not the password')
  const ran = await run([
    'attack',
    await listening(t, new Set()),
    '--origin',
    'https://app.example',
    '--account',
    account.name,
    '--password-file',
    join(folder, 'password'),
  ])
  assert.deepEqual([ran.code, ran.out], [2, ''])
  assert.match(ran.err, /sign-in by cookie fails: it was answered 401/)
})
