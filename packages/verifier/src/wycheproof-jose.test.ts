import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decodeBase64url } from './base64url.ts'
import { checkSignature, importVerificationKey } from './cryptography.ts'
import { type JsonObject, parseJsonObject } from './json.ts'
import { parseJws, readPayload } from './jws.ts'
import { parseKeySet } from './key-set.ts'
import { readVectorFile, readVectors, skipWithoutVectors } from './testing/shared-vectors.ts'

type Case = {
  readonly tcId: number
  readonly comment: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
  /** Text in compact form; an object in JSON serialisation. */
  readonly jws?: unknown
  readonly jwe?: unknown
}
type Jwk = { readonly alg?: unknown; readonly kid?: unknown; readonly keys?: readonly Jwk[] }
type Group = {
  readonly comment: string
  readonly private?: Jwk
  readonly public?: Jwk
  readonly tests: readonly Case[]
}

const skip = skipWithoutVectors
const ours = ['ES256', 'Ed25519', 'RS256']

function textOf({ jws, jwe }: Case): string {
  const message = jws ?? jwe
  return typeof message === 'string' ? message : JSON.stringify(message)
}

function headerOf(token: string): JsonObject | null {
  const bytes = decodeBase64url(token.split('.')[0] ?? '')
  return bytes === null ? null : parseJsonObject(bytes)
}

/** As an issuer would publish the key: a registry adds the `alg` and `kid` that some vectors leave out. */
function publish(group: Group, header: JsonObject | null): string {
  const given = group.public ?? group.private ?? {}
  const keys = given.keys ?? [given]
  return JSON.stringify({ keys: keys.map((key) => ({ alg: header?.alg, kid: header?.kid, ...key })) })
}

async function isAccepted(group: Group, token: string): Promise<boolean> {
  const jws = parseJws(token)
  const keys = parseKeySet(publish(group, headerOf(token)))
  if (jws === null || keys === null || typeof jws.header.kid !== 'string') return false
  const key = keys.get(jws.header.kid)
  return key !== undefined && (await checkSignature(key, jws)) === true
}

async function checkAll(
  t: TestContext,
  path: string,
  given: { fewest: number; accepted: readonly number[] },
): Promise<void> {
  let refused = 0
  const accepted: number[] = []
  for (const group of readVectors<Group>(path, given.fewest)) {
    for (const one of group.tests) {
      const holds = await isAccepted(group, textOf(one))
      assert.equal(holds, given.accepted.includes(one.tcId), `${group.comment} ${one.tcId} ${one.comment}`)
      assert.ok(!holds || one.result === 'valid')
      if (holds) accepted.push(one.tcId)
      else refused++
    }
  }
  t.diagnostic(`${accepted.length} accepted, ${refused} refused`)
  assert.deepEqual(accepted, given.accepted)
}

test('signatures: the valid ones of our algorithms hold, and every other case is refused', {
  skip,
}, async (t) => {
  const path = 'wycheproof/json_web_signature_test.json'
  const valid: number[] = []
  for (const group of readVectors<Group>(path, 401)) {
    for (const one of group.tests) {
      const { alg } = headerOf(textOf(one)) ?? {}
      if (one.result === 'valid' && typeof alg === 'string' && ours.includes(alg)) valid.push(one.tcId)
    }
  }
  // Case 259 signs an empty payload: good as a signature, but no claims, so `parseJws` does not take it.
  assert.ok(valid.includes(259))
  assert.ok(valid.length >= 10)
  await checkAll(t, path, { fewest: 401, accepted: valid.filter((tcId) => tcId !== 259) })
})

test('key sets: the sound RS256 key holds; weak, private, symmetric, doubled and misused keys are refused', {
  skip,
}, async (t) => {
  await checkAll(t, 'wycheproof/json_web_key_test.json', { fewest: 26, accepted: [5] })
})

test('key sets: what is refused is the key, not only the signature', { skip }, () => {
  for (const group of readVectors<Group>('wycheproof/json_web_key_test.json', 26)) {
    if (group.tests.some(({ tcId }) => tcId === 5)) continue
    for (const one of group.tests) {
      const keys = parseKeySet(publish(group, headerOf(textOf(one))))
      assert.ok(keys === null || keys.size === 0, `${group.comment} ${one.tcId} ${one.comment}`)
    }
  }
})

test('encryption: no JWE is read as a JWS; of the rest the valid ES256 and RS256 hold', {
  skip,
}, async (t) => {
  const path = 'wycheproof/json_web_crypto_test.json'
  let encrypted = 0
  for (const one of readVectors<Group>(path, 83).flatMap((group) => group.tests)) {
    if (one.jwe === undefined) continue
    assert.equal(parseJws(textOf(one)), null, `${one.tcId} ${one.comment}`)
    encrypted++
  }
  assert.ok(encrypted >= 34)
  await checkAll(t, path, { fewest: 83, accepted: [18, 33] })
})

type Figure = {
  readonly input: { readonly key: Record<string, unknown>; readonly alg: string }
  readonly output: { readonly compact: string; readonly json: unknown; readonly json_flat?: unknown }
}
const figures: [file: string, alg: string, holds: boolean][] = [
  ['4_1.rsa_v15_signature.json', 'RS256', true],
  ['4_2.rsa-pss_signature.json', 'PS384', false],
  ['4_3.ecdsa_signature.json', 'ES512', false],
  ['4_4.hmac-sha2_integrity_protection.json', 'HS256', false],
  ['curve25519-jws.json', 'EdDSA', true],
]
for (const [file, alg, holds] of figures) {
  test(`RFC 7520 and 8037, ${file}: ${holds ? 'holds' : 'is refused'}`, { skip }, async () => {
    const { input, output } = readVectorFile<Figure>(`rfc7520/${file}`)
    const whole = parseJsonObject(JSON.stringify({ kid: 'figure', alg, ...input.key }))
    assert.ok(whole)
    assert.equal(importVerificationKey(whole), null, 'the private key is refused')
    const { d, p, q, dp, dq, qi, ...open } = whole
    const key = importVerificationKey(open)
    const jws = parseJws(output.compact)
    assert.ok(jws)
    assert.equal(key !== null && (await checkSignature(key, jws)), holds)
    assert.equal(readPayload(jws), null, 'the payload is a sentence')
    for (const json of [output.json, output.json_flat]) {
      if (json !== undefined) assert.equal(parseJws(JSON.stringify(json)), null)
    }
  })
}

test('RFC 8037: its EdDSA signature does not hold for a key that calls itself Ed25519', {
  skip,
}, async () => {
  const { input, output } = readVectorFile<Figure>('rfc7520/curve25519-jws.json')
  const { kty, crv, x } = parseJsonObject(JSON.stringify(input.key)) ?? {}
  const key = importVerificationKey({ kty, crv, x, alg: 'Ed25519' })
  const jws = parseJws(output.compact)
  assert.ok(key && jws)
  assert.equal(await checkSignature(key, jws), false)
})
