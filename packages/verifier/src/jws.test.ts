import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { checkSignature, importVerificationKey } from './cryptography.ts'
import { parseJws, readPayload } from './jws.ts'
import { fuzz } from './testing/fuzz.ts'
import { es256Key, signTexts, signToken } from './testing/signed.ts'

const part = (text: string) => encodeBase64url(new TextEncoder().encode(text))
const withHeader = (header: string) => `${part(header)}.${part('{}')}.c2ln`
const sized = (characters: number) => {
  const start = `${part('{"alg":"ES256"}')}.${part('{}')}.`
  return start + 'A'.repeat(characters - start.length)
}

test('a compact JWS comes apart into header, payload, signature and what was signed', () => {
  const token = signTexts(es256Key, '{"alg":"ES256","kid":"k"}', '{"a":1}')
  const jws = parseJws(token)
  assert.ok(jws)
  assert.equal(jws.algorithm, 'ES256')
  assert.equal(jws.header.kid, 'k')
  assert.equal(`${jws.signingInput}.${jws.signature}`, token)
  assert.equal(decodeBase64url(jws.signature)?.length, 64)
  assert.equal(jws.signingInput, token.slice(0, token.lastIndexOf('.')))
  assert.equal(readPayload(jws)?.a, 1)
})

test('8 KiB are read and one character more is not', () => {
  assert.notEqual(parseJws(sized(8192)), null)
  // Four more, so that it is the size and not the spelling that refuses.
  assert.equal(parseJws(sized(8196)), null)
})

const good = signToken()
const [header = '', payload = '', signature = ''] = good.split('.')

const refused: [what: string, token: string][] = [
  ['nothing', ''],
  ['one part', header],
  ['two parts', `${header}.${payload}`],
  ['four parts', `${good}.`],
  ['five parts, as JWE has', `${good}.${payload}.${signature}`],
  ['an empty header', `.${payload}.${signature}`],
  ['an empty payload', `${header}..${signature}`],
  ['an empty signature', `${header}.${payload}.`],
  ['a space before', ` ${good}`],
  ['padding after the header', `${header}==.${payload}.${signature}`],
  ['a percent escape', `${header}%2E${payload}.${signature}`],
  ['a full-width dot', good.replace('.', '\uff0e')],
  ['JSON serialisation', JSON.stringify({ protected: header, payload, signature })],
  ['a header that is not JSON', withHeader('alg')],
  ['a header that is an array', withHeader('["alg"]')],
  ['a header with alg twice', withHeader('{"alg":"ES256","alg":"none"}')],
  ['a header with alg twice, once escaped', withHeader('{"alg":"ES256","\\u0061lg":"none"}')],
  ['a header with a byte order mark', withHeader('\ufeff{"alg":"ES256"}')],
  ['no alg', withHeader('{"typ":"at+jwt"}')],
  ['an alg inherited only', withHeader('{"__proto__":{"alg":"ES256"}}')],
  ['alg null', withHeader('{"alg":null}')],
  ['alg a list', withHeader('{"alg":["ES256"]}')],
  ['an unknown crit', withHeader('{"alg":"ES256","crit":["exp"],"exp":1}')],
  ['an empty crit', withHeader('{"alg":"ES256","crit":[]}')],
  ['crit null', withHeader('{"alg":"ES256","crit":null}')],
  ['b64 false with crit', withHeader('{"alg":"ES256","crit":["b64"],"b64":false}')],
  ['b64 false without crit', withHeader('{"alg":"ES256","b64":false}')],
  ['b64 true', withHeader('{"alg":"ES256","b64":true}')],
]
for (const [what, token] of refused) {
  test(`${what} is refused`, () => assert.equal(parseJws(token), null))
}

// A second spelling of one token would get past whatever remembers the first.
const otherSpellings: [what: string, of: (text: string) => string][] = [
  ['a line feed after it', (text) => `${text}\n`],
  ['white space inside', (text) => `${text.slice(0, 8)} ${text.slice(8)}`],
  ['padding', (text) => `${text}==`],
  ['the other alphabet', (text) => `${text.slice(0, -4)}+/+/`],
  [
    'a character whose low byte is the right one',
    (text) => String.fromCharCode(256 + text.charCodeAt(0)) + text.slice(1),
  ],
  // Of two bits or four that stand for nothing one is set.
  [
    'unused trailing bits',
    (text) => text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 1),
  ],
]
for (const [what, otherwise] of otherSpellings) {
  test(`a signature and a payload that are spelled with ${what} are refused`, () => {
    const key = importVerificationKey(es256Key.jwk)
    // 64 bytes leave four bits over, and so do these seven of a payload.
    const jws = parseJws(signTexts(es256Key, '{"alg":"ES256"}', '{"a":1}'))
    assert.ok(key && jws)
    assert.deepEqual([checkSignature(key, jws), readPayload(jws)?.a], [true, 1])
    const { signature, payload, signingInput } = jws
    assert.ok(otherwise(signature) !== signature && otherwise(payload) !== payload)
    assert.equal(checkSignature(key, { ...jws, signature: otherwise(signature) }), false)
    assert.equal(readPayload({ ...jws, payload: otherwise(payload) }), null)
    const respelled = signingInput.replace(payload, () => otherwise(payload))
    assert.equal(checkSignature(key, { ...jws, signingInput: respelled }), false)
  })
}

test('a payload that is not JSON is found out only after its signature', () => {
  const jws = parseJws(signTexts(es256Key, '{"alg":"ES256"}', 'not JSON'))
  const key = importVerificationKey(es256Key.jwk)
  assert.ok(jws && key)
  assert.equal(checkSignature(key, jws), true)
  assert.equal(readPayload(jws), null)
})

test('a token of the worst characters takes no longer than its length', () => {
  for (const token of ['.'.repeat(1_000_000), 'A'.repeat(8192), 'A.'.repeat(4096), `${'A'.repeat(8191)} `]) {
    const start = performance.now()
    assert.equal(parseJws(token), null)
    assert.ok(performance.now() - start < 1000)
  }
})

const mutated = fc
  .tuple(
    fc.nat(good.length),
    fc.nat(3),
    fc.string({ unit: fc.constantFrom(...'AQgw_-.=+ \n{"\u0176'), maxLength: 3 }),
  )
  .map(([at, cut, put]) => good.slice(0, at) + put + good.slice(at + cut))

test('a changed token never carries the signature of the whole one, unless it is the same text', async (t) => {
  const key = importVerificationKey(es256Key.jwk)
  assert.ok(key)
  const seen = { malformed: 0, forged: 0 }
  await fuzz(t, fc.oneof(mutated, fc.string()), (token) => {
    const jws = parseJws(token)
    if (token === good) return
    if (jws === null) seen.malformed++
    else {
      assert.equal(checkSignature(key, jws), false)
      seen.forged++
    }
  })
  assert.ok(seen.malformed > 1000 && seen.forged > 100, JSON.stringify(seen))
})
