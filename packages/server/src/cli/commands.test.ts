import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { dataFolder, run, startServer } from '../testing/command.ts'

const password = 'a long walk by the quiet river'

const post = (url: string, body: object) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

async function member(origin: string): Promise<{ access_token: string; session: { id: string } }> {
  await post(`${origin}/auth/sign-up`, { email: 'ada@example.org', password })
  const mails = await (await fetch(`${origin}/dev/mail`, { headers: { accept: 'application/json' } })).json()
  const token = /token=([\w-]+)/.exec(mails[0].text)?.[1]
  return (await post(`${origin}/auth/verify-email`, { token, password, carrier: 'token' })).json()
}

const sessionStatus = async (origin: string, token: string) =>
  (await fetch(`${origin}/auth/session`, { headers: { authorization: `Bearer ${token}` } })).status

test('init makes both secrets for their owner alone, and never replaces them', async () => {
  const data = dataFolder()
  const first = await run(['init', '--data', data, '--json'])
  assert.equal(first.code, 0, first.err)
  assert.equal(JSON.parse(first.out).made.length, 2)
  for (const name of ['secret', 'secret.reserve'])
    assert.equal(statSync(join(data, name)).mode & 0o777, 0o600)
  assert.deepEqual(JSON.parse((await run(['init', '--data', data, '--json'])).out), { made: [] })
})

test('init makes no new secret beside a database that is there, and says what to do', async () => {
  const data = dataFolder()
  const [secret, reserve] = [join(data, 'secret'), join(data, 'secret.reserve')]
  await run(['init', '--data', data])
  await run(['migrate', '--data', data])
  rmSync(secret)
  rmSync(reserve)
  const ran = await run(['init', '--data', data])
  assert.equal(ran.code, 1)
  assert.match(ran.err, /database at .*Bring back the secret .*COUNTERFOIL_SECRET_FILE/s)
  assert.doesNotMatch(ran.err, /\n\s+at /, 'no stack')
  assert.deepEqual([existsSync(secret), existsSync(reserve)], [false, false])
})

test('init makes no reserve secret again where it was taken away to be kept elsewhere', async () => {
  const data = dataFolder()
  await run(['init', '--data', data])
  rmSync(join(data, 'secret.reserve'))
  const again = await run(['init', '--data', data, '--json'])
  assert.deepEqual([again.code, JSON.parse(again.out)], [0, { made: [] }])
  assert.equal(existsSync(join(data, 'secret.reserve')), false)
})

test('keys rotate --compromised with a reserve secret of another house names it, and changes no key', async () => {
  const [data, other] = [dataFolder(), dataFolder()]
  const server = await startServer(data)
  await server.stop()
  await run(['init', '--data', other])
  copyFileSync(join(other, 'secret.reserve'), join(data, 'secret.reserve'))
  const before = (await run(['keys', 'list', '--data', data, '--json'])).out
  const ran = await run(['keys', 'rotate', '--compromised', '--data', data])
  assert.equal(ran.code, 1)
  assert.match(ran.err, /secret\.reserve/)
  assert.doesNotMatch(ran.err, /\n\s+at /, 'no stack')
  assert.equal((await run(['keys', 'list', '--data', data, '--json'])).out, before)
})

const production = ['serve', '--port', '0', '--issuer', 'https://auth.example']
const smtp = { COUNTERFOIL_SMTP: 'smtp://127.0.0.1:1', COUNTERFOIL_MAIL_FROM: 'a@b.example' }
const refusedStarts: [what: string, args: string[], env: Record<string, string>, says: RegExp][] = [
  ['production without a secret', production, smtp, /counterfoil init/],
  [
    'an issuer with a path',
    ['serve', '--issuer', 'https://auth.example/x'],
    {},
    /COUNTERFOIL_ISSUER.*bare origin/,
  ],
  ['plain http off this machine', ['serve', '--issuer', 'http://auth.example'], {}, /COUNTERFOIL_ISSUER/],
  ['a port that is none', ['serve', '--port', '70000'], {}, /COUNTERFOIL_PORT/],
  ['a misspelt variable', ['serve'], { COUNTERFOIL_PROT: '1' }, /COUNTERFOIL_PROT/],
  [
    'a mailbox that others could reach',
    ['serve', '--host', '0.0.0.0', '--port', '0'],
    {},
    /COUNTERFOIL_SMTP/,
  ],
  ['a database of an unknown kind', ['serve', '--port', '0', '--database', 'mysql://x'], {}, /database/i],
]
for (const [what, args, env, says] of refusedStarts) {
  test(`serve does not start with ${what}, and says what to do`, async () => {
    const ran = await run([...args, '--data', dataFolder()], env)
    assert.equal(ran.code, 1)
    assert.match(ran.err, says)
    assert.doesNotMatch(ran.err, /\n\s+at /, 'no stack')
  })
}

test('serve does not start with a policy that it does not understand, and names the setting', async () => {
  const data = dataFolder()
  writeFileSync(join(data, 'policy.json'), '{"sessionIdelSeconds": 5}')
  const ran = await run(['serve', '--port', '0', '--data', data])
  assert.equal(ran.code, 1)
  assert.match(ran.err, /policy\.json.*sessionIdelSeconds/s)
})

test('no command starts with a policy that is named and not there, and the file and the setting are named', async () => {
  const data = dataFolder()
  await run(['migrate', '--data', data])
  const missing = join(data, 'mistyped.json')
  for (const args of [
    ['serve', '--port', '0'],
    ['accounts', 'list'],
  ]) {
    const ran = await run([...args, '--data', data], { COUNTERFOIL_POLICY: missing })
    assert.equal(ran.code, 1, args.join(' '))
    assert.match(ran.err, /mistyped\.json.*COUNTERFOIL_POLICY/s)
    assert.doesNotMatch(ran.err, /\n\s+at /, 'no stack')
  }
  assert.equal((await run(['accounts', 'list', '--data', data])).code, 0, 'unnamed, there need be none')
})

test('what no key protects is done without the secret: broken, empty, missing or not to be read', async () => {
  const data = dataFolder()
  const server = await startServer(data)
  const { session } = await member(server.origin)
  await server.stop()
  const secrets: [what: string, path: string][] = ['broken', 'empty', 'missing', 'folder'].map((what) => [
    what,
    join(data, `${what}.secret`),
  ])
  writeFileSync(join(data, 'broken.secret'), 'x')
  writeFileSync(join(data, 'empty.secret'), '')
  mkdirSync(join(data, 'folder.secret'))
  for (const [what, path] of secrets) {
    const env = { COUNTERFOIL_SECRET_FILE: path }
    const listed = await run(['accounts', 'list', '--data', data, '--json'], env)
    assert.equal(listed.code, 0, `${what}: ${listed.err}`)
    assert.equal(JSON.parse(listed.out).accounts[0].email, 'ada@example.org')
    assert.equal((await run(['sessions', 'list', '--data', data], env)).code, 0, what)
    const refused = await run(['keys', 'rotate', '--data', data], env)
    assert.equal(refused.code, 1, `${what}: a key is made with it`)
  }
  const env = { COUNTERFOIL_SECRET_FILE: join(data, 'missing.secret') }
  assert.equal((await run(['sessions', 'end', session.id, '--data', data], env)).code, 0)
  assert.equal(existsSync(join(data, 'missing.secret')), false, 'and none is made')
})

test('production wants mail, then migrations, and says so one by one', async () => {
  const data = dataFolder()
  await run(['init', '--data', data])
  const args = [...production, '--data', data]
  assert.match((await run(args)).err, /COUNTERFOIL_SMTP/)
  assert.match((await run(args, smtp)).err, /counterfoil migrate/)
  await run(['migrate', '--data', data])
  const server = await startServer(data, ['--issuer', 'https://auth.example'], smtp)
  assert.equal((await fetch(`${server.origin}/readyz`)).status, 200)
  assert.equal((await fetch(`${server.origin}/dev/mail`)).status, 404)
  assert.match(
    (await fetch(`${server.origin}/`)).headers.get('strict-transport-security') ?? '',
    /max-age=\d{8}/,
  )
  assert.equal(await server.stop(), 0)
})

test('production makes nothing in passing: no folder for its data, and no database at a mistyped path', async () => {
  const data = dataFolder()
  const missing = join(data, 'mistyped')
  assert.equal((await run([...production, '--data', missing], smtp)).code, 1)
  assert.equal(existsSync(missing), false)
  await run(['init', '--data', data])
  const path = join(data, 'mistyped.db')
  const ran = await run([...production, '--data', data, '--database', `sqlite:${path}`], smtp)
  assert.equal(ran.code, 1)
  assert.match(ran.err, /mistyped\.db.*counterfoil migrate/)
  assert.equal(existsSync(path), false)
})

const uselessMail: [what: string, env: Record<string, string>, says: RegExp][] = [
  ['a server of another kind', { ...smtp, COUNTERFOIL_SMTP: 'ftp://mail.example' }, /smtp:\/\//],
  ['a sender that is no address', { ...smtp, COUNTERFOIL_MAIL_FROM: 'nope' }, /COUNTERFOIL_MAIL_FROM/],
]
for (const [what, env, says] of uselessMail) {
  test(`mail with ${what} keeps a server from starting, and doctor finds it before`, async () => {
    const data = dataFolder()
    await run(['init', '--data', data])
    await run(['migrate', '--data', data])
    const started = await run([...production, '--data', data], env)
    assert.equal(started.code, 1)
    assert.match(started.err, says)
    const looked = await run(['doctor', '--data', data, '--issuer', 'https://auth.example', '--json'], env)
    assert.equal(looked.code, 1)
    const { findings } = JSON.parse(looked.out)
    const { what: found } = findings.find(({ verdict }: { verdict: string }) => verdict === 'wrong')
    assert.match(found, says)
  })
}

const mistyped: [args: string[], says: RegExp][] = [
  [['acounts', 'list'], /unknown command 'acounts'/],
  [['accounts', 'lost'], /unknown command 'lost'/],
  [['keys', 'rotate', '--soon'], /unknown option '--soon'/],
  [['sessions', 'end'], /missing required argument 'id'/],
]
for (const [args, says] of mistyped) {
  test(`${args.join(' ')} is refused on standard error, for programs as one JSON object`, async () => {
    const plain = await run(args)
    assert.deepEqual([plain.code, plain.out], [1, ''])
    assert.match(plain.err, /^counterfoil: /)
    assert.match(plain.err, says)
    const json = await run([...args, '--json'])
    assert.deepEqual([json.code, json.out], [1, ''])
    assert.match(JSON.parse(json.err).error, says)
  })
}

test('help and version are shown and are no error; a group without a command shows its help and is one', async () => {
  for (const args of [['--help'], ['keys', 'rotate', '--help'], ['help', 'keys'], ['--version']]) {
    const ran = await run(args)
    assert.deepEqual([ran.code, ran.err], [0, ''], args.join(' '))
    assert.notEqual(ran.out, '')
  }
  const bare = await run(['accounts'])
  assert.equal(bare.code, 1)
  assert.match(bare.err, /^Usage: counterfoil accounts/)
})

test('the commands work beside a running server, and what they end has ended', async (t) => {
  const data = dataFolder()
  const server = await startServer(data)
  t.after(() => server.kill())
  assert.equal((await fetch(`${server.origin}/healthz`)).status, 200)
  const { access_token, session } = await member(server.origin)
  assert.equal(await sessionStatus(server.origin, access_token), 200)

  const json = async (...args: string[]) => {
    const ran = await run([...args, '--data', data, '--json'])
    assert.equal(ran.code, 0, ran.err)
    return JSON.parse(ran.out)
  }
  const { accounts } = await json('accounts', 'list')
  assert.deepEqual(
    [accounts[0].email, accounts[0].state, accounts[0].verified],
    ['ada@example.org', 'active', 'yes'],
  )
  const { sessions } = await json('sessions', 'list')
  assert.deepEqual([sessions[0].id, sessions[0].carrier], [session.id, 'token'])
  await json('sessions', 'end', session.id)
  assert.equal(await sessionStatus(server.origin, access_token), 401)

  assert.equal((await json('accounts', 'disable', 'Ada@example.org')).changed, true)
  assert.equal((await json('accounts', 'disable', 'ada@example.org')).changed, false)
  const refused = await post(`${server.origin}/auth/sign-in`, {
    email: 'ada@example.org',
    password,
    carrier: 'token',
  })
  assert.equal((await refused.json()).code, 'sign_in_failed')
  assert.equal((await json('accounts', 'enable', 'ada@example.org')).changed, true)

  const before = (await json('keys', 'list')).keys
  assert.deepEqual(before.map(({ state }: { state: string }) => state).sort(), ['active', 'reserve'])
  const after = (await json('keys', 'rotate')).keys
  assert.deepEqual(after.map(({ state }: { state: string }) => state).sort(), [
    'active',
    'published',
    'reserve',
  ])
  const { findings } = await json('doctor')
  assert.ok(findings.every(({ verdict }: { verdict: string }) => verdict === 'ok'))
  assert.equal(await server.stop(), 0)
})

test('a command that is given a database that is not there says so and makes none', async () => {
  const path = join(dataFolder(), 'mistyped.db')
  const ran = await run(['accounts', 'list', '--database', `sqlite:${path}`, '--json'])
  assert.equal(ran.code, 1)
  assert.match(JSON.parse(ran.err).error, /mistyped\.db/)
  assert.equal(existsSync(path), false)
})

test('doctor finds a secret that others may read, and a database that another secret made', async () => {
  const data = dataFolder()
  const server = await startServer(data)
  await server.stop()
  const other = dataFolder()
  await run(['init', '--data', other])
  const ran = await run(['doctor', '--data', data, '--json'], {
    COUNTERFOIL_SECRET_FILE: join(other, 'secret'),
  })
  assert.equal(ran.code, 1)
  const wrong = JSON.parse(ran.out).findings.filter(({ verdict }: { verdict: string }) => verdict === 'wrong')
  assert.deepEqual(
    wrong.map(({ check }: { check: string }) => check),
    ['signing keys'],
  )
})

test('a port that is taken is said in one line', async (t) => {
  const server = await startServer(dataFolder())
  t.after(() => server.stop())
  const ran = await run(['serve', '--data', dataFolder(), '--port', new URL(server.origin).port])
  assert.equal(ran.code, 1)
  assert.match(ran.err, /port/i)
})
