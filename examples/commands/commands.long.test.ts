import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { dataFolder, type ServerProcess, startServer } from 'counterfoil/house'

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
function runFile(name: string, own: Record<string, string> = {}): Promise<Ran> {
  let script = readFileSync(new URL(name, import.meta.url), 'utf8')
  for (const [shown, real] of Object.entries(own)) script = script.replaceAll(shown, real)
  return runScript(script)
}

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
