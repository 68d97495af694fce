import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callerOf, find } from '@counterfoil/verifier'
import {
  assertionForm,
  basic,
  clientKey,
  keyHolder,
  type OpenTestDatabase,
  onEachEngine,
  openHouse,
  sendProven,
  type TestHouse,
} from 'counterfoil/house'
import { follower } from './follower.ts'

const api = 'https://api.example'
const grant_type = 'client_credentials'
const text = (answer: Response) => answer.text()

/** A client that signs its proofs, and another that has a secret. */
async function setUp(open: OpenTestDatabase) {
  const at = await openHouse(open, { policy: { audiences: [api] } })
  const key = await clientKey()
  const { client_id: clientId } = await at.house.clients.addWithoutSecret('worker', {
    jwks: key.jwks,
    scope: 'read',
  })
  const other = await at.house.clients.add('other', { scope: 'read' })
  const authorization = basic(other.client_id, other.client_secret)
  const ask = async (form: Record<string, string>, headers: Record<string, string> = {}) => {
    const answer = await at.program().send('POST', '/oauth/token', { form: { grant_type, ...form }, headers })
    return { status: answer.status, body: await answer.json() }
  }
  const assertion = (given: { header?: object; claims?: object; jti?: string } = {}) =>
    key.assertion({ clientId, issuer: at.issuer, now: at.machine.clock.now(), ...given })
  return { at, key, clientId, other, authorization, ask, assertion }
}

const refused = (error: string, status = 400) => ({ status, error })
const outcome = ({ status, body }: { status: number; body: { error?: string } }) => ({
  status,
  error: body.error,
})

const introspect = async (at: TestHouse, token: string, authorization: string) => {
  const answer = await at.program().send('POST', '/oauth/introspect', {
    form: { token },
    headers: { authorization },
  })
  return (await answer.json()) as { active: boolean; [name: string]: unknown }
}

onEachEngine('clients under attack', (open) => {
  test('A-113 an assertion for another server, for an endpoint, in a list, or from a clock far ahead proves nothing', async () => {
    const { at, ask, assertion } = await setUp(open)
    const now = at.machine.clock.now()
    const wrong = [
      { aud: 'https://other.example' },
      { aud: `${at.issuer}/oauth/token` },
      { aud: `${at.issuer}/` },
      { aud: [at.issuer] },
      { aud: [at.issuer, 'https://other.example'] },
      { aud: undefined },
      { iat: now + 61, exp: now + 120 },
      { nbf: now + 61, exp: now + 120 },
      { exp: now },
      { exp: now + 3600 },
      { jti: undefined },
      { iss: 'somebody' },
    ]
    for (const claims of wrong)
      assert.deepEqual(
        outcome(await ask(assertionForm(assertion({ claims })))),
        refused('invalid_client', 401),
        JSON.stringify(claims),
      )
    assert.equal((await ask(assertionForm(assertion()))).status, 200)
  })

  test('A-113 an assertion that is shown twice proves something once, at whichever endpoint and on whichever server', async () => {
    const { at, ask, assertion } = await setUp(open)
    const stolen = assertionForm(assertion())
    assert.equal((await ask(stolen)).status, 200)
    const next = await at.neighbour()
    for (const house of [at, next]) {
      for (const path of ['/oauth/token', '/oauth/revoke', '/oauth/introspect']) {
        const form = { grant_type, token: 'x', ...stolen }
        const answer = await house.program().send('POST', path, { form })
        assert.deepEqual([answer.status, (await answer.json()).error], [401, 'invalid_client'], path)
      }
    }
  })

  test('A-113 twenty that show one assertion at the same moment get one token between them', async () => {
    const { at, assertion } = await setUp(open)
    const form = { grant_type, ...assertionForm(assertion()) }
    const next = await at.neighbour()
    const houses = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? at : next))
    const answers = await Promise.all(
      houses.map((house) => house.program().send('POST', '/oauth/token', { form })),
    )
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    assert.equal(answers.filter(({ status }) => status === 401).length, 19)
  })

  test('A-113 no key but the registered one signs for a client: not one in the header, not ours, not another client’s', async () => {
    const { at, ask, clientId, key } = await setUp(open)
    const thief = await clientKey()
    const given = { clientId, issuer: at.issuer, now: at.machine.clock.now() }
    const { kid } = key.jwk
    const headers = [
      {},
      { kid },
      { kid, jwk: thief.jwk },
      { kid, jku: 'https://evil.example/jwks' },
      { kid, alg: 'none' },
      { kid, alg: 'HS256' },
    ]
    for (const header of headers)
      assert.deepEqual(
        outcome(await ask(assertionForm(thief.assertion({ ...given, header })))),
        refused('invalid_client', 401),
      )
    const unsigned = key.assertion(given).replace(/\.[^.]*$/, '.')
    assert.deepEqual(outcome(await ask(assertionForm(unsigned))), refused('invalid_client', 401))
    await at.house.clients.addWithoutSecret('thief', { jwks: thief.jwks })
    assert.deepEqual(
      outcome(await ask(assertionForm(thief.assertion(given)))),
      refused('invalid_client', 401),
    )
  })

  test('A-113 what a client signed for something else is no assertion, and an access token of ours is none either', async () => {
    const { ask, assertion, authorization } = await setUp(open)
    for (const typ of ['at+jwt', 'dpop+jwt', 'logout+jwt', 'secevent+jwt', 'token-introspection+jwt', ''])
      assert.deepEqual(
        outcome(await ask(assertionForm(assertion({ header: { typ } })))),
        refused('invalid_client', 401),
        typ,
      )
    const { body } = await ask({}, { authorization })
    assert.deepEqual(outcome(await ask(assertionForm(body.access_token))), refused('invalid_client', 401))
  })

  test('A-105 a refresh token shown by another client that proves itself is invalid_grant, and as good as before', async () => {
    const { at, ask, authorization, assertion } = await setUp(open)
    const { email } = await at.member()
    const { refresh_token } = await at.tokens(email)
    const form = { grant_type: 'refresh_token', refresh_token }
    assert.deepEqual(outcome(await ask(form, { authorization })), refused('invalid_grant'))
    const signed = assertionForm(assertion())
    assert.deepEqual(outcome(await ask({ ...form, ...signed })), refused('invalid_grant'))
    assert.equal((await ask(form)).status, 200)
  })

  test('A-105 a refresh token for another resource is invalid_target, and as good as before', async () => {
    const { at, ask } = await setUp(open)
    const { email } = await at.member()
    const { refresh_token } = await at.tokens(email)
    const form = { grant_type: 'refresh_token', refresh_token }
    for (const resource of [api, 'https://other.example', `${at.issuer}/`])
      assert.deepEqual(outcome(await ask({ ...form, resource })), refused('invalid_target'))
    assert.equal((await ask({ ...form, resource: at.issuer })).status, 200)
  })

  test('A-105 after its client is removed nothing that the client was given is good for anything', async () => {
    const { at, ask, clientId, assertion, authorization } = await setUp(open)
    const { body } = await ask(assertionForm(assertion()))
    assert.equal((await introspect(at, body.access_token, authorization)).active, true)
    const later = assertionForm(assertion())
    await at.house.clients.remove(clientId)
    assert.deepEqual(await introspect(at, body.access_token, authorization), { active: false })
    assert.deepEqual(outcome(await ask(later)), refused('invalid_client', 401))
  })

  const ends: [
    what: string,
    end: (at: TestHouse, id: string, token: string, authorization: string) => Promise<unknown>,
  ][] = [
    [
      'it was revoked',
      (at, _, token, authorization) =>
        at.program().send('POST', '/oauth/revoke', { form: { token }, headers: { authorization } }),
    ],
    ['its client got another secret', ({ house }, id) => house.clients.rotateSecret(id)],
    ['its client was removed', ({ house }, id) => house.clients.remove(id)],
    ['a key was stolen', ({ house }) => house.keys.rotate('compromised')],
  ]
  for (const [what, end] of ends) {
    test(`A-112 verifiers elsewhere hear it at once when ${what}, and never take a client for a user who is present`, async () => {
      const { at, ask, other, authorization } = await setUp(open)
      const verifier = await follower(at)
      await verifier.connect()
      at.machine.clock.advance(1)
      await at.house.chores.tick()
      await verifier.hear()
      const token: string = (await ask({}, { authorization })).body.access_token
      assert.equal(await verifier.token(token, 3), 'accepted')
      const entry = find(verifier.checker, 'tokens', token, at.machine.clock.instant())
      const caller = callerOf(entry ?? assert.fail())
      const { account, session, actor, grant, authenticated_at } = caller
      assert.deepEqual([account.id, session, actor], [other.client_id, null, other.client_id])
      assert.deepEqual([grant, authenticated_at], [null, 0])
      await end(at, other.client_id, token, authorization)
      await verifier.hear()
      // A stolen key is not published any more: what it signed is no token at all.
      assert.equal(await verifier.token(token, 3), what === 'a key was stolen' ? 'invalid' : 'ended')
    })
  }

  test('A-58 a client’s own token may be bound to a key, and only a fresh proof by a key gets one', async () => {
    const { at, authorization } = await setUp(open)
    const holder = keyHolder()
    const sent = {
      method: 'POST',
      path: '/oauth/token',
      form: { grant_type, resource: api },
      headers: { authorization },
    }
    const answer = await sendProven(at, { agent: at.program(), holder }, sent)
    const body = await answer.json()
    assert.deepEqual([answer.status, body.token_type], [200, 'DPoP'])
    const told = await introspect(at, body.access_token, authorization)
    assert.deepEqual([told.active, told.token_type, told.cnf], [true, 'DPoP', { jkt: holder.thumbprint }])
    const stale = holder.proof({
      method: 'POST',
      url: `${at.issuer}/oauth/token`,
      now: at.machine.clock.now(),
    })
    const refusal = await at
      .program()
      .send('POST', '/oauth/token', { ...sent, headers: { authorization, dpop: stale } })
    assert.deepEqual([refusal.status, (await refusal.json()).error], [400, 'use_dpop_nonce'])
  })

  test('A-63 a proof that lacks the nonce uses no assertion up, so the same one is good with the next proof', async () => {
    const { at, assertion } = await setUp(open)
    const form = { grant_type, ...assertionForm(assertion()) }
    const sent = { method: 'POST', path: '/oauth/token', form }
    const answer = await sendProven(at, { agent: at.program(), holder: keyHolder() }, sent)
    assert.equal(answer.status, 200, await text(answer.clone()))
  })

  test('an introspection answer is no access token and no assertion, whoever signed for it', async () => {
    const { at, ask, authorization, other } = await setUp(open)
    const { email } = await at.member()
    const { access_token } = await at.tokens(email)
    const signed = await text(
      await at.program().send('POST', '/oauth/introspect', {
        form: { token: access_token },
        headers: { authorization, accept: 'application/token-introspection+jwt' },
      }),
    )
    assert.equal(signed.split('.').length, 3)
    const shown = await at.program().get('/auth/session', { authorization: `Bearer ${signed}` })
    assert.equal(shown.status, 401)
    assert.deepEqual(await introspect(at, signed, authorization), { active: false })
    assert.deepEqual(outcome(await ask(assertionForm(signed))), refused('invalid_client', 401))
    const body = JSON.parse(Buffer.from(signed.split('.')[1] ?? '', 'base64url').toString())
    assert.deepEqual([body.aud, body.exp, body.sub], [other.client_id, undefined, undefined])
  })
})
