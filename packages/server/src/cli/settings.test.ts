import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../testing/index.ts'

for (const given of ['0', '201', '-1', '1.5', 'many', ' '])
  test(`a pool of "${given}" connections does not start, and the setting is named`, async () => {
    const { code, err } = await run(['doctor'], { COUNTERFOIL_DATABASE_POOL: given })
    assert.notEqual(code, 0)
    assert.match(err, /COUNTERFOIL_DATABASE_POOL is .* Give a number from 1 to 200/)
  })
