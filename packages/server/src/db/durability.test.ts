import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachEngine } from '../testing/engines.ts'
import { readRisks, risksOf } from './durability.ts'

const safe = { commits: 'on', standbys: '', fsync: 'on', replicas: 0 }

const cases: [name: string, found: Partial<typeof safe>, risk: RegExp | null][] = [
  ['one server that keeps what it commits', {}, null],
  ['replicas that commits wait for', { replicas: 2, standbys: 'ANY 1 (a, b)' }, null],
  [
    'commits that wait until a replica shows them',
    { commits: 'remote_apply', standbys: 'a', replicas: 1 },
    null,
  ],
  ['replicas that no commit waits for', { replicas: 1 }, /1 replica.*failover may lose/],
  ['names of standbys that are white space', { replicas: 1, standbys: ' ' }, /failover may lose/],
  ['commits that wait for nothing, behind a pooler', { commits: 'off' }, /pooler/],
  ['commits that wait for this disk alone', { commits: 'local', standbys: 'a', replicas: 1 }, /pooler/],
  ['a disk that is not waited for', { fsync: 'off' }, /fsync/],
]

for (const [name, found, risk] of cases)
  test(`${name}: ${risk === null ? 'nothing is to be said' : 'the operator is told'}`, () => {
    const risks = risksOf({ ...safe, ...found })
    assert.equal(risks.length, risk === null ? 0 : 1)
    if (risk !== null) assert.match(risks[0] ?? '', risk)
  })

onEachEngine('durability', (open) => {
  test('is read from the server itself, over a connection as all others', async () => {
    const { db, engine } = await open()
    const risks = await readRisks(db, engine)
    // A server for tests may have been started without fsync; commits wait on every connection of ours.
    assert.ok(
      risks.every((risk) => risk.startsWith('fsync')),
      risks.join(),
    )
  })
})
