import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { dataFolder, run, startServer } from '../testing/command.ts'
import { onEachEngine } from '../testing/engines.ts'

const password = 'a long walk by the quiet river'

const post = (url: string, body: object) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

async function refreshToken(origin: string): Promise<string> {
  await post(`${origin}/auth/sign-up`, { email: 'ada@example.org', password })
  const mails = await (await fetch(`${origin}/dev/mail`, { headers: { accept: 'application/json' } })).json()
  const token = /token=([\w-]+)/.exec(mails[0].text)?.[1]
  const answer = await post(`${origin}/auth/verify-email`, { token, password, carrier: 'token' })
  return (await answer.json()).refresh_token
}

const refresh = (origin: string, refresh_token: string) =>
  fetch(`${origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token }),
  })

onEachEngine('counterfoil copy', (open) => {
  test('waits for nobody: it refuses beside a server, and moves the sessions once that has stopped', async (t) => {
    const data = dataFolder()
    const { url: to, close } = await open({ migrate: false })
    await close()
    const server = await startServer(data)
    t.after(() => server.kill())
    const carried = await refreshToken(server.origin)
    const early = await run(['copy', '--data', data, '--to', to])
    assert.equal(early.code, 1)
    assert.match(early.err, /server runs on the source/)
    assert.equal(await server.stop(), 0)

    const copied = await run(['copy', '--data', data, '--to', to])
    assert.deepEqual([copied.code, copied.err], [0, ''])
    assert.match(copied.out, /^account {2}1\n(?:\w+ {2}\d+\n)+Done\./)
    const again = await run(['copy', '--data', data, '--to', to, '--json'])
    assert.equal(again.code, 1)
    assert.match(JSON.parse(again.err).error, /target is not empty/)

    const next = await startServer(data, ['--database', to])
    t.after(() => next.kill())
    assert.equal((await refresh(next.origin, carried)).status, 200)
    assert.equal(await next.stop(), 0)
  })
})

test('copy with a secret that does not fit makes no target, and nor does one without a source', async () => {
  const [data, other] = [dataFolder(), dataFolder()]
  const server = await startServer(data)
  await server.stop()
  await run(['init', '--data', other])
  const target = join(other, 'target.db')
  const from = `sqlite:${join(data, 'counterfoil.db')}`
  const ran = await run(['copy', '--data', other, '--from', from, '--to', `sqlite:${target}`, '--json'])
  assert.equal(ran.code, 1)
  assert.match(JSON.parse(ran.err).error, /secret/)
  const mistyped = await run([
    'copy',
    '--data',
    other,
    '--from',
    'sqlite:none.db',
    '--to',
    `sqlite:${target}`,
  ])
  assert.match(mistyped.err, /There is no database at none\.db/)
  const same = await run(['copy', '--data', data, '--from', from, '--to', from])
  assert.match(same.err, /same database/)
  assert.deepEqual([existsSync(target), existsSync('none.db')], [false, false])
})
