import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calculateJwkThumbprint, createRemoteJWKSet, exportJWK, jwtVerify, SignJWT } from 'jose'
import * as client from 'openid-client'
import { api, openScene, type Peer } from './scene.ts'

const scene = await openScene()
const { issuer, basic, post, signing } = scene

/** Its own discovery, as an application would do it: metadata first, then whatever they say. */
const known = (id: string, auth: client.ClientAuth, metadata: Partial<client.ClientMetadata> = {}) =>
  client.discovery(new URL(issuer), id, metadata, auth, {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests],
  })

const methods: [name: string, peer: Peer, auth: client.ClientAuth][] = [
  ['client_secret_basic', basic, client.ClientSecretBasic(basic.secret)],
  ['client_secret_post', post, client.ClientSecretPost(post.secret)],
  ...signing.map((peer): [string, Peer, client.ClientAuth] => [
    `private_key_jwt with ${peer.key?.algorithm.name}`,
    peer,
    client.PrivateKeyJwt(peer.key ?? assert.fail()),
  ]),
]

for (const [name, peer, auth] of methods) {
  test(`openid-client proves itself by ${name}: a token of its own, introspected plain and signed, revoked`, async () => {
    const config = await known(peer.id, auth)
    const answer = await client.clientCredentialsGrant(config, { scope: 'write', resource: api })
    assert.deepEqual([answer.token_type, answer.scope, answer.expires_in], ['bearer', 'write', 300])
    const told = await client.tokenIntrospection(config, answer.access_token)
    assert.deepEqual([told.active, told.sub, told.aud], [true, peer.id, api])
    const signing = await known(peer.id, auth, { introspection_signed_response_alg: 'ES256' })
    client.enableNonRepudiationChecks(signing)
    assert.deepEqual(await client.tokenIntrospection(signing, answer.access_token), told)
    await client.tokenRevocation(config, answer.access_token)
    assert.deepEqual({ ...(await client.tokenIntrospection(config, answer.access_token)) }, { active: false })
  })
}

test('openid-client refreshes as the public client, and revokes the session', async () => {
  const pair = await scene.signIn()
  const config = await known('first-party', client.None())
  const next = await client.refreshTokenGrant(config, pair.refresh_token)
  const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri ?? assert.fail()))
  const { payload } = await jwtVerify(next.access_token, keys, { issuer, audience: issuer, typ: 'at+jwt' })
  assert.equal(payload.sid, pair.session.id)
  await client.tokenRevocation(config, next.refresh_token ?? assert.fail())
  await assert.rejects(client.refreshTokenGrant(config, next.refresh_token ?? ''), { error: 'invalid_grant' })
})

test('openid-client proves a key: its token is bound to it, nonce and all, also beside a signed assertion', async () => {
  for (const [, peer, auth] of [methods[0], methods[2]].filter((one) => one !== undefined)) {
    const config = await known(peer.id, auth)
    const pair = await client.randomDPoPKeyPair('ES256')
    const DPoP = client.getDPoPHandle(config, pair)
    const answer = await client.clientCredentialsGrant(config, { resource: api }, { DPoP })
    assert.equal(answer.token_type, 'dpop')
    const told = await client.tokenIntrospection(config, answer.access_token)
    const jkt = await calculateJwkThumbprint(await exportJWK(pair.publicKey))
    assert.deepEqual([told.token_type, told.cnf], ['DPoP', { jkt }])
  }
})

/** As jose makes it: signing in is no business of OAuth, so no client of it has a call for this. */
async function proofBy({ privateKey, publicKey }: CryptoKeyPair, nonce: string | null): Promise<string> {
  const { kty, crv, x, y } = await exportJWK(publicKey)
  const jwk = { kty, crv, x, y } as { kty: string }
  return new SignJWT({ htm: 'POST', htu: `${issuer}/auth/sign-in`, ...(nonce !== null && { nonce }) })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
    .setJti(crypto.randomUUID())
    .setIssuedAt()
    .sign(privateKey)
}

test('a session that begins with a proof by jose is refreshed and used by openid-client, with the same key and no other', async () => {
  const config = await known('first-party', client.None())
  const pair = await client.randomDPoPKeyPair('ES256')
  const asked = await scene.attempt({ dpop: await proofBy(pair, null) })
  const nonce = asked.headers.get('dpop-nonce') ?? assert.fail('no nonce')
  const begun = await scene.attempt({ dpop: await proofBy(pair, nonce) })
  const { refresh_token } = (await begun.json()) as { refresh_token: string }

  const next = await client.refreshTokenGrant(config, refresh_token, undefined, {
    DPoP: client.getDPoPHandle(config, pair),
  })
  assert.equal(next.token_type, 'dpop')
  const use = async (DPoP?: client.DPoPHandle) => {
    const url = new URL(`${issuer}/auth/session`)
    const options = DPoP === undefined ? {} : { DPoP }
    try {
      return (
        await client.fetchProtectedResource(config, next.access_token, url, 'GET', null, undefined, options)
      ).status
    } catch (error) {
      if (error instanceof client.WWWAuthenticateChallengeError) return error.status
      throw error
    }
  }
  assert.equal(await use(client.getDPoPHandle(config, pair)), 200)
  assert.equal(await use(), 401)
  const other = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  assert.equal(await use(other), 401)
  await assert.rejects(client.refreshTokenGrant(config, refresh_token, undefined, { DPoP: other }), {
    error: 'invalid_grant',
  })
})
