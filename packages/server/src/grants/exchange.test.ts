import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkAccessToken, parseKeySet } from '@counterfoil/verifier'
import { assertionForm } from '../testing/client-key.ts'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { accessTokenType, exchangeGrantType, giveGrant, grantTokenType, workerAt } from '../testing/grants.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'
import { keyHolder, sendProven } from '../testing/key-holder.ts'

const api = 'https://api.example'

async function setUp(open: OpenTestDatabase) {
  const at = await openHouse(open, { policy: { audiences: [api] } })
  const owner = await at.member()
  return { at, worker: await workerAt(at), ...owner }
}

async function claimsOf(at: TestHouse, token: string, audience: string) {
  const { jwks } = await at.house.keys.ring()
  const keys = parseKeySet(jwks) ?? assert.fail()
  return checkAccessToken(token, { keys, issuer: at.issuer, audience, now: at.machine.clock.now() })
}

onEachEngine('a grant is exchanged', (open) => {
  test('for a token of five minutes that names the person, the worker and the grant', async () => {
    const { at, worker, browser, accountId } = await setUp(open)
    const grant = await giveGrant(browser, worker.terms({ audience: api }))
    await browser.post('/auth/sign-out')
    const { status, body, token } = await worker.exchange(grant)
    assert.equal(status, 200)
    const { access_token, ...rest } = body
    assert.deepEqual(rest, {
      ...{ token_type: 'Bearer', expires_in: 300, scope: 'statements:read' },
      issued_token_type: accessTokenType,
    })
    const now = at.machine.clock.now()
    const { tokenId, asOf, ...claims } = await claimsOf(at, token, api)
    assert.deepEqual(claims, {
      ...{ issuer: at.issuer, subject: accountId, audience: api, clientId: worker.id },
      ...{ issuedAt: now, expiresAt: now + 300, sessionId: null, scopes: ['statements:read'] },
      ...{ authenticatedAt: 0, amr: [], confirmation: null, actor: worker.id, actors: [worker.id], grant },
    })
    const event = await at.db
      .selectFrom('event')
      .select(['account_id', 'client_id', 'grant_id', 'detail'])
      .where('kind', '=', 'grant_exchanged')
      .execute()
    assert.deepEqual(event, [
      { account_id: accountId, client_id: worker.id, grant_id: grant, detail: tokenId },
    ])
  })

  test('and the server knows its bearer: the person’s account, no session, who acts and under what', async () => {
    const { at, worker, browser, accountId, email } = await setUp(open)
    const grant = await giveGrant(browser, worker.terms())
    const { token } = await worker.exchange(grant)
    const headers = { authorization: `Bearer ${token}` }
    const shown = await at.program().get('/auth/session', headers)
    assert.deepEqual(
      [shown.status, await shown.json()],
      [
        200,
        {
          ...{ account: { id: accountId, email }, session: null, carrier: 'bearer' },
          ...{ scopes: ['statements:read'], actor: worker.id, grant, authenticated_at: 0 },
        },
      ],
    )
    at.statements.length = 0
    assert.equal((await at.program().get('/auth/session', headers)).status, 200)
    assert.deepEqual(at.statements, [])
    await browser.send('DELETE', `/auth/grants/${grant}`)
    const after = await at.program().get('/auth/session', headers)
    assert.deepEqual([after.status, (await after.json()).code], [401, 'grant_ended'])
  })

  test('bound to the worker’s key where it sends a proof, and then worth nothing without that key', async () => {
    const { at, worker, browser } = await setUp(open)
    const grant = await giveGrant(browser, worker.terms())
    const holder = keyHolder()
    const sent = async () => {
      const form = {
        ...{ grant_type: exchangeGrantType, subject_token: grant, subject_token_type: grantTokenType },
        ...assertionForm(
          worker.key.assertion({ clientId: worker.id, issuer: at.issuer, now: at.machine.clock.now() }),
        ),
      }
      return sendProven(at, { agent: at.program(), holder }, { method: 'POST', path: '/oauth/token', form })
    }
    const { access_token: token, token_type } = await (await sent()).json()
    assert.equal(token_type, 'DPoP')
    const path = '/auth/session'
    const proven = await sendProven(at, { agent: at.program(), holder }, { method: 'GET', path, token })
    assert.deepEqual([proven.status, (await proven.json()).carrier], [200, 'dpop'])
    const thief = { agent: at.program(), holder: keyHolder() }
    assert.equal((await sendProven(at, thief, { method: 'GET', path, token })).status, 401)
    assert.equal((await at.program().get(path, { authorization: `Bearer ${token}` })).status, 401)
  })

  const refused: [name: string, form: Record<string, string>, error: string][] = [
    ['more scope than was approved', { scope: 'statements:read statements:write' }, 'invalid_scope'],
    ['another scope than was approved', { scope: 'statements:write' }, 'invalid_scope'],
    ['a scope that is not of its form', { scope: 'statements:read ' }, 'invalid_scope'],
    ['another place than was approved', { resource: 'http://localhost:3000' }, 'invalid_target'],
    ['a place with a slash more', { audience: `${api}/` }, 'invalid_target'],
    ['two places at once', { resource: api, audience: 'http://localhost:3000' }, 'invalid_target'],
    ['an actor of its own', { actor_token: 'x', actor_token_type: accessTokenType }, 'invalid_request'],
    [
      'a refresh token',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      'invalid_request',
    ],
    ['no type of subject', { subject_token_type: '' }, 'invalid_request'],
    ['another grant', { subject_token: 'A'.repeat(22) }, 'invalid_grant'],
    ['something that is no id', { subject_token: '\u0000' }, 'invalid_grant'],
  ]
  test('A-107 for what was approved and nothing else: refused, and not narrowed', async () => {
    const { worker, browser } = await setUp(open)
    const grant = await giveGrant(browser, worker.terms({ audience: api }))
    for (const [name, form, error] of refused) {
      const { status, body } = await worker.exchange(grant, form)
      assert.deepEqual([status, body.error], [400, error], name)
    }
    for (const form of [{ resource: api, audience: api }, { scope: 'statements:read' }, { scope: '' }])
      assert.equal((await worker.exchange(grant, form)).body.scope, 'statements:read')
  })

  test('A-111 by its own worker alone, and nobody else learns that there is such a grant', async () => {
    const { at, worker, browser } = await setUp(open)
    const other = await workerAt(at, { name: 'Other' })
    const grant = await giveGrant(browser, worker.terms())
    const unknown = await other.exchange('A'.repeat(22))
    const foreign = await other.exchange(grant)
    assert.deepEqual([foreign.status, foreign.body], [400, unknown.body])
    await browser.send('DELETE', `/auth/grants/${grant}`)
    assert.deepEqual((await other.exchange(grant)).body, unknown.body)
    assert.equal((await worker.exchange(grant)).body.code, 'grant_withdrawn')
    const misuse = await at.db
      .selectFrom('event')
      .select(['client_id', 'outcome'])
      .where('kind', '=', 'grant_misused')
      .execute()
    assert.deepEqual(misuse, Array(2).fill({ client_id: other.id, outcome: 'refused' }))
    for (let round = 0; round < 8; round++) await other.exchange(grant)
    assert.equal((await other.exchange(grant)).status, 429)
  })

  test('A-111 a queue that leaked is worth nothing without the worker’s key', async () => {
    const { at, worker, browser } = await setUp(open)
    const grant = await giveGrant(browser, worker.terms())
    const queue = {
      subject_token: grant,
      subject_token_type: 'urn:counterfoil:token-type:grant',
      scope: 'statements:read',
    }
    const stranger = await workerAt(at)
    const forged = stranger.key.assertion({
      clientId: worker.id,
      issuer: at.issuer,
      now: at.machine.clock.now(),
    })
    const tries: Record<string, string>[] = [
      {},
      { client_id: worker.id },
      { client_id: 'first-party' },
      { client_id: worker.id, client_secret: 'guess' },
      {
        client_assertion: forged,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      },
    ]
    for (const proof of tries) {
      const form = { grant_type: exchangeGrantType, ...queue, ...proof }
      const answer = await at.program().submit('/oauth/token', form)
      assert.deepEqual([answer.status, (await answer.json()).error], [401, 'invalid_client'])
    }
    for (const path of ['/auth/session', '/auth/grants', '/auth/sessions', `/auth/grants/${grant}`])
      assert.ok((await at.program().get(path, { authorization: `Bearer ${grant}` })).status >= 400, path)
    assert.equal((await at.program().send('DELETE', `/auth/grants/${grant}`)).status, 401)
  })

  test('as often as a queue delivers it, by sixteen at once, each for a token that lives', async () => {
    const { at, worker, browser } = await setUp(open)
    const grant = await giveGrant(browser, worker.terms())
    const all = await Promise.all(Array.from({ length: 16 }, () => worker.exchange(grant)))
    assert.equal(new Set(all.map(({ token }) => token)).size, 16)
    for (const { token } of all) {
      const shown = await at.program().get('/auth/session', { authorization: `Bearer ${token}` })
      assert.equal(shown.status, 200)
    }
  })

  test('A-110 or withdrawn, of sixteen at the same moment: no token of any is good after the withdrawal was answered', async () => {
    const { at, worker, browser } = await setUp(open)
    for (let round = 0; round < 4; round++) {
      const grant = await giveGrant(browser, worker.terms())
      const racing = Array.from({ length: 16 }, () => worker.exchange(grant))
      const [withdrawn, ...all] = await Promise.all([
        browser.send('DELETE', `/auth/grants/${grant}`),
        ...racing,
      ])
      assert.equal(withdrawn.status, 204)
      for (const { status, body, token } of all) {
        if (status !== 200) assert.equal(body.code, 'grant_withdrawn')
        const shown = await at.program().get('/auth/session', { authorization: `Bearer ${token}` })
        assert.equal(shown.status, 401)
      }
    }
  })

  test('introspection tells of its token while it lives, and nothing once the grant is withdrawn', async () => {
    const { at, worker, browser, accountId } = await setUp(open)
    const asker = await at.house.clients.add('asker')
    const authorization = `Basic ${Buffer.from(`${asker.client_id}:${asker.client_secret}`).toString('base64')}`
    const grant = await giveGrant(browser, worker.terms({ audience: api }))
    const { token } = await worker.exchange(grant)
    const ask = async () =>
      (
        await at.program().send('POST', '/oauth/introspect', { form: { token }, headers: { authorization } })
      ).json()
    const { active, sub, act, grant: under, client_id, sid } = await ask()
    assert.deepEqual(
      { active, sub, act, under, client_id, sid },
      {
        active: true,
        sub: accountId,
        act: { sub: worker.id },
        under: grant,
        client_id: worker.id,
        sid: undefined,
      },
    )
    await browser.send('DELETE', `/auth/grants/${grant}`)
    assert.deepEqual(await ask(), { active: false })
  })
})
