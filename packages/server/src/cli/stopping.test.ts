import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dataFolder, run, startServer } from '../testing/command.ts'

const statusOf = async (url: string) => (await fetch(url)).status

/** Until the signal has arrived. */
async function notReady(origin: string): Promise<void> {
  while ((await statusOf(`${origin}/readyz`)) !== 503) await new Promise((resolve) => setImmediate(resolve))
}

test('a server that is told to stop first says that it is not ready, and goes on serving meanwhile', async (t) => {
  const server = await startServer(dataFolder(), [], { COUNTERFOIL_DRAIN_SECONDS: '7' })
  t.after(() => server.kill())
  assert.equal(await statusOf(`${server.origin}/readyz`), 200)
  const stopped = server.stop()
  await notReady(server.origin)
  assert.equal(await statusOf(`${server.origin}/healthz`), 200)
  assert.equal(await statusOf(`${server.origin}/sign-in`), 200)
  assert.equal(await stopped, 0)
  await assert.rejects(fetch(`${server.origin}/healthz`))
})

test('a time for draining that is none stops the start', async () => {
  for (const seconds of ['-1', '1.5', '301', 'soon']) {
    const ran = await run(['serve', '--port', '0', '--data', dataFolder()], {
      COUNTERFOIL_DRAIN_SECONDS: seconds,
    })
    assert.equal(ran.code, 1, seconds)
    assert.match(ran.err, /COUNTERFOIL_DRAIN_SECONDS/)
  }
})
