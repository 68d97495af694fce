import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestAuth } from 'counterfoil/testing'
import { createShop } from './shop.ts'

test('everybody sees their own orders, by cookie or by token', async () => {
  const auth = await createTestAuth()
  const shop = createShop(auth)
  const ada = await auth.loginAs('ada@example.org')
  const grace = await auth.loginAs('grace@example.org', { carrier: 'token' })

  const ordered = await shop.request('/orders', {
    method: 'POST',
    headers: ada.headers,
    body: JSON.stringify({ what: 'tea' }),
  })
  assert.equal(ordered.status, 201)
  const seen = await shop.request('/orders', { headers: ada.headers })
  assert.deepEqual(await seen.json(), [{ by: ada.account.id, what: 'tea' }])
  assert.deepEqual(await (await shop.request('/orders', { headers: grace.headers })).json(), [])
  assert.equal((await shop.request('/orders')).status, 401)
})

test('no other site orders anything with the cookie of somebody who is signed in', async () => {
  const auth = await createTestAuth()
  const shop = createShop(auth)
  const ada = await auth.loginAs('ada@example.org')

  for (const { from, headers } of ada.forgeries()) {
    const forged = await shop.request('/orders', { method: 'POST', headers, body: '{"what":"a car"}' })
    assert.equal(forged.status, 403, from)
  }
  const seen = await shop.request('/orders', { headers: ada.headers })
  assert.deepEqual(await seen.json(), [])
})

test('to delete everything, one has to have proven oneself in the last five minutes', async () => {
  const auth = await createTestAuth()
  const shop = createShop(auth)
  const ada = await auth.loginAs('ada@example.org')
  const deleting = () => shop.request('/orders', { method: 'DELETE', headers: ada.headers })

  assert.equal((await deleting()).status, 204)
  auth.clock.advance(301)
  const late = await deleting()
  assert.deepEqual([late.status, (await late.json()).code], [401, 'reauthentication_required'])
})

test('a session that ended is over here with the next request', async () => {
  const auth = await createTestAuth()
  const shop = createShop(auth)
  const ada = await auth.loginAs('ada@example.org')
  const status = async () => (await shop.request('/orders', { headers: ada.headers })).status

  assert.equal(await status(), 200)
  await ada.end()
  assert.equal(await status(), 401)
})

test('whoever signs up takes the link from their mail', async () => {
  const auth = await createTestAuth()
  const shop = createShop(auth)
  const post = (path: string, json: object) => {
    const headers = { 'content-type': 'application/json', origin: auth.issuer }
    return shop.request(path, { method: 'POST', headers, body: JSON.stringify(json) })
  }
  const who = { email: 'joan@example.org', password: 'a lantern in the third window' }

  await post('/auth/sign-up', who)
  const token = (await auth.linkFor(who.email)).searchParams.get('token')
  const verified = await post('/auth/verify-email', { token, password: who.password })
  assert.equal(verified.status, 200)
})
