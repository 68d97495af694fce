import assert from 'node:assert/strict'
import { test } from 'node:test'
import { playRound } from './round.ts'
import { always } from './scenarios.ts'

test('through a failover, a killed server and a frozen one nothing acknowledged is lost, and nobody who was ended gets in', {
  timeout: 300_000,
}, async (t) => {
  const seed = Number(process.env.COUNTERFOIL_SEED ?? Math.floor(Math.random() * 1e6))
  t.diagnostic(`COUNTERFOIL_SEED=${seed}`)
  const ledger = await playRound({
    seed,
    round: seed,
    isShort: true,
    isAsynchronous: false,
    only: null,
    say: (line) => t.diagnostic(line),
  })
  assert.deepEqual(ledger.violations, [])
  const times = (name: string) => ledger.counts.get(name) ?? 0
  assert.ok(times('acknowledged ends') > 20, 'too little was ended to prove anything')
  assert.ok(times('ended sessions shown') > 200, 'too little was shown to prove anything')
  // In the other half of all rounds the old primary goes on by itself, and answers writes by silence.
  if (seed % 2 === 0) assert.ok(times('writes while the database was away') > 0, 'nobody tried to write')
  for (const { name } of always) assert.ok(ledger.recoveries.has(name), `not played to its end: ${name}`)
})
