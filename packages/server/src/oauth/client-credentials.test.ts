import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkAccessToken, parseKeySet } from '@counterfoil/verifier'
import { assertionForm, clientKey } from '../testing/client-key.ts'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { basic } from '../testing/feed-client.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'

const api = 'https://api.example'
const grant_type = 'client_credentials'

async function ask(at: TestHouse, form: Record<string, string>, headers: Record<string, string> = {}) {
  const answer = await at.program().send('POST', '/oauth/token', { form, headers })
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  return { status: answer.status, headers: answer.headers, body: await answer.json() }
}

async function setUp(open: OpenTestDatabase) {
  const at = await openHouse(open, { policy: { audiences: [api] } })
  const client = await at.house.clients.add('worker', { scope: 'read write' })
  const authorization = basic(client.client_id, client.client_secret)
  const token = (form: Record<string, string> = {}) => ask(at, { grant_type, ...form }, { authorization })
  return { at, client, authorization, token }
}

async function claimsOf(at: TestHouse, token: string, audience: string) {
  const { jwks } = await at.house.keys.ring()
  const keys = parseKeySet(jwks) ?? assert.fail()
  return checkAccessToken(token, { keys, issuer: at.issuer, audience, now: at.machine.clock.now() })
}

onEachEngine('client_credentials', (open) => {
  test('a client is given a token for itself, for as long as any other token lives, and no refresh token', async () => {
    const { at, client, token } = await setUp(open)
    const { status, body } = await token()
    assert.equal(status, 200)
    const { access_token, ...rest } = body
    assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 300, scope: 'read write' })
    const now = at.machine.clock.now()
    const { tokenId, ...claims } = await claimsOf(at, access_token, at.issuer)
    assert.match(tokenId, /^[\w-]{22}$/)
    assert.deepEqual(claims, {
      ...{ issuer: at.issuer, subject: client.client_id, audience: at.issuer, clientId: client.client_id },
      ...{ issuedAt: now, expiresAt: now + 300, sessionId: null, scopes: ['read', 'write'] },
      ...{ authenticatedAt: 0, amr: [], asOf: 0, confirmation: null, actor: null, actors: [], grant: null },
    })
  })

  test('what is asked for is given, within what was registered, and for the audiences of the policy', async () => {
    const { at, token } = await setUp(open)
    const narrowed = await token({ scope: 'write', resource: api })
    assert.equal(narrowed.body.scope, 'write')
    const claims = await claimsOf(at, narrowed.body.access_token, api)
    assert.deepEqual([claims.audience, claims.scopes], [api, ['write']])
    assert.equal((await token({ resource: at.issuer, scope: '' })).body.scope, 'read write')
  })

  const refused: [name: string, form: Record<string, string>, error: string][] = [
    ['more scope than was registered', { scope: 'read admin' }, 'invalid_scope'],
    ['a scope in another case', { scope: 'READ' }, 'invalid_scope'],
    ['a scope that is not of its form', { scope: 'read  write' }, 'invalid_scope'],
    ['a resource that nobody named', { resource: 'https://other.example' }, 'invalid_target'],
    ['a resource with a slash more', { resource: `${api}/` }, 'invalid_target'],
    ['a resource in another case', { resource: 'https://API.example' }, 'invalid_target'],
    ['a resource with a fragment', { resource: `${api}#x` }, 'invalid_target'],
    ['a resource that is no address', { resource: 'api' }, 'invalid_target'],
  ]
  test('what is more than that is refused and not narrowed', async () => {
    const { token } = await setUp(open)
    for (const [name, form, error] of refused) {
      const { status, body } = await token(form)
      assert.deepEqual([status, body.error], [400, error], name)
    }
  })

  test('who does not prove itself is given nothing, and a public client cannot', async () => {
    const { at, client } = await setUp(open)
    const { client_id } = await at.house.clients.addWithoutSecret('app', { jwks: null, scope: 'read' })
    const wrong: [form: Record<string, string>, status: number, error: string][] = [
      [{}, 401, 'invalid_client'],
      [{ client_id: 'first-party' }, 401, 'invalid_client'],
      [{ client_id: client.client_id }, 401, 'invalid_client'],
      [{ ...client }, 401, 'invalid_client'],
      [{ client_id }, 400, 'unauthorized_client'],
    ]
    for (const [form, status, error] of wrong) {
      const answer = await ask(at, { grant_type, ...form })
      assert.deepEqual([answer.status, answer.body.error], [status, error])
      assert.equal(answer.headers.has('www-authenticate'), status === 401)
    }
  })

  test('two proofs, or a field that is named twice, are no request', async () => {
    const { at, client, authorization } = await setUp(open)
    const twice = await ask(at, { grant_type, ...client }, { authorization })
    assert.deepEqual([twice.status, twice.body.error], [400, 'invalid_request'])
    const body = `grant_type=${grant_type}&scope=read&scope=write`
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
    const repeated = await at.program().send('POST', '/oauth/token', { body, headers })
    assert.deepEqual([repeated.status, (await repeated.json()).error], [400, 'invalid_request'])
  })

  test('an assertion is used up by one request, and not by one whose grant type is unknown', async () => {
    const { at } = await setUp(open)
    const key = await clientKey()
    const { client_id: clientId } = await at.house.clients.addWithoutSecret('job', { jwks: key.jwks })
    const form = assertionForm(key.assertion({ clientId, issuer: at.issuer, now: at.machine.clock.now() }))
    assert.equal((await ask(at, { grant_type: 'magic', ...form })).body.error, 'unsupported_grant_type')
    const { status, body } = await ask(at, { grant_type, ...form })
    assert.deepEqual([status, body.scope], [200, ''])
    const again = await ask(at, { grant_type, ...form })
    assert.deepEqual([again.status, again.body.error], [401, 'invalid_client'])
  })

  test('A-112 the server takes it for nobody: no account, no session, nothing to look at and nothing to change', async () => {
    const { at, token } = await setUp(open)
    await at.member()
    const { body } = await token()
    const authorization = `Bearer ${body.access_token}`
    for (const path of ['/auth/session', '/auth/sessions']) {
      const answer = await at.program().get(path, { authorization })
      assert.deepEqual([answer.status, (await answer.json()).code], [401, 'session_ended'], path)
    }
    for (const path of ['/auth/sign-out', '/auth/sessions/end-others', '/auth/reauthenticate'])
      assert.ok((await at.program().post(path, { password: 'x' }, { authorization })).status >= 401, path)
    await assert.rejects(at.house.identify(new Request(at.issuer, { headers: { authorization } })), /session/)
  })

  const ends: [name: string, end: (at: TestHouse, id: string) => Promise<unknown>][] = [
    ['its client was removed', ({ house }, id) => house.clients.remove(id)],
    ['its client got another secret', ({ house }, id) => house.clients.rotateSecret(id)],
    ['its key was stolen', ({ house }) => house.keys.rotate('compromised')],
    ['its time is over', async ({ machine }) => machine.clock.advance(300)],
    ['everybody was ended', ({ db }) => db.updateTable('feed_head').set({ everyone_end: 99 }).execute()],
  ]
  test('a client’s own token is inactive once its client, its proof, its key, its time or everybody is over', async () => {
    const { at } = await setUp(open)
    const asker = await at.house.clients.add('asker')
    const headers = { authorization: basic(asker.client_id, asker.client_secret) }
    for (const [name, end] of ends) {
      const { client_id: id, client_secret } = await at.house.clients.add(name)
      const authorization = basic(id, client_secret)
      const { body } = await ask(at, { grant_type, resource: api }, { authorization })
      const isActive = async () => {
        const form = { token: body.access_token }
        return (await (await at.program().send('POST', '/oauth/introspect', { form, headers })).json()).active
      }
      assert.equal(await isActive(), true, name)
      await end(at, id)
      assert.equal(await isActive(), false, name)
    }
  })

  test('a token carries the position of the very reading that its client proved itself by', async () => {
    const { at, client, authorization } = await setUp(open)
    const before = await at.house.clients.authenticate({ authorization })
    await at.house.clients.rotateSecret(client.client_id)
    assert.equal(await at.house.clients.isTokenOver({ id: client.client_id, asOf: before.asOf }), true)
  })
})
