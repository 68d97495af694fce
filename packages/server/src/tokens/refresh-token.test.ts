import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSecrets } from '../node/secrets.ts'
import { onEachEngine } from '../testing/engines.ts'
import { fuzz } from '../testing/fuzz.ts'
import { openHouse } from '../testing/house.ts'
import { readRefreshToken, successorSecret, writeRefreshToken } from './refresh-token.ts'

const secrets = createSecrets(new Uint8Array(32).fill(7))
const strangers = createSecrets(new Uint8Array(32).fill(8))
const token = { sessionId: 'AAECAwQFBgcICQoLDA0ODw', generation: 7, secret: new Uint8Array(32).fill(9) }
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
const base64url = (length: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: length, maxLength: length })

test('a refresh token reads back as it was written, whatever it holds', async (context) => {
  const inputs = fc.record({ id: bytes(16), generation: fc.nat(2 ** 32 - 1), secret: bytes(32) })
  await fuzz(context, { inputs }, ({ id, generation, secret }) => {
    const sessionId = Buffer.from(id).toString('base64url')
    const written = writeRefreshToken(secrets, { sessionId, generation, secret })
    assert.match(written, /^cfr_[\w-]{91}$/)
    assert.deepEqual(readRefreshToken(secrets, written), {
      sessionId,
      generation,
      secret: new Uint8Array(secret),
    })
    assert.equal(readRefreshToken(strangers, written), null)
  })
})

/** What someone may make of a genuine token, or of nothing, who has no key. */
const genuine = writeRefreshToken(secrets, token)
const forgeries: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.string({ unit: 'binary', maxLength: 120 }),
  base64url(91).map((text) => `cfr_${text}`),
  fc
    .tuple(fc.nat(genuine.length - 1), fc.constantFrom(...alphabet, '=', '.', ' ', '+', '/', '\0'))
    .map(([at, unit]) => genuine.slice(0, at) + unit + genuine.slice(at + 1)),
  fc.nat(genuine.length - 1).map((length) => genuine.slice(0, length)),
  fc.string({ minLength: 1, maxLength: 5 }).map((more) => genuine + more),
  fc.string({ minLength: 1, maxLength: 5 }).map((more) => more + genuine),
  fc
    .record({ generation: fc.nat(20), secret: bytes(32) })
    .map((own) => writeRefreshToken(strangers, { ...token, ...own })),
  fc.constantFrom(
    genuine.toUpperCase(),
    genuine.toLowerCase(),
    genuine.replace('cfr_', 'CFR_'),
    genuine.slice(4),
  ),
)

test('of everything that is not exactly a token of ours nothing is read', async (context) => {
  await fuzz(context, { inputs: forgeries }, (text) => {
    if (text !== genuine) assert.equal(readRefreshToken(secrets, text), null, JSON.stringify(text))
  })
})

test('a successor follows from the token before it and the salt, and from each of them', () => {
  const from = { sessionId: token.sessionId, generation: 8, salt: 'salt', secret: token.secret }
  const hex = (given: typeof from) => Buffer.from(successorSecret(secrets, given)).toString('hex')
  assert.equal(hex(from), hex({ ...from }))
  const others = [
    { ...from, sessionId: 'BAECAwQFBgcICQoLDA0ODw' },
    { ...from, generation: 9 },
    { ...from, salt: 'another' },
    { ...from, secret: new Uint8Array(32).fill(1) },
  ]
  assert.equal(new Set([from, ...others].map(hex)).size, 5)
  assert.notDeepEqual(successorSecret(strangers, from), successorSecret(secrets, from))
})

test('a session id of another length is a bug and not a token', () => {
  for (const sessionId of ['', 'AAAA', 'not base64url!', 'AAECAwQFBgcICQoLDA0ODw8P']) {
    assert.throws(() => writeRefreshToken(secrets, { ...token, sessionId }), /not 16 bytes/)
  }
})

onEachEngine('forged refresh tokens', (open) => {
  test('10,000 forged refresh tokens are refused without one question to the database, and end nothing', async (context) => {
    const { member, tokens, program, statements } = await openHouse(open)
    const { email } = await member()
    const pair = await tokens(email)
    const app = program()
    const ofOurs = forgeries.map((text) =>
      text.replace(genuine.slice(4, 26), pair.refresh_token.slice(4, 26)),
    )
    statements.length = 0
    await fuzz(context, { inputs: ofOurs }, async (text) => {
      if (text === genuine) return
      const answer = await app.send('POST', '/oauth/token', {
        form: { grant_type: 'refresh_token', refresh_token: text.toWellFormed() },
      })
      assert.equal(answer.status, 400)
      assert.equal((await answer.json()).error, 'invalid_grant')
    })
    assert.deepEqual(statements, [])
    assert.equal(
      (await app.get('/auth/session', { authorization: `Bearer ${pair.access_token}` })).status,
      200,
    )
  })
})
