import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sessionCookieName } from '@counterfoil/verifier'
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
})
