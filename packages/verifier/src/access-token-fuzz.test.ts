import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { checkAccessToken } from './access-token.ts'
import { Refusal } from './refusal.ts'
import { fuzz } from './testing/fuzz.ts'
import {
  audience,
  ed25519Key,
  es256Key,
  goodClaims,
  issuer,
  keySetOf,
  now,
  signTexts,
  signToken,
} from './testing/signed.ts'

const signers = [es256Key, ed25519Key] as const
const expected = { keys: keySetOf(...signers), issuer, audience, now }
const published: JSONWebKeySet = JSON.parse(JSON.stringify({ keys: signers.map((key) => key.jwk) }))
const joseKeys = createLocalJWKSet(published)

const oddValues = fc.constantFrom<unknown>(
  ...[
    undefined,
    null,
    true,
    0,
    -1,
    1.5,
    now,
    now + 1,
    now + 5,
    now + 6,
    now - 1,
    now + 300,
    now + 86_400,
    2 ** 53,
  ],
  ...[
    '',
    'at+jwt',
    'AT+JWT',
    'application/at+jwt',
    'JWT',
    'ES256',
    'Ed25519',
    'EdDSA',
    'none',
    'HS256',
    '__proto__',
  ],
  ...[issuer, audience, `${audience}/`, es256Key.kid, ed25519Key.kid, String(now), 'read', 'read write'],
  ...[[], [audience], [audience, issuer], ['pwd'], ['exp'], {}, { sub: 'worker' }, { jkt: 'x'.repeat(43) }],
)
const claimNames = fc.constantFrom(...Object.keys(goodClaims()), 'nbf', 'cnf', 'act', 'grant', 'constructor')
const headerNames = fc.constantFrom('typ', 'alg', 'kid', 'crit', 'b64', 'jwk', 'jku', 'cty', 'zip')
const changes = (names: fc.Arbitrary<string>) =>
  fc.array(fc.tuple(names, oddValues), { maxLength: 2 }).map((entries) => Object.fromEntries(entries))

/** Signed by a true key, so that only our reading of it stands between the token and acceptance. */
const resigned = fc
  .record({ key: fc.constantFrom(...signers), header: changes(headerNames), claims: changes(claimNames) })
  .map(signToken)

const spliced = fc
  .record({
    key: fc.constantFrom(...signers),
    at: fc.nat(),
    cut: fc.nat(2),
    put: fc.constantFrom(
      '',
      ' ',
      '\n',
      '"',
      ',',
      '0',
      '}',
      '\ufeff',
      '"sub":"b",',
      '"\\u0073ub":"b",',
      '\\u0000',
      '{',
    ),
    target: fc.constantFrom('header', 'payload'),
  })
  .map(({ key, at, cut, put, target }) => {
    const splice = (text: string, wanted: boolean) => {
      const start = at % (text.length + 1)
      return wanted ? text.slice(0, start) + put + text.slice(start + cut) : text
    }
    const header = JSON.stringify({ typ: 'at+jwt', alg: key.alg, kid: key.kid })
    return signTexts(
      key,
      splice(header, target === 'header'),
      splice(JSON.stringify(goodClaims()), target === 'payload'),
    )
  })

/** Changed after signing. */
const good = signToken()
const damaged = fc
  .tuple(
    fc.nat(good.length),
    fc.nat(3),
    fc.string({ unit: fc.constantFrom(...'AQgw_-.=+ \n{"\u0176'), maxLength: 3 }),
  )
  .map(([at, cut, put]) => good.slice(0, at) + put + good.slice(at + cut))

function isAccepted(token: string): boolean {
  try {
    const claims = checkAccessToken(token, expected)
    assert.equal(claims.issuer, issuer)
    assert.equal(claims.audience, audience)
    assert.ok(claims.expiresAt > now)
    return true
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    assert.ok(['credential_invalid', 'token_expired'].includes(error.code))
    return false
  }
}

test('whatever we accept, jose accepts too; whatever we do not, we refuse with a code', async (t) => {
  const seen = { accepted: 0, refused: 0 }
  await fuzz(t, fc.oneof(resigned, spliced, damaged, fc.string()), async (token) => {
    if (!isAccepted(token)) {
      seen.refused++
      return
    }
    seen.accepted++
    const { payload } = await jwtVerify(token, joseKeys, {
      issuer,
      audience,
      typ: 'at+jwt',
      algorithms: ['ES256', 'Ed25519'],
      currentDate: new Date(now * 1000),
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id'],
    })
    assert.equal(payload.sub, checkAccessToken(token, expected).subject)
  })
  t.diagnostic(JSON.stringify(seen))
  assert.ok(seen.accepted > 300 && seen.refused > 3000, JSON.stringify(seen))
})
