import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachEngine } from '../testing/engines.ts'
import { openHouse } from '../testing/house.ts'

onEachEngine('metadata', (open) => {
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
    assert.deepEqual(told.grant_types_supported, [
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:token-exchange',
    ])
    assert.deepEqual(told.feed_endpoints_auth_methods_supported, ['client_secret_basic'])
  })
})
