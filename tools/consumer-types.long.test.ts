import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureConsumer, strangers } from './consumer-types.ts'
import { repositoryRoot } from './source.ts'

test('an application reads our own few declarations and those of no dependency', async () => {
  const measured = await measureConsumer(repositoryRoot)
  assert.ok(measured.files.includes('packages/server/src/contract.d.ts'), measured.files.join('\n'))
  assert.deepEqual(strangers(measured), [])
})

test('a dependency that slips into the public types is found', () => {
  const files = [
    'packages/server/src/contract.d.ts',
    '../../kysely/dist/index.d.ts',
    'packages/server/src/db/schema.d.ts',
  ]
  assert.deepEqual(strangers({ files, seconds: { bare: 0, application: 0 } }), files.slice(1))
})
