import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSignature, parseJws, readPayload } from '@counterfoil/verifier'
import { altered } from '../testing/altered.ts'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { feedClient } from '../testing/feed-client.ts'
import { openHouse } from '../testing/house.ts'

const email = 'ada@example.org'

async function setUp(open: OpenTestDatabase) {
  const at = await openHouse(open)
  await at.member(email)
  return { at, client: await feedClient(at) }
}

onEachEngine('introspection, signed and of refresh tokens', (open) => {
  test('the answer is signed where that is asked for by name, for the one who asked', async () => {
    const { at, client } = await setUp(open)
    const { access_token: token } = await at.tokens(email)
    const send = async (accept: string) => {
      const { authorization } = client
      const sent = { form: { token }, headers: { authorization, accept } }
      const answer = await at.program().send('POST', '/oauth/introspect', sent)
      return { type: answer.headers.get('content-type'), text: await answer.text() }
    }
    const signed = 'application/token-introspection+jwt'
    const plain = await send('application/json')
    for (const accept of [
      signed,
      `application/json, ${signed}`,
      `${signed.toUpperCase()};q=0.5`,
      ` ${signed} `,
    ]) {
      const { type, text } = await send(accept)
      assert.equal(type, signed, accept)
      const { believed } = await at.house.keys.ring()
      const jws = parseJws(text) ?? assert.fail()
      const key = believed.get(String(jws.header.kid)) ?? assert.fail()
      assert.equal(checkSignature(key, jws), true)
      assert.equal(jws.header.typ, 'token-introspection+jwt')
      assert.deepEqual(JSON.parse(JSON.stringify(readPayload(jws))), {
        ...{ iss: at.issuer, aud: client.id, iat: at.machine.clock.now() },
        token_introspection: JSON.parse(plain.text),
      })
    }
    for (const accept of ['', '*/*', 'application/*', `${signed};q=0`, `${signed};q=0.000`, `${signed}2`])
      assert.equal((await send(accept)).type, 'application/json', accept)
  })

  test('of a refresh token its own client alone is told, as long as it could be used, and asking uses nothing up', async () => {
    const { at, client } = await setUp(open)
    const { refresh_token, session, account } = await at.tokens(email)
    const about = async (token: string, from = client) => (await from.introspect(token)).json()
    assert.deepEqual(await about(refresh_token), { active: false })
    await at.db.updateTable('session').set({ client_id: client.id }).where('id', '=', session.id).execute()
    const now = at.machine.clock.now()
    for (let round = 0; round < 3; round++)
      assert.deepEqual(await about(refresh_token), {
        ...{ active: true, scope: '', client_id: client.id, sub: account.id, iss: at.issuer },
        ...{ exp: now + at.house.policy.sessionAbsoluteSeconds, sid: session.id, auth_time: now },
      })
    const other = await feedClient(at, 'other')
    assert.deepEqual(await about(refresh_token, other), { active: false })
    const refreshed = await at.program().send('POST', '/oauth/token', {
      form: { grant_type: 'refresh_token', refresh_token },
      headers: { authorization: client.authorization },
    })
    const next = await refreshed.json()
    assert.equal((await about(next.refresh_token)).active, true)
    assert.equal((await about(refresh_token)).active, true, 'it may be repeated for a while')
    at.machine.clock.advance(at.house.policy.refreshRepeatSeconds)
    assert.deepEqual(await about(refresh_token), { active: false })
    assert.equal((await about(next.refresh_token)).active, true, 'asking about a replaced one ends nothing')
    await at.house.sessions.endAny(session.id, 'test')
    assert.deepEqual(await about(next.refresh_token), { active: false })
  })

  test('a forged refresh token is inactive without a reading of any session', async () => {
    const { at, client } = await setUp(open)
    const { refresh_token } = await at.tokens(email)
    at.statements.length = 0
    for (const token of [altered(refresh_token), 'cfr_', `cfr_${'A'.repeat(90)}`])
      assert.deepEqual(await (await client.introspect(token)).json(), { active: false })
    assert.deepEqual(
      at.statements.filter((statement) => statement.includes('"session"')),
      [],
    )
  })
})
