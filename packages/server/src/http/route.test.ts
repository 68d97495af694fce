import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as z from 'zod'
import { fuzz } from '../testing/fuzz.ts'
import { pathWithin, route } from './route.ts'

const own = 'https://own.example'

for (const path of [
  '/',
  '/account',
  '/a/b?c=d&e=%2f#f',
  '/a//b',
  '/@evil.example',
  '/%5cevil.example',
  '/?next=//evil.example',
  `/${'a'.repeat(2047)}`,
]) {
  test(`${path.slice(0, 40)} is a path of our own`, () => {
    assert.equal(pathWithin(path), path)
    assert.equal(new URL(path, own).origin, own)
  })
}

for (const [what, next] of [
  ['nothing', null],
  ['an empty text', ''],
  ['no slash first', 'account'],
  ['two slashes', '//evil.example'],
  ['three slashes', '///evil.example'],
  ['a slash and a backslash', '/\\evil.example'],
  ['a backslash further on', '/a\\b'],
  ['a tab between slashes', '/\t/evil.example'],
  ['a line break between slashes', '/\n/evil.example'],
  ['a carriage return', '/\r\nset-cookie: a=b'],
  ['a space first', ' /account'],
  ['a space within', '/a b'],
  ['NUL', '/a\0'],
  ['a scheme', 'https://evil.example'],
  ['a scheme without slashes', 'https:evil.example'],
  ['script', 'javascript:alert(1)'],
  ['a user part', '@evil.example'],
  ['another script', '/\u0435vil'],
  ['a line separator', '/\u2028'],
  ['a full-width solidus', '/\uff0fevil.example'],
  ['DEL', '/\x7f'],
  ['more than 2,048 characters', `/${'a'.repeat(2048)}`],
] as const) {
  test(`a next with ${what} leads nowhere`, () => assert.equal(pathWithin(next), null))
}

test('whatever is asked for, a browser that follows it stays with us', (t) => {
  const unit = fc.constantFrom(...'//\\\\:@.?#%aehtps evil\t\n\r\0\u2028\uff0f'.split(''))
  const text = fc.string({ unit, maxLength: 20 })
  const inputs = fc.oneof(
    text,
    text.map((rest) => `/${rest}`),
    fc.webUrl(),
    fc.string({ unit: 'binary' }),
  )
  let accepted = 0
  return fuzz(t, { inputs }, (next) => {
    const path = pathWithin(next)
    if (path === null) return
    accepted += 1
    assert.equal(path, next)
    const url = new URL(path, own)
    assert.equal(url.origin, own)
    assert.equal(url.username + url.password, '')
    assert.equal(new Headers({ location: path }).get('location'), path)
  }).then(() => assert.ok(accepted > 500, `${accepted} were accepted`))
})

const asked = route({
  method: 'POST',
  path: '/x',
  kind: 'api',
  caller: 'ignored',
  body: z.object({ name: z.string(), carrier: z.enum(['cookie', 'token']).default('cookie') }),
  asksForCookie: (body) => body.carrier === 'cookie',
  handle: ({ body }) => ({ status: 200, json: body }),
})

test('a body that does not fit is refused before the route runs, and what was sent is not repeated', () => {
  for (const raw of [null, [], 'x', {}, { name: 7 }, { name: 'x', carrier: 'both' }]) {
    assert.throws(
      () => asked.prepare(raw),
      (error: Error & { code?: string; detail?: string }) =>
        error.code === 'input_invalid' && !JSON.stringify(error.detail ?? '').includes('both'),
    )
  }
})

test('the body says whether a cookie is asked for, and one that says nothing asks for one', () => {
  assert.equal(asked.prepare({ name: 'x' }).asksForCookie, true)
  assert.equal(asked.prepare({ name: 'x', carrier: 'token' }).asksForCookie, false)
})
