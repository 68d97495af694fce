import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimsOf, createKeys, createProof } from './proof.ts'

const { subtle } = crypto
const of = { method: 'POST', url: 'https://auth.example/oauth/token', at: 1_800_000_000, id: 'first' }
const read = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString())

test('a proof is a signed statement about one request, with the public key and nothing of the private one', async () => {
  const keys = await createKeys(subtle)
  const proof = await createProof(subtle, keys, of)
  assert.match(proof, /^[\w-]+\.[\w-]+\.[\w-]{86}$/)
  const [header, claims, signature = ''] = proof.split('.')
  const { kty, crv, x, y } = await subtle.exportKey('jwk', keys.publicKey)
  assert.deepEqual(read(header), { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })
  assert.deepEqual(read(claims), { jti: 'first', htm: 'POST', htu: of.url, iat: of.at })
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const [bytes, signed] = [Buffer.from(signature, 'base64url'), Buffer.from(`${header}.${claims}`)]
  assert.ok(await subtle.verify(algorithm, keys.publicKey, bytes, signed))
})

test('a proof with a token holds its hash: the example of RFC 9449 7.1', async () => {
  const token = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'
  const proof = await createProof(subtle, await createKeys(subtle), { ...of, token, nonce: 'of the server' })
  const { ath, nonce } = read(proof.split('.')[1])
  assert.deepEqual(
    { ath, nonce },
    { ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo', nonce: 'of the server' },
  )
})

const addresses: [url: string, htu: string][] = [
  ['https://api.example/a?b=c&token=d', 'https://api.example/a'],
  ['https://api.example/a#b', 'https://api.example/a'],
  ['https://API.example:443/', 'https://api.example/'],
  ['http://app.localhost:3000/a/../b', 'http://app.localhost:3000/b'],
]
for (const [url, htu] of addresses) {
  test(`a proof for ${url} names ${htu}`, async () => {
    const proof = await createProof(subtle, await createKeys(subtle), { ...of, url })
    assert.equal(read(proof.split('.')[1]).htu, htu)
  })
}

test('the key signs, and cannot be taken out of the browser in any form', async () => {
  const { privateKey } = await createKeys(subtle)
  assert.equal(privateKey.extractable, false)
  for (const format of ['jwk', 'pkcs8', 'raw'] as const)
    await assert.rejects(subtle.exportKey(format, privateKey), format)
})

test('what is no token says nothing of itself', () => {
  for (const text of ['', 'a.b.c', '..', 'cfr_abc', 'a.bnVsbA.c']) assert.deepEqual(claimsOf(text), {}, text)
  const claims = Buffer.from('{"iat":5,"sid":"ü"}').toString('base64url')
  assert.equal(claimsOf(`a.${claims}.b`).iat, 5)
})
