import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedKey, Refusal } from '@counterfoil/verifier'
import { onEachEngine } from '../testing/engines.ts'
import { basic, feedClient } from '../testing/feed-client.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'

const events = async ({ db }: TestHouse) => {
  const rows = await db
    .selectFrom('event')
    .select(['kind', 'detail'])
    .where('kind', 'like', 'client%')
    .execute()
  return rows.map(({ kind, detail }) => `${kind} ${detail}`).sort()
}

const isInvalid = (error: unknown) => error instanceof Refusal && error.code === 'client_invalid'

onEachEngine('clients', (open) => {
  test('a client proves itself by the secret that it was shown once; the database holds a hash', async () => {
    const at = await openHouse(open)
    const made = [await at.house.clients.add('api'), await at.house.clients.add('api')]
    assert.equal(new Set(made.flatMap(({ client_id, client_secret }) => [client_id, client_secret])).size, 4)
    for (const { client_id: id, client_secret: secret } of made) {
      assert.match(secret, /^[\w-]{43}$/)
      const proven = await at.house.clients.authenticate({ authorization: basic(id, secret) })
      assert.deepEqual([proven.id, proven.name, proven.isPublic], [id, 'api', false])
      assert.ok(!JSON.stringify(await at.db.selectFrom('client').selectAll().execute()).includes(secret))
      assert.ok(!JSON.stringify(await at.db.selectFrom('event').selectAll().execute()).includes(secret))
    }
    const listed = (await at.house.clients.list()).map(({ id }) => id)
    assert.deepEqual([...listed].sort(), ['first-party', ...made.map(({ client_id }) => client_id)].sort())
  })

  test('nobody else is a client: one answer and one reading for every wrong name and every wrong secret', async () => {
    const at = await openHouse(open)
    const [one, other] = [await at.house.clients.add('one'), await at.house.clients.add('other')]
    const rows = await at.db.selectFrom('client').selectAll().execute()
    const strangers = [
      basic(one.client_id, other.client_secret),
      basic(one.client_id, `${one.client_secret} `),
      basic(one.client_id, ''),
      basic(one.client_id.toLowerCase(), one.client_secret),
      basic('nobody', one.client_secret),
      basic('first-party', ''),
      basic('first-party', 'A'.repeat(43)),
      // What a leaked backup holds opens nothing.
      ...rows.map(({ id, secret_hash }) => basic(id, secret_hash ?? '')),
    ]
    for (const authorization of strangers) {
      at.statements.length = 0
      await assert.rejects(at.house.clients.authenticate({ authorization }), isInvalid, authorization)
      assert.equal(at.statements.length, 1)
    }
    for (const authorization of [null, '', 'Basic', `Bearer ${one.client_secret}`, basic('', '')])
      await assert.rejects(at.house.clients.authenticate({ authorization }), isInvalid)
  })

  test('a removed client is over: at once for what it asks, with the next heartbeat for what it hears', async () => {
    const at = await openHouse(open)
    await at.member()
    const [client, other] = [await feedClient(at), await feedClient(at, 'other')]
    const [listener, bystander] = [await client.listen(), await other.listen()]
    assert.equal(await at.house.clients.remove(client.id), true)
    assert.equal((await client.get('/feed/snapshot')).status, 401)
    assert.equal((await client.introspect('x')).status, 401)
    at.machine.clock.advance(1)
    await at.house.chores.tick()
    assert.deepEqual(
      (await listener.heard()).map(({ message }) => message.kind),
      ['hello', 'revoked'],
    )
    assert.ok(listener.isOver())
    assert.deepEqual(
      (await bystander.heard()).map(({ message }) => message.kind),
      ['hello', 'revoked', 'heartbeat'],
    )
    assert.ok(!bystander.isOver())
    const log = await at.db.selectFrom('feed_log').select(['kind', 'key']).execute()
    assert.deepEqual(log, [{ kind: 'client', key: feedKey('client', client.id) }])
    assert.deepEqual(
      await events(at),
      [`client_added ${client.id}`, `client_added ${other.id}`, `client_removed ${client.id}`].sort(),
    )
  })

  test('the built-in client, a removed one and an unknown one cannot be removed, and nothing is written', async () => {
    const at = await openHouse(open)
    const { client_id: id } = await at.house.clients.add('api')
    await at.house.clients.remove(id)
    const before = [await events(at), await at.house.clients.list()]
    for (const name of ['first-party', id, 'nobody', ''])
      assert.equal(await at.house.clients.remove(name), false)
    assert.deepEqual([await events(at), await at.house.clients.list()], before)
  })
})
