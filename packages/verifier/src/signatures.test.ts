import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import type { JsonObject } from './json.ts'
import { type Jws, parseJws } from './jws.ts'
import type { VerificationKey } from './public-key.ts'
import { ed25519Key, es256Key, rs256Key, type SigningKey, signTexts } from './testing/signed.ts'
import { twins } from './testing/twins.ts'

const keys: readonly SigningKey[] = [es256Key, ed25519Key, rs256Key]

const bytesOf = ({ signature }: Jws) => decodeBase64url(signature) ?? assert.fail()
const signedWith = (jws: Jws, bytes: Uint8Array): Jws => ({ ...jws, signature: encodeBase64url(bytes) })

for (const [platform, { checkSignature, importVerificationKey, sha256 }] of twins) {
  function imported(jwk: JsonObject): VerificationKey {
    const key = importVerificationKey(jwk)
    assert.ok(key)
    return key
  }

  function signed(key: SigningKey, alg: string = key.alg) {
    const jws = parseJws(signTexts(key, JSON.stringify({ alg }), '{}'))
    assert.ok(jws)
    return jws
  }

  for (const key of keys) {
    test(`${platform}, ${key.alg}: its own signature is good, one with any bit changed or of another length is not`, async () => {
      const checking = imported(key.jwk)
      assert.equal(checking.algorithm, key.alg)
      assert.equal(checking.kid, key.kid)
      const jws = signed(key)
      assert.equal(await checkSignature(checking, jws), true)
      const bytes = bytesOf(jws)
      for (const at of [0, 31, 32, bytes.length - 1]) {
        const changed = Uint8Array.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ 1
        assert.equal(await checkSignature(checking, signedWith(jws, changed)), false)
      }
      const longer = new Uint8Array([0, ...bytes])
      for (const other of [new Uint8Array(), longer, bytes.slice(1), bytes.slice(0, -1)]) {
        assert.equal(await checkSignature(checking, signedWith(jws, other)), false)
      }
      assert.equal(await checkSignature(checking, { ...jws, signingInput: `${jws.signingInput}A` }), false)
    })

    for (const other of keys) {
      if (other === key) continue
      test(`${platform}, ${key.alg}: a key never checks what says ${other.alg}, whoever signed it`, async () => {
        assert.equal(await checkSignature(imported(key.jwk), signed(other)), false)
        assert.equal(await checkSignature(imported(key.jwk), signed(key, other.alg)), false)
      })
    }

    for (const alg of [
      'none',
      'None',
      '',
      key.alg.toLowerCase(),
      `${key.alg} `,
      'HS256',
      '__proto__',
      'toString',
    ]) {
      test(`${platform}, ${key.alg}: a header that says "${alg}" is refused`, async () => {
        assert.equal(await checkSignature(imported(key.jwk), signed(key, alg)), false)
      })
    }
  }

  test(`${platform}: the deprecated name EdDSA is good only for a key that calls itself so`, async () => {
    assert.equal(await checkSignature(imported(ed25519Key.jwk), signed(ed25519Key, 'EdDSA')), false)
    const old = imported({ ...ed25519Key.jwk, alg: 'EdDSA' })
    assert.equal(await checkSignature(old, signed(ed25519Key, 'EdDSA')), true)
    assert.equal(await checkSignature(old, signed(ed25519Key, 'Ed25519')), false)
  })

  test(`${platform}: an ES256 signature in DER is refused`, async () => {
    const jws = signed(es256Key)
    const [r, s] = [bytesOf(jws).slice(0, 32), bytesOf(jws).slice(32)]
    const integer = (bytes: Uint8Array) => [2, bytes.length + 1, 0, ...bytes]
    const body = [...integer(r), ...integer(s)]
    const der = new Uint8Array([0x30, body.length, ...body])
    assert.equal(await checkSignature(imported(es256Key.jwk), signedWith(jws, der)), false)
  })

  test(`${platform}: the ES256 signature of zeros is refused (CVE-2022-21449)`, async () => {
    const zeros = signedWith(signed(es256Key), new Uint8Array(64))
    assert.equal(await checkSignature(imported(es256Key.jwk), zeros), false)
  })

  function rsaJwk(bits: number, changes: JsonObject = {}): JsonObject {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits })
    const { n, e } = publicKey.export({ format: 'jwk' })
    return { kty: 'RSA', alg: 'RS256', n, e, ...changes }
  }
  const curve = (namedCurve: string) => {
    const { x, y } = generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' })
    return { x, y }
  }
  const exponent = (...bytes: readonly number[]) => encodeBase64url(new Uint8Array(bytes))
  const secretOf = (key: SigningKey): JsonObject =>
    ({ ...key.jwk, ...key.secret.export({ format: 'jwk' }) }) as JsonObject
  const withZero = (coordinate: unknown) =>
    encodeBase64url(new Uint8Array([0, ...(decodeBase64url(String(coordinate)) ?? [])]))
  const evenModulus = `${String(rs256Key.jwk.n).slice(0, -2)}AA`

  const importable: [what: string, jwk: JsonObject][] = [
    ['a key without use, key_ops or kid', { ...es256Key.jwk, use: undefined, kid: undefined }],
    ['key_ops with verify', { ...es256Key.jwk, key_ops: ['verify'] }],
    [
      'a key with certificates and addresses beside it',
      { ...es256Key.jwk, x5c: ['x'], x5u: 'http://evil', jku: 'http://evil' },
    ],
    ['RSA of 3,072 bits', rsaJwk(3072)],
    ['RSA with exponent 3', { ...rs256Key.jwk, e: exponent(3) }],
  ]
  for (const [what, jwk] of importable) {
    test(`${platform}: ${what} is imported`, () => assert.ok(importVerificationKey(jwk)))
  }

  const refused: [what: string, jwk: JsonObject][] = [
    ['an empty object', {}],
    ['a key without alg', { ...es256Key.jwk, alg: undefined }],
    ['alg none', { ...es256Key.jwk, alg: 'none' }],
    ['alg in lower case', { ...es256Key.jwk, alg: 'es256' }],
    ['alg as a list', { ...es256Key.jwk, alg: ['ES256'] }],
    ['alg toString', { ...es256Key.jwk, alg: 'toString' }],
    ['alg __proto__', { ...es256Key.jwk, alg: '__proto__' }],
    ['PS256', { ...rs256Key.jwk, alg: 'PS256' }],
    ['RS384', { ...rs256Key.jwk, alg: 'RS384' }],
    ['ES384', { kty: 'EC', crv: 'P-384', alg: 'ES384', ...curve('P-384') }],
    ['a P-384 key that says ES256', { kty: 'EC', crv: 'P-384', alg: 'ES256', ...curve('P-384') }],
    ['a P-384 key that says P-256', { kty: 'EC', crv: 'P-256', alg: 'ES256', ...curve('P-384') }],
    ['secp256k1', { kty: 'EC', crv: 'secp256k1', alg: 'ES256', ...curve('secp256k1') }],
    ['an EC key that says RS256', { ...es256Key.jwk, alg: 'RS256' }],
    ['an RSA key that says ES256', { ...rs256Key.jwk, alg: 'ES256' }],
    ['an EC key that says Ed25519', { ...es256Key.jwk, alg: 'Ed25519' }],
    ['X25519', { ...ed25519Key.jwk, crv: 'X25519' }],
    ['kty in lower case', { ...es256Key.jwk, kty: 'ec' }],
    ['a point off the curve', { ...es256Key.jwk, y: es256Key.jwk.x }],
    ['the point of zeros', { ...es256Key.jwk, x: 'A'.repeat(43), y: 'A'.repeat(43) }],
    ['a coordinate that is too short', { ...es256Key.jwk, x: String(es256Key.jwk.x).slice(0, 42) }],
    ['a coordinate with a leading zero', { ...es256Key.jwk, x: withZero(es256Key.jwk.x) }],
    ['a coordinate that is padded', { ...es256Key.jwk, x: `${String(es256Key.jwk.x)}=` }],
    ['a coordinate that is a number', { ...es256Key.jwk, x: 1 }],
    ['no y', { ...es256Key.jwk, y: undefined }],
    ['an Ed25519 key of 31 bytes', { ...ed25519Key.jwk, x: encodeBase64url(new Uint8Array(31)) }],
    ['a private EC key', secretOf(es256Key)],
    ['a private Ed25519 key', secretOf(ed25519Key)],
    ['a private RSA key', secretOf(rs256Key)],
    ['RSA with a prime left in', { ...rs256Key.jwk, p: 'AQAB' }],
    ['a private member of the wrong type', { ...es256Key.jwk, d: null }],
    ['an EC key with k', { ...es256Key.jwk, k: 'AAAA' }],
    ['oct', { kty: 'oct', alg: 'HS256', k: 'A'.repeat(43) }],
    ['oct that says ES256', { kty: 'oct', alg: 'ES256', k: 'A'.repeat(43) }],
    ['use enc', { ...es256Key.jwk, use: 'enc' }],
    ['use as a list', { ...es256Key.jwk, use: ['sig'] }],
    ['use null', { ...es256Key.jwk, use: null }],
    ['key_ops without verify', { ...es256Key.jwk, key_ops: ['sign'] }],
    ['empty key_ops', { ...es256Key.jwk, key_ops: [] }],
    ['key_ops as text', { ...es256Key.jwk, key_ops: 'verify' }],
    ['an empty kid', { ...es256Key.jwk, kid: '' }],
    ['a kid that is a number', { ...es256Key.jwk, kid: 1 }],
    ['RSA of 1,024 bits', rsaJwk(1024)],
    ['RSA of 2,040 bits', rsaJwk(2040)],
    ['a modulus of 8,200 bits', { ...rs256Key.jwk, n: encodeBase64url(new Uint8Array(1025).fill(255)) }],
    ['an even modulus', { ...rs256Key.jwk, n: evenModulus }],
    ['a modulus with a leading zero', { ...rs256Key.jwk, n: `AAAA${String(rs256Key.jwk.n)}` }],
    ['exponent 1', { ...rs256Key.jwk, e: exponent(1) }],
    ['exponent 0', { ...rs256Key.jwk, e: exponent(0) }],
    ['exponent 2', { ...rs256Key.jwk, e: exponent(2) }],
    ['an even exponent', { ...rs256Key.jwk, e: exponent(1, 0, 0) }],
    ['an exponent with a leading zero', { ...rs256Key.jwk, e: exponent(0, 1, 0, 1) }],
    ['an exponent of nine bytes', { ...rs256Key.jwk, e: exponent(1, 0, 0, 0, 0, 0, 0, 0, 1) }],
    ['no exponent', { ...rs256Key.jwk, e: undefined }],
  ]
  for (const [what, jwk] of refused) {
    test(`${platform}: ${what} is not imported`, () => assert.equal(importVerificationKey(jwk), null))
  }

  test(`${platform}: SHA-256 of the examples of FIPS 180-4, and of every length up to three blocks`, () => {
    const hex = (text: string) => Buffer.from(sha256(text), 'base64url').toString('hex')
    assert.equal(hex('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    assert.equal(hex(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    assert.equal(
      hex('a'.repeat(1_000_000)),
      'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
    )
    for (let length = 0; length <= 192; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 151 + length) & 255)
      assert.equal(sha256(bytes), createHash('sha256').update(bytes).digest('base64url'))
    }
  })

  test(`${platform}: an ES256 signature is genuine whatever its two numbers begin with`, async () => {
    const key = importVerificationKey(es256Key.jwk) ?? assert.fail()
    const kindOf = (first = 0) => (first === 0 ? 'zero' : first < 0x80 ? 'low' : 'high')
    const met = new Set<string>()
    for (let at = 0; met.size < 6; at++) {
      const jws = parseJws(signTexts(es256Key, '{"alg":"ES256"}', `{"at":${at}}`)) ?? assert.fail()
      const bytes = bytesOf(jws)
      met.add(`r ${kindOf(bytes[0])}`).add(`s ${kindOf(bytes[32])}`)
      assert.equal(await checkSignature(key, jws), true, jws.signature)
    }
    for (const empty of [[0, 32] as const, [32, 64] as const, [0, 64] as const]) {
      const jws = parseJws(signTexts(es256Key, '{"alg":"ES256"}', '{}')) ?? assert.fail()
      assert.equal(await checkSignature(key, signedWith(jws, bytesOf(jws).fill(0, ...empty))), false)
    }
  })
}

test('WebCrypto: where the platform’s promises are of another realm than ours, as in runtimes inside Node, keys still check', async () => {
  const web = twins[1]?.[1]
  assert.ok(web !== undefined)
  const { jwk } = es256Key
  const key = web.importVerificationKey(jwk)
  assert.ok(key !== null)
  const foreign: (value: unknown) => unknown = runInNewContext('async (value) => value')
  const handle = foreign(await key.handle)
  assert.ok(!(handle instanceof Promise))
  const jws = parseJws(signTexts(es256Key, JSON.stringify({ alg: 'ES256', kid: es256Key.kid }), '{}'))
  assert.ok(jws !== null)
  assert.equal(await web.checkSignature({ ...key, handle }, jws), true)
  const refused = foreign(Promise.reject(new Error('no such key')))
  assert.equal(await web.checkSignature({ ...key, handle: refused }, jws), false)
})
