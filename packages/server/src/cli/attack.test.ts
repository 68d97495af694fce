import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checks, type Judged } from '../attack/index.ts'
import { dataFolder, run } from '../testing/command.ts'
import { account, description, holedApp, holes } from '../testing/holed-app.ts'
import { drawing, expectedVerdicts } from '../testing/holed-verdicts.ts'

/** The application behind a real socket. Its cookies say Secure, which the kit is no browser to mind. */
async function listening(
  t: TestContext,
  open: ReadonlySet<string>,
  { isDescribed = true } = {},
): Promise<string> {
  const app = holedApp({
    ...{ open, isDescribed },
    now: () => Math.floor(Date.now() / 1000),
    fetchKeys: async (url) => (await fetch(url)).text(),
  })
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url = '', rawHeaders } = request
    const answer = await app({ method, path: url, headers: pairsOf(rawHeaders), body })
    response.writeHead(answer.status, answer.headers.flat()).end(method === 'HEAD' ? undefined : answer.body)
  })
  server.on('upgrade', async ({ url = '', rawHeaders }, socket) => {
    const { status } = await app({ method: 'GET', path: url, headers: pairsOf(rawHeaders) })
    const isOpen = status === 101
    socket.end(
      `HTTP/1.1 ${isOpen ? '101 Up\r\nConnection: Upgrade\r\nUpgrade: websocket' : '403 No'}\r\n\r\n`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://app.localhost:${(server.address() as AddressInfo).port}`
}

const pairsOf = (raw: readonly string[]) =>
  raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ''] as const] : []))

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
  assert.deepEqual(Object.keys(report), ['target', 'checks', 'found'])
  assert.deepEqual([report.target, report.found], [target, 2])
  assert.match(found.err, /^\d+ of at most 1500 requests, \d+ of at most 180 seconds$/m)
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

/** The whole description as flags. The origin is given since the application is told of no other. */
function flagsOf(folder: string): string[] {
  writeFileSync(join(folder, 'password'), `${account.password}\n`)
  const { token } = description
  return [
    ...['--origin', 'https://app.example', '--account', account.name],
    ...['--password-file', join(folder, 'password'), '--sign-in', description.cookie.sign_in],
    ...['--token-sign-in', token.sign_in, '--access-member', token.access, '--refresh', token.refresh_by],
    ...['--refresh-member', token.refresh, '--keys', token.keys, '--proof'],
    ...['--expired', 'GET /odd/expired token'],
    ...['--other-audience', 'GET /odd/audience token', '--who', description.who, '--act', description.act],
    ...['--effect', 'GET /balance balance', '--sign-out', description.sign_out],
    ...['--redirect', description.redirect, '--socket', description.socket],
  ]
}

async function attackByFlags(t: TestContext, open: ReadonlySet<string>, about: string): Promise<void> {
  const target = await listening(t, open, { isDescribed: false })
  const ran = await run(['attack', target, '--json', ...flagsOf(dataFolder())])
  assert.equal(ran.code, open.size > 0 ? 1 : 0, `${about}\n${ran.err}`)
  const { checks: judged }: { checks: Judged[] } = JSON.parse(ran.out)
  const said = Object.fromEntries(judged.map(({ id, verdict }) => [id, verdict]))
  const evidence = judged.map(({ id, verdict, evidence }) => `${verdict} ${id}: ${evidence}`).join('\n')
  assert.deepEqual(said, expectedVerdicts(open), `${about}\n${evidence}`)
}

test('attack by flags alone finds every hole of a target that describes nothing, and no other', async (t) => {
  await attackByFlags(t, new Set(), 'no hole')
  await attackByFlags(t, new Set(['refresh-reuse', 'replay-refresh', 'open-redirect']), 'three holes')
  const seed = Number(process.env.COUNTERFOIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
  t.diagnostic(`seed ${seed}`)
  const draw = drawing(seed)
  for (let round = 0; round < 3; round += 1) {
    const share = draw()
    const open = new Set(holes.filter(() => draw() < share))
    await attackByFlags(t, open, `seed ${seed}, round ${round}: ${[...open].join(' ')}`)
  }
})

test('attack names the flag that would enable each check that was skipped for want of one', async (t) => {
  const target = await listening(t, new Set(), { isDescribed: false })
  const few = flagsOf(dataFolder()).slice(0, 6)
  const { out: help } = await run(['attack', '--help'])
  for (const by of [
    ['--sign-in', description.cookie.sign_in],
    ['--token-sign-in', description.token.sign_in, '--access-member', description.token.access],
  ]) {
    const ran = await run(['attack', target, '--json', ...few, ...by, '--who', '/me'])
    assert.equal(ran.code, 0, ran.err)
    const { checks: judged }: { checks: Judged[] } = JSON.parse(ran.out)
    const skipped = judged.filter(({ verdict }) => verdict === 'skipped')
    assert.ok(skipped.length > 20)
    for (const { id, evidence } of skipped) {
      const [named] = /--[a-z-]+/.exec(evidence) ?? []
      assert.ok(named !== undefined && new RegExp(`^ +${named} `, 'm').test(help), `${id}: ${evidence}`)
    }
  }
})

test('attack reads a token that should not be believed from a file, and a sign-out that ends no token', async (t) => {
  const folder = dataFolder()
  const all = flagsOf(folder)
  writeFileSync(join(folder, 'token'), 'of.another.service\n')
  const target = await listening(t, new Set(), { isDescribed: false })
  const others = ['--other-audience', join(folder, 'token'), '--token-sign-out', 'forget']
  const ran = await run(['attack', target, '--json', ...all, ...others])
  const { checks: judged }: { checks: Judged[] } = JSON.parse(ran.out)
  const accepted = judged.filter(({ verdict }) => verdict === 'accepted').map(({ id }) => id)
  assert.deepEqual(accepted, ['replay-token', 'replay-refresh'])
  assert.equal(judged.find(({ id }) => id === 'token-other-audience')?.verdict, 'refused')
})

const impossible: [string, string[], RegExp][] = [
  ['no address', [], /missing required argument/],
  ['an address that is none', ['shop'], /Give the address/],
  ['an unknown flag', ['http://localhost:1', '--force'], /unknown option/],
  ['a target that is out of reach', ['http://localhost:1'], /ECONNREFUSED/],
  ['a description that is not there', ['http://localhost:1', '--target', '/nowhere.json'], /ENOENT/],
  ['a token file that is not there', ['http://localhost:1', '--expired', '/nowhere'], /ENOENT/],
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
