import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEnvironment } from './environment.ts'

test('what is unset or empty is absent, and the rest is as given', () => {
  const read = readEnvironment({
    PATH: '/bin',
    COUNTERFOIL_PORT: '8080',
    COUNTERFOIL_SMTP: '',
    COUNTERFOIL_METRICS_TOKEN: ' x ',
  })
  assert.deepEqual(read, {
    port: '8080',
    host: null,
    database: null,
    databasePool: null,
    issuer: null,
    data: null,
    policy: null,
    secretFile: null,
    smtp: null,
    mailFrom: null,
    metricsToken: ' x ',
    drainSeconds: null,
  })
})

test('a setting that nobody knows stops the start and is named together with the known ones, without its value', () => {
  for (const name of ['COUNTERFOIL_DATABASE_URL', 'COUNTERFOIL_', 'COUNTERFOIL_port', 'COUNTERFOIL_TESTS']) {
    assert.throws(
      () => readEnvironment({ [name]: 'hunter2' }),
      (error: Error) => {
        assert.ok(error.message.startsWith(`${name} is not a setting`))
        assert.match(error.message, /COUNTERFOIL_SECRET_FILE/)
        return !error.message.includes('hunter2')
      },
    )
  }
})

test('what the tests set is left alone', () => {
  assert.equal(readEnvironment({ COUNTERFOIL_TEST_POSTGRES: 'postgres://x' }).database, null)
})
