import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { startPostgres } from './postgres.ts'

test('a PostgreSQL starts, answers, and is gone after it was stopped', async () => {
  const postgres = await startPostgres()
  const client = new pg.Client(postgres.url)
  client.on('error', () => {})
  try {
    await client.connect()
    const answer = await client.query('select 1 + 1 as sum')
    assert.deepEqual(answer.rows, [{ sum: 2 }])
  } finally {
    await client.end()
    await postgres.stop()
  }
  await assert.rejects(new pg.Client(postgres.url).connect(), /ECONNREFUSED/)
})
