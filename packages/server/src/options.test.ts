import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIssuer, secretBytes } from './options.ts'

for (const [issuer, isHttps, isLocal] of [
  ['https://auth.example', true, false],
  ['https://auth.example:8443', true, false],
  ['https://127.0.0.1', true, false],
  ['http://localhost', false, true],
  ['http://localhost:3000', false, true],
  ['http://bank.localhost:3000', false, true],
] as const) {
  test(`${issuer} is an issuer${isLocal ? ' for development' : ''}`, () => {
    assert.deepEqual(parseIssuer(issuer), { origin: issuer, isHttps, isLocal })
  })
}

for (const issuer of [
  '',
  'auth.example',
  'https://auth.example/',
  'https://auth.example/path',
  'https://auth.example?x',
  'https://auth.example:443',
  'https://AUTH.example',
  'https://user:secret@auth.example',
  ' https://auth.example',
  'http://auth.example',
  'http://127.0.0.1:3000',
  'http://[::1]:3000',
  'http://localhost.evil.example',
  'http://evillocalhost:3000',
  'http://localhost:3000/',
  'ws://localhost',
  'null',
  'javascript:alert(1)',
]) {
  test(`"${issuer}" is no issuer, and the message names the setting and the remedy`, () => {
    assert.throws(() => parseIssuer(issuer), /COUNTERFOIL_ISSUER.*bare origin/)
  })
}

const bytes32 = Uint8Array.from({ length: 32 }, (_, index) => index * 7)
const spelled = Buffer.from(bytes32).toString('base64url')

test('a root secret is taken as bytes, or as base64url of 32 bytes or more, with white space around it', () => {
  assert.deepEqual(secretBytes(bytes32), bytes32)
  assert.deepEqual(Buffer.from(secretBytes(spelled)), Buffer.from(bytes32))
  assert.deepEqual(Buffer.from(secretBytes(`${spelled}\n`)), Buffer.from(bytes32))
})

test('text that is not base64url of 32 bytes counts by its own bytes', () => {
  for (const text of [
    'a pass phrase of more than thirty-two characters',
    spelled.slice(0, 20),
    `${spelled}=`,
    '',
  ])
    assert.equal(Buffer.from(secretBytes(text)).toString(), text)
})
