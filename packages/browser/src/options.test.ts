import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from './index.ts'

const refused: [given: object, fault: RegExp][] = [
  [{}, /which carrier/],
  [{ carrier: 'bearer' }, /which carrier/],
  [{ carrier: 'token', storage: 'localStorage' }, /no option "storage".*never kept in localStorage/],
  [{ carrier: 'cookie', localStorage: true }, /no option "localStorage"/],
  [{ carrier: 'token', issuer: 'auth.example' }, /bare origin/],
  [{ carrier: 'token', issuer: 'https://auth.example/' }, /bare origin/],
  [{ carrier: 'token', issuer: 'https://auth.example/auth' }, /bare origin/],
  [{ carrier: 'token', issuer: 'javascript:alert(1)' }, /bare origin/],
  [{ carrier: 'token', audiences: ['api'] }, /"api" is not an address/],
  [{ carrier: 'token', audiences: ['urn:api'] }, /"urn:api" is not an address/],
]
for (const [given, fault] of refused) {
  test(`options ${JSON.stringify(given)} are refused`, () => {
    const attempt = createClient as (options: object) => unknown
    assert.throws(
      () => attempt(given),
      (error) => error instanceof TypeError && fault.test(error.message),
    )
  })
}

test('a client can be made where there is no page, and touches nothing there', () => {
  const client = createClient({
    carrier: 'token',
    issuer: 'https://auth.example',
    audiences: ['https://api.example'],
  })
  assert.deepEqual(client.state(), { status: 'loading', session: null })
  client.close()
})
