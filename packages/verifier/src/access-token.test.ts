import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { checkAccessToken } from './access-token.ts'
import { Refusal } from './refusal.ts'
import {
  audience,
  ed25519Key,
  es256Key,
  goodClaims,
  issuer,
  keySetOf,
  now,
  rs256Key,
  signTexts,
  signToken,
} from './testing/signed.ts'

const keys = keySetOf(es256Key, ed25519Key, rs256Key)
const expected = { keys, issuer, audience, now }
const jkt = 'x'.repeat(43)

function refusalOf(
  token: string,
  changes: Partial<typeof expected> & { skewSeconds?: number } = {},
): Refusal {
  try {
    checkAccessToken(token, { ...expected, ...changes })
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new assert.AssertionError({ message: `accepted: ${token}` })
}

for (const key of [es256Key, ed25519Key, rs256Key]) {
  test(`a good token signed with ${key.alg} is accepted, with its claims under our names`, () => {
    assert.deepEqual(checkAccessToken(signToken({ key }), expected), {
      issuer,
      subject: 'acc_1',
      audience,
      expiresAt: now + 300,
      issuedAt: now,
      tokenId: 'tok_1',
      clientId: 'first-party',
      sessionId: 'ses_1',
      scopes: ['read', 'write'],
      authenticatedAt: now - 60,
      amr: ['pwd'],
      asOf: 7,
      confirmation: null,
      actor: null,
      actors: [],
      grant: null,
    })
  })
}

test('a bound token names the key, a grant token names the actor and the grant and need have no session', () => {
  const claims = { sid: undefined, cnf: { jkt }, act: { sub: 'worker' }, grant: 'gra_1' }
  const found = checkAccessToken(signToken({ claims }), expected)
  assert.equal(found.confirmation, jkt)
  assert.equal(found.actor, 'worker')
  assert.equal(found.grant, 'gra_1')
  assert.equal(found.sessionId, null)
})

/** `act` of somebody for whom the others act, the one who acts now first. */
function chainOf(...subjects: string[]): object | undefined {
  return subjects.reduceRight<object | undefined>(
    (act, sub) => (act === undefined ? { sub } : { sub, act }),
    undefined,
  )
}

test('of a chain of actors the outermost is the one who acts: those before it decide nothing', () => {
  const claims = { act: chainOf('api', 'worker', 'gateway', 'scheduler') }
  assert.equal(checkAccessToken(signToken({ claims }), expected).actor, 'api')
})

const acceptedClaims: [what: string, claims: Record<string, unknown>][] = [
  ['an audience in a list of one', { aud: [audience] }],
  ['an empty scope', { scope: '' }],
  ['no method', { amr: [] }],
  ['a null sid and grant', { sid: null, grant: null }],
  ['feed position zero', { as_of: 0 }],
  ['an nbf of exactly now', { nbf: now }],
  ['an iat five seconds ahead', { iat: now + 5 }],
  ['a second before its end', { exp: now + 1 }],
  ['a life of exactly a day', { exp: now + 86_400 }],
  ['claims that we do not know', { roles: ['x'] }],
]
for (const [what, claims] of acceptedClaims) {
  test(`${what} is accepted`, () => assert.ok(checkAccessToken(signToken({ claims }), expected)))
}

const invalidClaims: [what: string, claims: Record<string, unknown>, detail: RegExp][] = [
  ['another issuer', { iss: 'https://evil.example' }, /iss/],
  ['an issuer with a slash', { iss: `${issuer}/` }, /iss/],
  ['an issuer in capitals', { iss: issuer.toUpperCase() }, /iss/],
  ['an issuer with its port', { iss: `${issuer}:443` }, /iss/],
  ['an issuer with a Unicode dot', { iss: issuer.replace('.', '\u3002') }, /iss/],
  ['an issuer in a list', { iss: [issuer] }, /iss/],
  ['another audience', { aud: issuer }, /aud/],
  ['an audience that begins with ours', { aud: `${audience}.evil.example` }, /aud/],
  ['an audience that ours begins with', { aud: audience.slice(0, -1) }, /aud/],
  ['ours and a foreign audience', { aud: [audience, 'https://evil.example'] }, /aud/],
  ['a foreign audience and ours', { aud: ['https://evil.example', audience] }, /aud/],
  ['our audience twice', { aud: [audience, audience] }, /aud/],
  ['no audience in the list', { aud: [] }, /aud/],
  ['a list in the list', { aud: [[audience]] }, /aud/],
  ['an empty audience', { aud: '' }, /aud/],
  ['a number as audience', { aud: 1 }, /aud/],
  ['an object as audience', { aud: { 0: audience, length: 1 } }, /aud/],
  ['an empty sub', { sub: '' }, /sub/],
  ['a number as sub', { sub: 1 }, /sub/],
  ['an empty sid', { sid: '' }, /sid/],
  ['a number as sid', { sid: 1 }, /sid/],
  ['an exp in text', { exp: String(now + 300) }, /exp/],
  ['an exp with a fraction', { exp: now + 300.5 }, /exp/],
  ['an exp beyond exact numbers', { exp: 2 ** 53 }, /exp/],
  ['a negative exp', { exp: -1 }, /exp/],
  ['a null exp', { exp: null }, /exp/],
  ['an iat in text', { iat: String(now) }, /iat/],
  ['an iat six seconds ahead', { iat: now + 6 }, /iat/],
  ['an iat in milliseconds', { iat: now * 1000, exp: now * 1000 + 300 }, /iat/],
  ['an exp at iat', { iat: now + 5, exp: now + 5 }, /exp is not after iat/],
  ['a life of a day and a second', { exp: now + 86_401 }, /exp/],
  ['an nbf ahead', { nbf: now + 1 }, /nbf/],
  ['an nbf in text', { nbf: String(now) }, /nbf/],
  ['a null nbf', { nbf: null }, /nbf/],
  ['scopes in a list', { scope: ['read'] }, /scope/],
  ['scopes with two spaces', { scope: 'read  write' }, /scope/],
  ['a scope with a space before', { scope: ' read' }, /scope/],
  ['a scope with a quotation mark', { scope: 'read "all"' }, /scope/],
  ['a scope with a line feed', { scope: 'read\nwrite' }, /scope/],
  ['an auth_time in text', { auth_time: 'now' }, /auth_time/],
  ['an amr in text', { amr: 'pwd' }, /amr/],
  ['an amr with a number', { amr: ['pwd', 1] }, /amr/],
  ['a negative feed position', { as_of: -1 }, /as_of/],
  ['a feed position in text', { as_of: '7' }, /as_of/],
  ['a null confirmation', { cnf: null }, /cnf/],
  ['an empty confirmation', { cnf: {} }, /cnf/],
  ['a confirmation of another kind', { cnf: { 'x5t#S256': jkt } }, /cnf/],
  ['a confirmation of two kinds', { cnf: { jkt, 'x5t#S256': jkt } }, /cnf/],
  ['a thumbprint that is too short', { cnf: { jkt: 'x' } }, /cnf/],
  ['a thumbprint in a list', { cnf: { jkt: [jkt] } }, /cnf/],
  ['an actor in text', { act: 'worker' }, /act/],
  ['an actor without a name', { act: {} }, /sub/],
  ['a null actor', { act: null }, /act/],
  ['an actor for whom nobody in particular acts', { act: { sub: 'a', act: null } }, /act/],
  ['a chain with a link in text', { act: { sub: 'a', act: 'b' } }, /act/],
  ['a chain with a link without a name', { act: { sub: 'a', act: { client_id: 'b' } } }, /sub/],
  ['a chain of five', { act: chainOf('a', 'b', 'c', 'd', 'e') }, /too long/],
  ['a chain that comes back', { act: chainOf('a', 'b', 'a') }, /twice/],
  ['an empty grant', { grant: '' }, /grant/],
  ['a number as grant', { grant: 1 }, /grant/],
]
for (const [what, claims, detail] of invalidClaims) {
  test(`${what} is refused as invalid`, () => {
    const refusal = refusalOf(signToken({ claims }))
    assert.equal(refusal.code, 'credential_invalid')
    assert.equal(refusal.status, 401)
    assert.match(refusal.detail ?? '', detail)
  })
}

for (const name of [
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'jti',
  'client_id',
  'scope',
  'auth_time',
  'amr',
  'as_of',
]) {
  test(`a token without ${name} is refused, and the operator is told which claim`, () => {
    const refusal = refusalOf(signToken({ claims: { [name]: undefined } }))
    assert.equal(refusal.code, 'credential_invalid')
    assert.match(refusal.detail ?? '', new RegExp(`\\b${name}\\b`))
  })
}

const times: [what: string, claims: Record<string, unknown>, skewSeconds: number, code: string | null][] = [
  ['an exp of exactly now', { iat: now - 300, exp: now }, 0, 'token_expired'],
  ['an exp a second ago', { iat: now - 300, exp: now - 1 }, 0, 'token_expired'],
  ['an exp a second ago, two seconds of skew', { iat: now - 300, exp: now - 1 }, 2, null],
  ['an exp two seconds ago, two seconds of skew', { iat: now - 300, exp: now - 2 }, 2, 'token_expired'],
  ['an nbf two seconds ahead, two seconds of skew', { nbf: now + 2 }, 2, null],
  ['an nbf three seconds ahead, two seconds of skew', { nbf: now + 3 }, 2, 'credential_invalid'],
  ['an iat seven seconds ahead, two seconds of skew', { iat: now + 7 }, 2, null],
  ['an iat eight seconds ahead, two seconds of skew', { iat: now + 8 }, 2, 'credential_invalid'],
  [
    'an expired token for another audience',
    { iat: now - 300, exp: now, aud: issuer },
    0,
    'credential_invalid',
  ],
]
for (const [what, claims, skewSeconds, code] of times) {
  test(`${what}: ${code ?? 'accepted'}`, () => {
    const token = signToken({ claims })
    if (code === null) assert.ok(checkAccessToken(token, { ...expected, skewSeconds }))
    else assert.equal(refusalOf(token, { skewSeconds }).code, code)
  })
}

const acceptedTypes = ['at+jwt', 'AT+JWT', 'At+Jwt', 'application/at+jwt', 'Application/AT+JWT']
for (const typ of acceptedTypes) {
  test(`typ ${typ} is an access token's`, () =>
    assert.ok(checkAccessToken(signToken({ header: { typ } }), expected)))
}

const embedded = { jwk: ed25519Key.jwk, jku: 'https://evil.example/keys', x5u: 'https://evil.example/cert' }
const invalidHeaders: [what: string, header: Record<string, unknown>, detail: RegExp][] = [
  ['no typ', { typ: undefined }, /typ/],
  ['typ JWT', { typ: 'JWT' }, /typ/],
  ['typ dpop+jwt', { typ: 'dpop+jwt' }, /typ/],
  ['typ with a parameter', { typ: 'at+jwt;v=1' }, /typ/],
  ['typ with another tree', { typ: 'text/at+jwt' }, /typ/],
  ['typ with a line feed', { typ: 'at+jwt\n' }, /typ/],
  ['typ as a list', { typ: ['at+jwt'] }, /typ/],
  ['no kid', { kid: undefined }, /kid is missing/],
  ['an unknown kid', { kid: 'key-of-nobody' }, /kid/],
  ['kid __proto__', { kid: '__proto__' }, /kid/],
  ['kid constructor', { kid: 'constructor' }, /kid/],
  ['kid as a list', { kid: ['key-ES256'] }, /kid is missing/],
  ['kid as a path', { kid: '../../dev/null' }, /kid/],
  ['the kid of another key', { kid: 'key-Ed25519' }, /signature/],
  ['alg none', { alg: 'none' }, /signature/],
  ['alg of another key', { alg: 'RS256' }, /signature/],
  ['alg HS256', { alg: 'HS256' }, /signature/],
  ['a crit', { crit: ['exp'] }, /JWS/],
]
for (const [what, header, detail] of invalidHeaders) {
  test(`a header with ${what} is refused`, () => {
    const refusal = refusalOf(signToken({ header }))
    assert.equal(refusal.code, 'credential_invalid')
    assert.match(refusal.detail ?? '', detail)
  })
}

test('keys in the header have no say, neither for nor against', () => {
  assert.ok(checkAccessToken(signToken({ header: embedded }), expected))
  const forged = signToken({ key: ed25519Key, header: { ...embedded, kid: es256Key.kid } })
  assert.match(refusalOf(forged).detail ?? '', /signature/)
})

test('a key that the issuer withdrew no longer counts', () => {
  assert.match(refusalOf(signToken(), { keys: keySetOf(ed25519Key) }).detail ?? '', /kid is unknown/)
})

const header = JSON.stringify({ typ: 'at+jwt', alg: 'ES256', kid: es256Key.kid })
for (const [what, payload] of [
  ['no JSON', 'x'],
  ['a list', `[${JSON.stringify(goodClaims())}]`],
  ['sub named twice', JSON.stringify(goodClaims()).replace('"sub"', '"sub":"admin","sub"')],
  [
    'sub named twice, once escaped',
    JSON.stringify(goodClaims()).replace('"sub"', '"\\u0073ub":"admin","sub"'),
  ],
  ['an exp that is not finite', JSON.stringify(goodClaims()).replace(`"exp":${now + 300}`, '"exp":1e400')],
  ['claims in a prototype', `{"__proto__":${JSON.stringify(goodClaims())}}`],
] as const) {
  test(`a payload with ${what} is refused though it is signed`, () => {
    assert.equal(refusalOf(signTexts(es256Key, header, payload)).code, 'credential_invalid')
  })
}

test('a claim named __proto__ is one that we do not know', () => {
  const payload = JSON.stringify(goodClaims()).replace('{', '{"__proto__":{"grant":"gra_1"},')
  assert.equal(checkAccessToken(signTexts(es256Key, header, payload), expected).grant, null)
})

test('a time that is no time is a mistake of ours, never a token accepted', () => {
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, now + 0.5, -Infinity]) {
    assert.throws(() => checkAccessToken(signToken(), { ...expected, now: wrong }), RangeError)
    assert.throws(() => checkAccessToken(signToken(), { ...expected, skewSeconds: wrong }), RangeError)
  }
  assert.throws(() => checkAccessToken(signToken(), { ...expected, skewSeconds: -1 }), RangeError)
})

test('no refusal holds the token, or anything that the token says, however it is shown', () => {
  const claims = { sub: 'acc_canary', exp: now - 1, iat: now - 300, jti: 'tok_canary' }
  const tokens = [
    signToken({ claims }),
    signToken({ claims: { ...claims, aud: 'canary' } }),
    `${signToken({ claims })}canary`,
  ]
  for (const token of tokens) {
    const refusal = refusalOf(token)
    const shown = [
      String(refusal),
      inspect(refusal, { depth: 9 }),
      JSON.stringify(refusal),
      refusal.stack,
      refusal.detail,
    ]
    for (const secret of [...token.split('.'), 'canary']) {
      assert.ok(!shown.join('\n').includes(secret), secret)
    }
  }
})
