import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSignature, parseJws, readPayload, sessionCookieName } from '@counterfoil/verifier'
import { onEachEngine } from '../testing/engines.ts'
import { basic, feedClient } from '../testing/feed-client.ts'
import { openHouse, type TestHouse, type TokenAnswer } from '../testing/house.ts'

const email = 'ada@example.org'

async function setUp(open: Parameters<Parameters<typeof onEachEngine>[1]>[0]) {
  const at = await openHouse(open)
  const { browser, accountId } = await at.member(email)
  const client = await feedClient(at)
  const ask = async (token: string) => {
    const answer = await client.introspect(token)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    return answer.json()
  }
  return { at, browser, accountId, client, ask }
}

const overs: [name: string, end: (at: TestHouse, app: TokenAnswer) => Promise<unknown>][] = [
  ['its session ended', ({ house }, { session }) => house.sessions.endAny(session.id, 'test')],
  ['its account was disabled', ({ house }, { account }) => house.accounts.disable(account.id)],
  ['its key was stolen', ({ house }) => house.keys.rotate('compromised')],
  ['it expired', async ({ machine }) => machine.clock.advance(300)],
]

onEachEngine('introspection', (open) => {
  test('a token that is good is active, and told in the words of RFC 7662', async () => {
    const { at, accountId, ask } = await setUp(open)
    const app = await at.tokens(email)
    const now = at.machine.clock.now()
    const { jti, ...told } = await ask(app.access_token)
    assert.match(jti, /^[\w-]{22}$/)
    assert.deepEqual(told, {
      ...{ active: true, token_type: 'Bearer', scope: '', client_id: 'first-party', sub: accountId },
      ...{ aud: at.issuer, iss: at.issuer, exp: now + 300, iat: now, sid: app.session.id, auth_time: now },
    })
  })

  for (const [name, end] of overs) {
    test(`a token is inactive once ${name}, and nothing else is told`, async () => {
      const { at, ask } = await setUp(open)
      const app = await at.tokens(email)
      assert.equal((await ask(app.access_token)).active, true)
      await end(at, app)
      assert.deepEqual(await ask(app.access_token), { active: false })
    })
  }

  test('it is read from the store: an end by another process counts before anybody has heard of it', async () => {
    const { at, ask } = await setUp(open)
    const app = await at.tokens(email)
    const next = await at.neighbour()
    assert.equal((await ask(app.access_token)).active, true)
    await next.house.sessions.endAny(app.session.id, 'test')
    assert.deepEqual(await ask(app.access_token), { active: false })
  })

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
    for (const token of [`${refresh_token.slice(0, -2)}AA`, 'cfr_', `cfr_${'A'.repeat(90)}`])
      assert.deepEqual(await (await client.introspect(token)).json(), { active: false })
    assert.deepEqual(
      at.statements.filter((statement) => statement.includes('"session"')),
      [],
    )
  })

  test('whatever is no access token of ours is inactive', async () => {
    const { at, browser, ask } = await setUp(open)
    const app = await at.tokens(email)
    const cookie = browser.cookies.get(sessionCookieName) ?? ''
    const [head, body, tag] = app.access_token.split('.')
    const others = [app.refresh_token, cookie, '', 'x', 'a.b.c', `${head}.${body}.`, `${head}..${tag}`]
    for (const token of [...others, `${app.access_token} `, 'A'.repeat(8192)])
      assert.deepEqual(await ask(token), { active: false }, token.slice(0, 20))
  })

  test('only clients that prove themselves may ask, and the refusal is in the form of OAuth', async () => {
    const { at, browser, client } = await setUp(open)
    const { access_token: token } = await at.tokens(email)
    const { id, secret } = client
    const strangers: (string | null)[] = [
      null,
      `Bearer ${token}`,
      basic(id, `${secret}A`),
      basic('nobody', secret),
      basic('first-party', ''),
      `${basic(id, secret)}, ${basic(id, secret)}`,
    ]
    for (const authorization of strangers) {
      const headers = authorization === null ? {} : { headers: { authorization } }
      const answer = await browser.send('POST', '/oauth/introspect', { form: { token }, ...headers })
      assert.equal(answer.status, 401, String(authorization))
      assert.equal((await answer.json()).error, 'invalid_client')
      assert.equal(answer.headers.get('www-authenticate'), 'Basic realm="counterfoil"')
    }
    const named = { token, client_id: id, client_secret: secret }
    const inBody = await browser.send('POST', '/oauth/introspect', { form: named })
    assert.equal(inBody.status, 401, 'credentials in the body are none')
  })

  test('the question has one form: one token, in a form, of a bounded length', async () => {
    const { client, at } = await setUp(open)
    const send = (body: string, type = 'application/x-www-form-urlencoded') =>
      at.house.fetch(
        new Request(`${at.issuer}/oauth/introspect`, {
          method: 'POST',
          body,
          headers: { authorization: client.authorization, 'content-type': type },
        }),
      )
    for (const body of ['', 'token_type_hint=access_token', 'token=a&token=b', `token=${'A'.repeat(8193)}`]) {
      const answer = await send(body)
      assert.deepEqual(
        [answer.status, (await answer.json()).error],
        [400, 'invalid_request'],
        body.slice(0, 30),
      )
    }
    assert.equal((await send('{"token":"a"}', 'application/json')).status, 415)
    assert.equal((await send('token=a&token_type_hint=whatever&more=x')).status, 200)
  })

  test('the metadata name every address of the feed, all of them below the issuer, whatever Host says', async () => {
    const at = await openHouse(open, { issuer: 'https://auth.example' })
    const path = '/.well-known/oauth-authorization-server'
    const answer = await at.house.fetch(
      new Request(`http://evil.example${path}`, {
        headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
      }),
    )
    assert.equal(answer.headers.get('content-type'), 'application/json')
    assert.equal(answer.headers.get('cache-control'), 'public, max-age=300')
    const told: Record<string, unknown> = await answer.json()
    assert.equal(told.issuer, 'https://auth.example')
    const known = new Set(at.house.routes.map((route) => route.path))
    const addresses = Object.entries(told).filter(([name]) => /_(?:endpoint|uri)$/.test(name))
    assert.equal(addresses.length, 9)
    for (const [name, address] of addresses) {
      const { origin, pathname } = new URL(String(address))
      assert.equal(origin, 'https://auth.example', name)
      assert.ok(known.has(pathname), name)
    }
    const proven = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']
    assert.deepEqual(told.introspection_endpoint_auth_methods_supported, proven)
    assert.deepEqual(told.token_endpoint_auth_methods_supported, ['none', ...proven])
    assert.deepEqual(told.revocation_endpoint_auth_methods_supported, ['none', ...proven])
    assert.deepEqual(told.dpop_signing_alg_values_supported, ['ES256', 'Ed25519', 'RS256'])
    assert.deepEqual(told.grant_types_supported, ['refresh_token', 'client_credentials'])
    assert.deepEqual(told.feed_endpoints_auth_methods_supported, ['client_secret_basic'])
  })
})
