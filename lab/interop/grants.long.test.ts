import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import { postJson } from '../chaos/visitor.ts'
import { api, openScene } from './scene.ts'

const scene = await openScene()
const { issuer, signing, origin } = scene
const plain = { [oauth.allowInsecureRequests]: true }
const as = await oauth
  .discoveryRequest(new URL(issuer), { ...plain, algorithm: 'oauth2' })
  .then((response) => oauth.processDiscoveryResponse(new URL(issuer), response))
const keys = createRemoteJWKSet(new URL(as.jwks_uri ?? assert.fail()))
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const worker = signing[0] ?? assert.fail()
const client: oauth.Client = { client_id: worker.id }

async function give(): Promise<{ id: string; authorization: string }> {
  const { access_token } = await scene.signIn()
  const authorization = `Bearer ${access_token}`
  const terms = {
    client_id: worker.id,
    scope: 'read',
    audience: api,
    expires_in: 3600,
    purpose: 'Read at night',
  }
  const answer = await postJson(`${origin}/auth/grants`, terms, { authorization })
  assert.equal(answer.status, 201)
  return { id: (await answer.json()).id, authorization }
}

async function trade(grant: string, more: oauth.TokenEndpointRequestOptions = {}) {
  const auth = oauth.PrivateKeyJwt(worker.key ?? assert.fail())
  const parameters = {
    ...{ subject_token: grant, subject_token_type: 'urn:counterfoil:token-type:grant' },
    ...{ scope: 'read', resource: api },
  }
  const options = { ...plain, ...more }
  const send = () => oauth.genericTokenEndpointRequest(as, client, auth, exchange, parameters, options)
  const read = async (response: Response) => oauth.processGenericTokenEndpointResponse(as, client, response)
  return read(await send()).catch(async (error: unknown) => {
    if (!oauth.isDPoPNonceError(error)) throw error
    return read(await send())
  })
}

test('oauth4webapi finds token exchange in the metadata, and trades a grant for a token that names person and worker', async () => {
  assert.ok(as.grant_types_supported?.includes(exchange))
  const { id } = await give()
  const answer = await trade(id)
  assert.deepEqual([answer.token_type, answer.expires_in, answer.scope], ['bearer', 300, 'read'])
  assert.equal(answer.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token')
  const { payload } = await jwtVerify(answer.access_token, keys, { issuer, audience: api, typ: 'at+jwt' })
  assert.deepEqual([payload.act, payload.grant, payload.sid], [{ sub: worker.id }, id, undefined])
  const request = new Request(api, { headers: { authorization: `Bearer ${answer.access_token}` } })
  const claims = await oauth.validateJwtAccessToken(as, request, api, plain)
  assert.notEqual(claims.sub, worker.id)
})

test('oauth4webapi has it bound to a key of its own, with the nonce that the server asks for', async () => {
  const { id } = await give()
  const pair = await oauth.generateKeyPair('ES256')
  const answer = await trade(id, { DPoP: oauth.DPoP(client, pair) })
  assert.equal(answer.token_type, 'dpop')
  const { payload } = await jwtVerify(answer.access_token, keys, { issuer, audience: api, typ: 'at+jwt' })
  assert.ok(typeof payload.cnf === 'object')
})

test('oauth4webapi is told by the next exchange that the grant was withdrawn', async () => {
  const { id, authorization } = await give()
  const answer = await fetch(`${origin}/auth/grants/${id}`, { method: 'DELETE', headers: { authorization } })
  assert.equal(answer.status, 204)
  await assert.rejects(trade(id), (error) => {
    assert.ok(error instanceof oauth.ResponseBodyError)
    assert.deepEqual([error.error, error.cause.code], ['invalid_grant', 'grant_withdrawn'])
    return true
  })
})
