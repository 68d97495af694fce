import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceCookie, endedSessionCookie, sessionCookie, setCookies, signUpCookie } from './cookie.ts'

const attributes = 'Path=/; Secure; HttpOnly; SameSite=Lax'
const cookies: [written: string, expected: string][] = [
  [sessionCookie('value', 60), `__Host-Http-session=value; Max-Age=60; ${attributes}`],
  [endedSessionCookie(), `__Host-Http-session=; Max-Age=0; ${attributes}`],
  [deviceCookie('value'), `__Host-Http-device=value; Max-Age=31536000; ${attributes}`],
  [signUpCookie('value', 900), `__Host-Http-sign-up=value; Max-Age=900; ${attributes}`],
]

for (const [written, expected] of cookies) {
  test(`a cookie is written for this host alone, out of script’s reach: ${expected.split('=')[0]}`, () => {
    assert.equal(written, expected)
    assert.ok(written.length < 4096)
    assert.ok(!/domain/i.test(written))
  })
}

test('several cookies are several headers', () => {
  const headers = new Headers()
  setCookies(headers, ['a=1', 'b=2'])
  assert.deepEqual(headers.getSetCookie(), ['a=1', 'b=2'])
})
