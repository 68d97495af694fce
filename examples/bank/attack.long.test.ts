import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { attackTarget, type Report } from 'counterfoil/house'
import { type Demo, startDemo } from './demo.ts'

const folder = mkdtempSync(join(tmpdir(), 'counterfoil-bank-'))
let demo: Demo
before(async () => {
  demo = await startDemo({ folder, port: 0 })
})
after(async () => {
  await demo.close()
  rmSync(folder, { recursive: true, force: true })
})

const ids = ({ checks }: Report, wanted: string) =>
  checks.filter(({ verdict }) => verdict === wanted).map(({ id }) => id)
const said = ({ checks }: Report) =>
  checks.map(({ id, verdict, evidence }) => `${verdict} ${id}: ${evidence}`).join('\n')

// Not to be measured: other tests may have this machine at the same time.
const bounds = { seconds: 250 }

test('counterfoil attack finds nothing at our bank, and can judge all that the bank offers', async () => {
  const report = await attackTarget(demo.addresses[0] ?? '', null, bounds)
  assert.deepEqual(ids(report, 'accepted'), [], said(report))
  assert.deepEqual(
    ids(report, 'skipped'),
    ['token-expired', 'token-other-audience', 'forged-plain-http'],
    said(report),
  )
})

test('counterfoil attack finds every hole of the textbook bank, and no other', async () => {
  const report = await attackTarget(demo.addresses[2] ?? '', null, bounds)
  assert.deepEqual(
    ids(report, 'accepted'),
    [
      ...['cookie-samesite', 'cookie-prefix', 'cookie-doubled', 'authorization-doubled', 'cache-personal'],
      ...['cache-credential', 'cors-reflection', 'socket-cross-origin', 'error-leak', 'token-alg-none'],
      ...['token-long-lived', 'forged-cross-site', 'forged-foreign-origin', 'forged-fetch-site-alone'],
      ...['forged-same-site', 'forged-other-port', 'forged-null-origin', 'forged-lookalike-origin'],
      ...[
        'forged-unknown-fetch-site',
        'forged-contradiction',
        'forged-foreign-referer',
        'forged-no-evidence',
      ],
      ...['forged-preflighted', 'forged-get', 'forged-sign-out', 'replay-token', 'login-csrf'],
      ...['login-csrf-null-origin', 'fixation-kept'],
    ],
    said(report),
  )
})
