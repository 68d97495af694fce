import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { dataFolder, onPostgres, type ServerProcess, startServer } from 'counterfoil/house'

type Ran = { code: number; lines: string[]; err: string }

const command = fileURLToPath(new URL('../../packages/server/bin/counterfoil.js', import.meta.url))
const data = dataFolder()
const work = dataFolder()
let server: ServerProcess
before(async () => {
  server = await startServer(data)
})
after(() => server.stop())

/** The very file, with the names of this server in the place of those that stand for the reader's own. */
function shownFile(name: string, own: Record<string, string> = {}): string {
  let text = readFileSync(new URL(name, import.meta.url), 'utf8')
  for (const [shown, real] of Object.entries(own)) {
    assert.ok(text.includes(shown), `${name} does not say ${shown}`)
    text = text.replaceAll(shown, real)
  }
  return text
}

const exportsOf = (name: string) => [...shownFile(name).matchAll(/^export .*\n/gm)].join('')

const runFile = (name: string, own: Record<string, string> = {}) => runScript(shownFile(name, own))

function runScript(script: string): Promise<Ran> {
  const head = `set -e\ncounterfoil() { "${process.execPath}" "${command}" "$@"; }\n`
  const env = { PATH: process.env.PATH, COUNTERFOIL_DATA: data }
  return new Promise((resolve) => {
    const options = { cwd: work, env, timeout: 170_000 }
    const child = execFile('sh', ['-c', head + script], options, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, lines: out.trim().split('\n'), err }),
    )
  })
}

const json = async (script: string) => JSON.parse((await runScript(script)).lines.join(''))

test('the first pages, line by line: signed in both ways, one ended from the other, and refreshed', async (t) => {
  const { code } = await runScript('curl --help all | grep -q -- --json')
  if (code !== 0) return t.skip('there is no curl 7.82 or newer here')
  const ran = await runFile('try-it.sh', { 'http://localhost:3000': server.browserOrigin })
  assert.deepEqual([ran.code, ran.err], [0, ''])
  const [byToken, byCookie, , ended, over, refreshed] = ran.lines.slice(-6)
  assert.equal(JSON.parse(byToken ?? '').carrier, 'bearer')
  assert.equal(JSON.parse(byCookie ?? '').carrier, 'cookie')
  assert.equal(ended, '204')
  assert.equal(JSON.parse(over ?? '').status, 401)
  assert.equal(JSON.parse(refreshed ?? '').token_type, 'Bearer')
})

test('keys are rotated as the page says', async () => {
  const ran = await runFile('rotate-keys.sh')
  assert.deepEqual([ran.code, ran.err], [0, ''])
  assert.ok(ran.lines.some((line) => line.includes('published')))
})

test('clients get another secret and another key as the page says', async () => {
  const service = await json('counterfoil clients add service --json')
  const worker = await json(
    'counterfoil clients keypair first.jwk > first && counterfoil clients add worker --auth private_key_jwt --jwks first --json',
  )
  const ran = await runFile('rotate-client.sh', { SERVICE: service.client_id, WORKER: worker.client_id })
  assert.deepEqual([ran.code, ran.err], [0, ''])
  const secret = ran.lines.find((line) => line.startsWith('client_secret'))
  assert.ok(secret !== undefined && !secret.includes(service.client_secret))
})

test('a first start off this machine, and a move to another database, go as the page says', async () => {
  const place = dataFolder()
  const shown = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
  const own = `export COUNTERFOIL_DATA=${place}\n`
  const [last, ...before] = shown('first-start.sh').trimEnd().split('\n').toReversed()
  assert.equal(last, 'counterfoil serve')
  const first = before.toReversed().join('\n')
  const ran = await runScript(first.replace('/var/lib/counterfoil', place))
  assert.deepEqual([ran.code, ran.err], [0, ''])
  assert.match(ran.lines.join('\n'), /database +ok/)
  const copied = await runScript(
    own +
      shown('copy.sh')
        .replace('sqlite:data/', `sqlite:${place}/`)
        .replace('postgres://counterfoil@db.example/counterfoil', `sqlite:${place}/copy.db`),
  )
  assert.deepEqual([copied.code, copied.err], [0, ''])
  const env = Object.fromEntries(
    [...first.matchAll(/^export (COUNTERFOIL_\w+)='?([^'\n]*)/gm)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  )
  const started = await startServer(place, [], { ...env, COUNTERFOIL_DATA: place })
  assert.equal((await fetch(`${started.origin}/healthz`)).status, 200)
  await started.stop()
})

onPostgres('the move to PostgreSQL that has a page', (open) => {
  test('goes as the page says: the copy is whole, the doctor sees the new database, and the server starts on it', async (t) => {
    const place = dataFolder()
    const before = await startServer(place)
    const who = { email: 'bob@example.com', password: 'seven dull green boats' }
    const signUp = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(who),
    }
    assert.equal((await fetch(`${before.origin}/auth/sign-up`, signUp)).status, 202)
    await before.stop()
    const { url, close } = await open({ migrate: false })
    await close()
    const { username, password, host, pathname } = new URL(url)
    const target = `postgres://${username}@${host}${pathname}`
    const shown = shownFile('postgresql.sh', {
      '/var/lib/counterfoil': place,
      '…': password,
      'postgres://counterfoil@db.example/counterfoil': target,
      // That of the tests has no certificate.
      '?sslmode=verify-full': '',
    })
    const commands = shown.replace(/^counterfoil serve\n/m, '')
    assert.notEqual(commands, shown)
    const ran = await runScript(exportsOf('first-start.sh') + commands)
    const said = ran.lines.join('\n')
    assert.match(said, /^outbox +1$.*^database +ok +postgres, up to date$/ms, said + ran.err)
    // The PostgreSQL of the tests writes without fsync, and the doctor, which comes last, is right to say so.
    const faults = [...said.matchAll(/^(\w[\w ]*?) +wrong +(.*)$/gm)].map(([, name, what]) => [name, what])
    assert.deepEqual(faults, [
      ['durability', 'fsync is off: a crash may lose endings that were acknowledged.'],
    ])
    const next = await startServer(place, [], { COUNTERFOIL_DATABASE: target, PGPASSWORD: password })
    t.after(() => next.stop())
    assert.equal((await fetch(`${next.origin}/readyz`)).status, 200)
  })
})

test('events are read from the database as the page says', () => {
  const db = new DatabaseSync(`${data}/counterfoil.db`, { readOnly: true })
  const read = (from: string) => db.prepare(shownFile('events.sql', { '1800000000': from })).all()
  const rows = read('1700000000')
  assert.deepEqual(Object.keys(rows[0] ?? {}), ['at', 'kind', 'outcome', 'account_id', 'network', 'detail'])
  assert.ok(rows.some(({ kind, outcome }) => kind === 'sign_up_requested' && outcome === 'done'))
  assert.deepEqual(read('4000000000'), [])
  db.close()
})

test('a worker is added as the page says', async () => {
  const ran = await runFile('worker.sh')
  assert.deepEqual([ran.code, ran.err], [0, ''])
  const { clients } = await json('counterfoil clients list --json')
  const [added] = clients.filter(({ name }: { name: string }) => name === 'Monthly statements')
  assert.equal(added.scope, 'statements:read')
})

test('after a theft one key signs, which was the reserve, and there is another reserve', async () => {
  const ran = await runFile('leaked-key.sh')
  assert.deepEqual([ran.code, ran.err], [0, ''])
  // Of two tables, what `keys list` says.
  const rows = ran.lines.slice(ran.lines.length / 2)
  const states = rows.flatMap((row) => /\b(?:active|published|retired|reserve)\b/.exec(row) ?? [])
  assert.deepEqual(states.toSorted(), ['active', 'reserve'])
})

test('a session is ended, and an account with all of its own, as the page says', async (t) => {
  const { sessions } = await json('counterfoil sessions list --json')
  if (sessions.length === 0) return t.skip('there is no curl 7.82 or newer here')
  const ran = await runFile('end-a-session.sh', { ID: sessions[0].id, 'ada@example.org': 'ada@example.com' })
  assert.deepEqual([ran.code, ran.err], [0, ''])
  assert.deepEqual((await json('counterfoil sessions list --json')).sessions, [])
})
