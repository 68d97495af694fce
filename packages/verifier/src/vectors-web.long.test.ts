// On other runtimes signatures are checked behind a promise, by WebCrypto: the vectors that concern them, judged once more.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

for (const [name, least] of [
  ['vectors.test.ts', 350],
  ['vectors-proofs.test.ts', 100],
  ['vectors-feed.test.ts', 180],
] as const) {
  test(`with WebCrypto every case of ${name} comes out the same`, async () => {
    const file = fileURLToPath(new URL(name, import.meta.url))
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const args = ['--conditions=counterfoil-webcrypto', '--test', '--test-reporter=tap', file]
    const { stdout } = await run(process.execPath, args, { env, maxBuffer: 2 ** 26 }).catch(
      (error: { stdout: string }) => error,
    )
    assert.deepEqual(stdout.match(/^not ok .*$/gm) ?? [], [])
    assert.ok(Number(/^# pass (\d+)$/m.exec(stdout)?.[1]) >= least, stdout.slice(-400))
  })
}
