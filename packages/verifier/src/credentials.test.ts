import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { checkAccessToken } from './access-token.ts'
import {
  carriesSessionCookie,
  readCookie,
  readCredential,
  readShown,
  sessionCookieName,
} from './credentials.ts'
import { Refusal } from './refusal.ts'
import { fuzz } from './testing/fuzz.ts'
import { audience, es256Key, issuer, keySetOf, now, signToken } from './testing/signed.ts'

const cookie = (value: string) => `${sessionCookieName}=${value}`
const fromAuthorization = (authorization: string) => readCredential({ authorization, cookie: null })
const fromCookie = (header: string | null) => readCredential({ authorization: null, cookie: header })

const schemes: [authorization: string, kind: 'bearer' | 'dpop', token: string][] = [
  ['Bearer abc', 'bearer', 'abc'],
  ['bearer abc', 'bearer', 'abc'],
  ['BEARER abc', 'bearer', 'abc'],
  ['DPoP abc', 'dpop', 'abc'],
  ['dpop abc', 'dpop', 'abc'],
  ['Bearer a.b.c', 'bearer', 'a.b.c'],
  ['Bearer cfr_-~+/09==', 'bearer', 'cfr_-~+/09=='],
]
for (const [authorization, kind, token] of schemes) {
  test(`"${authorization}" is a ${kind} credential`, () => {
    assert.deepEqual(fromAuthorization(authorization), { kind, token })
  })
}

const badAuthorizations: [what: string, authorization: string, code: string, status: number][] = [
  ['nothing', '', 'credential_invalid', 401],
  ['a space', ' ', 'credential_invalid', 401],
  ['a scheme without a token', 'Bearer', 'credential_invalid', 401],
  ['a scheme and a space', 'Bearer ', 'credential_invalid', 401],
  ['a token without a scheme', 'abc', 'credential_invalid', 401],
  ['Basic', 'Basic dTpw', 'credential_invalid', 401],
  ['Digest', 'Digest abc', 'credential_invalid', 401],
  ['a scheme that begins like ours', 'BearerX abc', 'credential_invalid', 401],
  ['two spaces', 'Bearer  abc', 'credential_invalid', 401],
  ['a tab', 'Bearer\tabc', 'credential_invalid', 401],
  ['a no-break space', 'Bearer\u00a0abc', 'credential_invalid', 401],
  ['a space before', ' Bearer abc', 'credential_invalid', 401],
  ['a space after', 'Bearer abc ', 'credential_invalid', 401],
  ['a line feed after', 'Bearer abc\n', 'credential_invalid', 401],
  ['two tokens', 'Bearer abc def', 'credential_invalid', 401],
  ['quotes', 'Bearer "abc"', 'credential_invalid', 401],
  ['a parameter', 'Bearer token="abc"', 'credential_invalid', 401],
  ['an equals sign inside', 'Bearer abc=def', 'credential_invalid', 401],
  ['only equals signs', 'Bearer ==', 'credential_invalid', 401],
  ['a percent sign', 'Bearer abc%20def', 'credential_invalid', 401],
  ['a letter that is not ASCII', 'Bearer abcç', 'credential_invalid', 401],
  ['a scheme with a dotless i', 'dıop abc', 'credential_invalid', 401],
  ['two credentials', 'Bearer abc, Bearer def', 'credential_ambiguous', 400],
  ['two equal credentials', 'Bearer abc, Bearer abc', 'credential_ambiguous', 400],
  ['Bearer and DPoP', 'Bearer abc, DPoP def', 'credential_ambiguous', 400],
  ['Bearer and Basic', 'Bearer abc, Basic def', 'credential_ambiguous', 400],
  ['two without white space', 'Bearer abc,Bearer def', 'credential_ambiguous', 400],
  ['a comma at the end', 'Bearer abc,', 'credential_ambiguous', 400],
]
for (const [what, authorization, code, status] of badAuthorizations) {
  test(`Authorization with ${what} is refused as ${code}, and the cookie beside it does not help`, () => {
    for (const beside of [null, cookie('abc')]) {
      assert.throws(() => readCredential({ authorization, cookie: beside }), {
        name: 'Refusal',
        code,
        status,
      })
    }
  })
}

test('where letters are left to whoever reads the token, what is refused is the same', () => {
  const expected = { keys: keySetOf(es256Key), issuer, audience, now }
  const read = (authorization: string) => {
    const shown = readShown({ authorization, cookie: cookie('abc') })
    assert.ok(shown?.kind === 'bearer' || shown?.kind === 'dpop')
    checkAccessToken(shown.token, expected)
  }
  const token = signToken()
  for (const scheme of ['Bearer', 'DPoP']) read(`${scheme} ${token}`)
  for (const [, authorization, code, status] of badAuthorizations) {
    const shown = authorization.replaceAll(/abc|def/g, () => token)
    assert.throws(() => read(shown), { name: 'Refusal', code, status }, authorization)
  }
})

test('Authorization counts alone where there is a cookie too', () => {
  assert.deepEqual(readCredential({ authorization: 'Bearer abc', cookie: cookie('def') }), {
    kind: 'bearer',
    token: 'abc',
  })
})

test('no refusal holds what was sent', () => {
  for (const authorization of ['Bearer canary canary', 'Basic canary', 'Bearer canary, DPoP canary']) {
    assert.throws(
      () => fromAuthorization(authorization),
      (error) =>
        error instanceof Refusal && !`${String(error)}${inspect(error)}${error.detail}`.includes('canary'),
    )
  }
})

type Cookies = [what: string, header: string | null, value: string | null, carries: boolean]
const cookies: Cookies[] = [
  ['no header', null, null, false],
  ['an empty header', '', null, false],
  ['the cookie alone', cookie('abc'), 'abc', true],
  ['the cookie among others', `a=1; ${cookie('abc')}; b=2`, 'abc', true],
  ['no space between cookies', `a=1;${cookie('abc')};b=2`, 'abc', true],
  ['spaces and tabs around', ` \t ${cookie('abc')} \t `, 'abc', true],
  ['all characters of base64url', cookie('AZaz09-_'), 'AZaz09-_', true],
  ['empty pairs around', `;; ${cookie('abc')};;`, 'abc', true],
  ['two of them', `${cookie('abc')}; ${cookie('def')}`, null, true],
  ['two equal ones', `${cookie('abc')}; ${cookie('abc')}`, null, true],
  ['a good and an empty one', `${cookie('abc')}; ${cookie('')}`, null, true],
  ['an empty value', cookie(''), null, true],
  ['quotes', cookie('"abc"'), null, true],
  ['a percent escape in the value', cookie('a%62c'), null, true],
  ['an equals sign in the value', cookie('abc='), null, true],
  ['a space in the value', cookie('a bc'), null, true],
  ['a comma in the value', cookie('abc,def'), null, true],
  ['a no-break space before the value', cookie('\u00a0abc'), null, true],
  ['a line feed after the value', cookie('abc\n'), null, true],
  ['a letter that is not ASCII', cookie('abç'), null, true],
  ['lower case', '__host-http-session=abc', null, false],
  ['upper case', '__HOST-HTTP-SESSION=abc', null, false],
  ['another prefix', '__Host-session=abc', null, false],
  ['no prefix', 'session=abc', null, false],
  ['a longer name', `${sessionCookieName}s=abc`, null, false],
  ['a name that ends alike', `x${sessionCookieName}=abc`, null, false],
  ['a percent escape in the name', '%5F_Host-Http-session=abc', null, false],
  ['U+00A0 before the name', `\u00a0${cookie('abc')}`, null, false],
  ['U+2000 before the name', `\u2000${cookie('abc')}`, null, false],
  ['U+0085 before the name', `\u0085${cookie('abc')}`, null, false],
  ['a line feed before the name', `\n${cookie('abc')}`, null, false],
  ['a NUL before the name', `\0${cookie('abc')}`, null, false],
  ['a nameless cookie', `=${cookie('abc')}`, null, false],
  ['a nameless cookie beside ours', `=${cookie('abc')}; ${cookie('def')}`, 'def', true],
  ['the name without a value', sessionCookieName, null, false],
  ['$Version and a quoted pair', `$Version=1; a="x; ${cookie('abc')}"`, null, true],
  ['the pair inside another value', `a=${cookie('abc')}`, null, false],
  ['a comma between cookies', `a=1, ${cookie('abc')}`, null, false],
]
for (const [what, header, value, carries] of cookies) {
  test(`${what}: the session cookie is ${value === null ? 'none' : 'read'}${carries ? ', and seen by the guard' : ''}`, () => {
    assert.deepEqual(fromCookie(header), value === null ? null : { kind: 'cookie', value })
    assert.equal(carriesSessionCookie(header), carries)
  })
}

test('other cookies are read by the same exact rules, whatever their value', () => {
  const header = 'a=1; b="x y"; A=2; c=; d=x=y; e=%41; f=1; f=2; toString=3'
  for (const [name, value] of [
    ['a', '1'],
    ['A', '2'],
    ['b', '"x y"'],
    ['c', ''],
    ['d', 'x=y'],
    ['e', '%41'],
    ['f', null],
    ['g', null],
    ['toString', '3'],
    ['__proto__', null],
  ] as const) {
    assert.equal(readCookie(header, name), value)
  }
})

test('megabytes of the worst headers are read in a moment each, not in minutes', () => {
  const size = 2_000_000
  for (const text of [
    ';'.repeat(size),
    ' '.repeat(size),
    `a${' '.repeat(size)}b`,
    '='.repeat(size),
    `${cookie('a')};`.repeat(size / 20),
  ]) {
    const start = performance.now()
    fromCookie(text)
    carriesSessionCookie(text)
    assert.throws(() => fromAuthorization(`Bearer ${text}`), Refusal)
    assert.throws(() => fromAuthorization(`Bearer ${'='.repeat(size)} `), Refusal)
    assert.throws(() => fromAuthorization(`Bearer ${'a'.repeat(size)}!`), Refusal)
    assert.ok(performance.now() - start < 5000)
  }
})

const pieces = (maxLength: number, ...parts: readonly string[]) =>
  fc.array(fc.constantFrom(...parts), { maxLength }).map((chosen) => chosen.join(''))
const cookieTexts = fc.oneof(
  pieces(4, cookie('abc'), cookie('abc'), cookie('"abc"'), '; ', ';', ' ', '\t', 'a=1; ', '=', '\u00a0'),
  pieces(
    14,
    sessionCookieName,
    '__host-http-session',
    'a',
    '=',
    ';',
    ' ',
    '\t',
    '\u00a0',
    '"',
    'abc',
    ',',
    '\n',
  ),
  fc.string({ unit: 'binary' }),
)
const authorizations = fc.oneof(
  pieces(3, 'Bearer abc', 'dpop abc', 'DPoP ', 'bearer ', 'abc', '=', ' ', ','),
  pieces(6, 'Bearer', 'dpop', 'Basic', ' ', ' ', 'abc', '=', ',', '\t', '\u00a0', '"'),
  fc.string({ unit: 'binary' }),
)

/** The same rules once more, as a pattern. */
const occurrence = /(?:^|;)[ \t]*__Host-Http-session[ \t]*=[ \t]*([^;]*?)[ \t]*(?=;|$)/g

test('any headers give one credential, none, or one of two refusals; what is read is really there', async (t) => {
  const seen = { none: 0, cookie: 0, bearer: 0, dpop: 0, refused: 0 }
  const headers = fc.record({
    authorization: fc.option(authorizations, { freq: 2 }),
    cookie: fc.option(cookieTexts, { freq: 9 }),
  })
  await fuzz(t, headers, (given) => {
    const { authorization } = given
    const values = [...(given.cookie ?? '').matchAll(occurrence)].map(([, value = '']) => value)
    assert.equal(carriesSessionCookie(given.cookie), values.length > 0)
    try {
      const found = readCredential(given)
      seen[found?.kind ?? 'none']++
      if (found?.kind === 'bearer' || found?.kind === 'dpop') {
        assert.equal(authorization?.toLowerCase(), `${found.kind} ${found.token}`.toLowerCase())
        return
      }
      assert.equal(authorization, null)
      const [value = ''] = values.length === 1 ? values : []
      assert.deepEqual(found, /^[\w-]+$/.test(value) ? { kind: 'cookie', value } : null)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      assert.notEqual(authorization, null)
      assert.equal(error.code, authorization?.includes(',') ? 'credential_ambiguous' : 'credential_invalid')
      seen.refused++
    }
  })
  t.diagnostic(JSON.stringify(seen))
  for (const count of Object.values(seen)) assert.ok(count > 20, JSON.stringify(seen))
})
