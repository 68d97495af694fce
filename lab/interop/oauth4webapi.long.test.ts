import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import { api, openScene, type Peer } from './scene.ts'

const scene = await openScene()
const { issuer, basic, post, signing } = scene
const plain = { [oauth.allowInsecureRequests]: true }
const as = await oauth
  .discoveryRequest(new URL(issuer), { ...plain, algorithm: 'oauth2' })
  .then((response) => oauth.processDiscoveryResponse(new URL(issuer), response))
const keys = createRemoteJWKSet(new URL(as.jwks_uri ?? assert.fail()))

const clientOf = ({ id }: Peer): oauth.Client => ({ client_id: id })
const keyed = ({ key }: Peer) => oauth.PrivateKeyJwt(key ?? assert.fail())
const methods: [name: string, peer: Peer, auth: oauth.ClientAuth][] = [
  ['client_secret_basic', basic, oauth.ClientSecretBasic(basic.secret)],
  ['client_secret_post', post, oauth.ClientSecretPost(post.secret)],
  ...signing.map((peer): [string, Peer, oauth.ClientAuth] => [
    `private_key_jwt with ${peer.key?.algorithm.name}`,
    peer,
    keyed(peer),
  ]),
]

async function ownToken(peer: Peer, auth: oauth.ClientAuth, parameters: Record<string, string>) {
  const client = clientOf(peer)
  const response = await oauth.clientCredentialsGrantRequest(as, client, auth, parameters, plain)
  return oauth.processClientCredentialsResponse(as, client, response)
}

async function introspect(token: string, more: oauth.IntrospectionRequestOptions = {}) {
  const client = clientOf(basic)
  const auth = oauth.ClientSecretBasic(basic.secret)
  const response = await oauth.introspectionRequest(as, client, auth, token, { ...plain, ...more })
  return { response, told: await oauth.processIntrospectionResponse(as, client, response) }
}

async function revoke(peer: Peer | null, auth: oauth.ClientAuth, token: string) {
  const client = peer === null ? { client_id: 'first-party' } : clientOf(peer)
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token, plain))
}

test('oauth4webapi discovers the server, and finds there what it will use', () => {
  assert.equal(as.issuer, issuer)
  assert.deepEqual(as.grant_types_supported?.slice(0, 2), ['refresh_token', 'client_credentials'])
  for (const name of ['token_endpoint', 'revocation_endpoint', 'introspection_endpoint'] as const)
    assert.ok(as[name]?.startsWith(`${issuer}/oauth/`), name)
})

for (const [name, peer, auth] of methods) {
  test(`oauth4webapi proves itself by ${name}: a token of its own, introspected, revoked`, async () => {
    const answer = await ownToken(peer, auth, { scope: 'read', resource: api })
    assert.deepEqual([answer.token_type, answer.expires_in, answer.scope], ['bearer', 300, 'read'])
    const request = new Request(api, { headers: { authorization: `Bearer ${answer.access_token}` } })
    const claims = await oauth.validateJwtAccessToken(as, request, api, plain)
    assert.deepEqual([claims.sub, claims.client_id], [peer.id, peer.id])
    const shown = await jwtVerify(answer.access_token, keys, { issuer, audience: api, typ: 'at+jwt' })
    assert.equal(shown.payload.scope, 'read')
    const { told } = await introspect(answer.access_token)
    assert.deepEqual([told.active, told.sub, told.aud, told.scope], [true, peer.id, api, 'read'])
    await revoke(peer, auth, answer.access_token)
    assert.deepEqual((await introspect(answer.access_token)).told, { active: false })
  })
}

test('oauth4webapi refreshes as the public client, and revokes the session by either token', async () => {
  for (const kind of ['access_token', 'refresh_token'] as const) {
    const pair = await scene.signIn()
    const client: oauth.Client = { client_id: 'first-party' }
    const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), pair.refresh_token, plain)
    const next = await oauth.processRefreshTokenResponse(as, client, response)
    assert.notEqual(next.refresh_token, pair.refresh_token)
    const { told } = await introspect(next.access_token)
    assert.deepEqual([told.active, told.client_id, told.sid], [true, 'first-party', pair.session.id])
    await revoke(null, oauth.None(), next[kind] ?? assert.fail())
    assert.equal((await introspect(next.access_token)).told.active, false)
    const again = await oauth.refreshTokenGrantRequest(
      as,
      client,
      oauth.None(),
      next.refresh_token ?? '',
      plain,
    )
    await assert.rejects(oauth.processRefreshTokenResponse(as, client, again), { error: 'invalid_grant' })
  }
})

test('oauth4webapi is told the same in a signed answer, which is for the one who asked alone', async () => {
  const { access_token } = await scene.signIn()
  const { response, told } = await introspect(access_token, { requestJwtResponse: true })
  assert.equal(response.headers.get('content-type'), 'application/token-introspection+jwt')
  await oauth.validateApplicationLevelSignature(as, response, plain)
  assert.deepEqual(told, (await introspect(access_token)).told)
})

test('jose takes a signed answer for what it is, and an access token validator for no token', async () => {
  const { access_token } = await scene.signIn()
  const answer = await fetch(as.introspection_endpoint ?? assert.fail(), {
    method: 'POST',
    body: new URLSearchParams({ token: access_token }),
    headers: {
      authorization: `Basic ${btoa(`${basic.id}:${basic.secret}`)}`,
      accept: 'application/token-introspection+jwt',
    },
  })
  const signed = await answer.text()
  const typ = 'token-introspection+jwt'
  const { payload } = await jwtVerify(signed, keys, { issuer, audience: basic.id, typ })
  assert.deepEqual(Object.keys(payload).sort(), ['aud', 'iat', 'iss', 'token_introspection'])
  await assert.rejects(jwtVerify(signed, keys, { issuer, audience: post.id, typ }), /aud/)
  const request = new Request(issuer, { headers: { authorization: `Bearer ${signed}` } })
  await assert.rejects(oauth.validateJwtAccessToken(as, request, basic.id, plain), /typ/)
})

const errors: [what: string, run: () => Promise<unknown>, error: string, status: number][] = [
  [
    'more scope',
    () => ownToken(basic, methods[0]?.[2] ?? assert.fail(), { scope: 'admin' }),
    'invalid_scope',
    400,
  ],
  [
    'another resource',
    () => ownToken(basic, methods[0]?.[2] ?? assert.fail(), { resource: 'https://x.example' }),
    'invalid_target',
    400,
  ],
  ['a wrong secret', () => ownToken(post, oauth.ClientSecretPost('wrong'), {}), 'invalid_client', 401],
  ['another way', () => ownToken(post, oauth.ClientSecretBasic(post.secret), {}), 'invalid_client', 401],
  ['no proof', () => ownToken({ ...basic, id: 'first-party' }, oauth.None(), {}), 'invalid_client', 401],
]
for (const [what, ask, error, status] of errors) {
  test(`oauth4webapi understands the answer to ${what}`, async () => {
    await assert.rejects(ask(), (thrown: unknown) => {
      if (thrown instanceof oauth.WWWAuthenticateChallengeError) return thrown.status === status
      assert.ok(thrown instanceof oauth.ResponseBodyError, String(thrown))
      assert.deepEqual([thrown.error, thrown.status], [error, status])
      return true
    })
  })
}
