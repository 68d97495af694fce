import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedKey, Refusal } from '@counterfoil/verifier'
import { assertionForm, clientKey } from '../testing/client-key.ts'
import { onEachEngine } from '../testing/engines.ts'
import { basic } from '../testing/feed-client.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'
import type { ShownClient } from './credentials.ts'

const isRefused = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code
const isInvalid = isRefused('client_invalid')

/** One client of each kind, with all that it could show. */
async function everyKind(at: TestHouse) {
  const { clients } = at.house
  const key = await clientKey()
  const [basicOne, postOne] = [
    await clients.add('basic'),
    await clients.add('post', { method: 'client_secret_post' }),
  ]
  const signing = await clients.addWithoutSecret('signing', { jwks: key.jwks })
  const open = await clients.addWithoutSecret('open', { jwks: null })
  const post = (one: { client_id: string; client_secret: string }): ShownClient => ({
    authorization: null,
    ...one,
  })
  const signed = (clientId: string): ShownClient => ({
    authorization: null,
    ...assertionForm(key.assertion({ clientId, issuer: at.issuer, now: at.machine.clock.now() })),
  })
  const header = ({ client_id, client_secret }: { client_id: string; client_secret: string }) => ({
    authorization: basic(client_id, client_secret),
  })
  return { key, basicOne, postOne, signing, open, post, signed, header }
}

const nothing: ShownClient = { authorization: null }

onEachEngine('client authentication', (open) => {
  test('each kind of client proves itself in its own way', async () => {
    const at = await openHouse(open)
    const { basicOne, postOne, signing, header, post, signed } = await everyKind(at)
    const shown: [id: string, shown: ShownClient][] = [
      [basicOne.client_id, header(basicOne)],
      [basicOne.client_id, { ...header(basicOne), client_id: basicOne.client_id }],
      [postOne.client_id, post(postOne)],
      [signing.client_id, signed(signing.client_id)],
      [signing.client_id, { ...signed(signing.client_id), client_id: signing.client_id }],
    ]
    for (const [id, proof] of shown) {
      assert.equal((await at.house.clients.authenticate(proof)).id, id)
    }
  })

  test('a name that no client can have is nobody, wherever it stands, and never a fault of ours', async () => {
    const at = await openHouse(open)
    const { clients } = at.house
    const { key } = await everyKind(at)
    for (const id of ['a\0b', '\0', 'é', '\ud800', 'x'.repeat(257)]) {
      const assertion = key.assertion({ clientId: id, issuer: at.issuer, now: at.machine.clock.now() })
      const shown: ShownClient[] = [
        { authorization: null, client_id: id },
        { authorization: null, client_id: id, client_secret: 'x' },
        { authorization: null, ...assertionForm(assertion) },
        {
          authorization: `Basic ${Buffer.from(`${encodeURIComponent(id.toWellFormed())}:x`).toString('base64')}`,
        },
      ]
      for (const one of shown) await assert.rejects(clients.recognise(one), isInvalid, JSON.stringify(one))
    }
  })

  test('no kind of client is taken in the way of another one', async () => {
    const at = await openHouse(open)
    const { basicOne, postOne, signing, open: publicOne, header, post, signed } = await everyKind(at)
    const wrong: ShownClient[] = [
      post(basicOne),
      header(postOne),
      signed(basicOne.client_id),
      signed(postOne.client_id),
      signed(publicOne.client_id),
      signed('nobody'),
      signed('first-party'),
      ...[basicOne, postOne, signing].map(({ client_id }) => ({ ...nothing, client_id })),
      post({ client_id: publicOne.client_id, client_secret: 'A' }),
      post({ client_id: signing.client_id, client_secret: 'A'.repeat(43) }),
      post({ client_id: 'first-party', client_secret: 'A'.repeat(43) }),
      { ...nothing, client_secret: postOne.client_secret },
    ]
    for (const proof of wrong) {
      await assert.rejects(at.house.clients.authenticate(proof), isInvalid, JSON.stringify(proof))
      await assert.rejects(at.house.clients.recognise(proof), isInvalid, JSON.stringify(proof))
    }
  })

  test('who proves nothing is never taken for a client that did, and only a public one is taken at its word', async () => {
    const at = await openHouse(open)
    const { open: publicOne } = await everyKind(at)
    for (const shown of [nothing, { ...nothing, client_id: 'first-party' }, { ...nothing, ...publicOne }])
      await assert.rejects(at.house.clients.authenticate(shown), isInvalid)
    at.statements.length = 0
    assert.equal((await at.house.clients.recognise(nothing)).id, 'first-party')
    assert.equal(at.statements.length, 0, 'the built-in client is known without a reading')
    const { id, isPublic } = await at.house.clients.recognise({ ...nothing, ...publicOne })
    assert.deepEqual([id, isPublic], [publicOne.client_id, true])
    await assert.rejects(at.house.clients.recognise({ ...nothing, client_id: 'nobody' }), isInvalid)
  })

  test('two proofs at once are no request, and a name beside a proof has to be its own', async () => {
    const at = await openHouse(open)
    const { basicOne, postOne, signing, header, post, signed } = await everyKind(at)
    const twice: ShownClient[] = [
      { ...post(postOne), ...header(basicOne) },
      { ...post(basicOne), ...header(basicOne) },
      { ...signed(signing.client_id), ...header(basicOne) },
      { ...post(postOne), ...signed(signing.client_id) },
      { ...header(basicOne), client_assertion_type: 'x' },
    ]
    for (const proof of twice)
      await assert.rejects(at.house.clients.authenticate(proof), isRefused('input_invalid'))
    const misnamed: ShownClient[] = [
      { ...header(basicOne), client_id: postOne.client_id },
      { ...signed(signing.client_id), client_id: basicOne.client_id },
      { ...signed(signing.client_id), client_assertion_type: 'urn:other' },
      { ...signed(signing.client_id), client_assertion_type: undefined },
    ]
    for (const proof of misnamed) await assert.rejects(at.house.clients.authenticate(proof), isInvalid)
  })

  test('an assertion is good once, also where many show it at the same moment', async () => {
    const at = await openHouse(open)
    const { signing, signed } = await everyKind(at)
    const proof = signed(signing.client_id)
    const tries = await Promise.allSettled(
      Array.from({ length: 12 }, () => at.house.clients.authenticate(proof)),
    )
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
    await assert.rejects(at.house.clients.authenticate(proof), isInvalid)
    const next = await at.neighbour()
    await assert.rejects(next.house.clients.authenticate(proof), isInvalid, 'on another server too')
    assert.equal((await at.house.clients.authenticate(signed(signing.client_id))).id, signing.client_id)
  })

  test('two clients may choose the same jti', async () => {
    const at = await openHouse(open)
    const key = await clientKey()
    for (const name of ['one', 'two']) {
      const { client_id: clientId } = await at.house.clients.addWithoutSecret(name, { jwks: key.jwks })
      const given = { clientId, issuer: at.issuer, now: at.machine.clock.now(), jti: 'same' }
      const proven = await at.house.clients.authenticate({
        ...nothing,
        ...assertionForm(key.assertion(given)),
      })
      assert.equal(proven.id, clientId)
    }
  })

  test('used assertions are forgotten once they have ended, and not before', async () => {
    const at = await openHouse(open)
    const { signing, signed } = await everyKind(at)
    await at.house.clients.authenticate(signed(signing.client_id))
    const held = async () => (await at.db.selectFrom('client_assertion').selectAll().execute()).length
    at.machine.clock.advance(60)
    await at.house.chores.forget()
    assert.equal(await held(), 1)
    at.machine.clock.advance(61)
    await at.house.chores.forget()
    assert.equal(await held(), 0)
  })

  test('a client that uses up more assertions than are remembered waits, and nobody else does', async () => {
    const at = await openHouse(open)
    const { signing, signed, key } = await everyKind(at)
    const expires_at = at.machine.clock.now() + 60
    for (let start = 0; start < 10_000; start += 500) {
      const rows = Array.from({ length: 500 }, (_, index) => ({
        ...{ id: `used-${start + index}`, client_id: signing.client_id, expires_at },
      }))
      await at.db.insertInto('client_assertion').values(rows).execute()
    }
    await assert.rejects(
      at.house.clients.authenticate(signed(signing.client_id)),
      isRefused('too_many_attempts'),
    )
    const other = await at.house.clients.addWithoutSecret('other', { jwks: key.jwks })
    assert.equal((await at.house.clients.authenticate(signed(other.client_id))).id, other.client_id)
    at.machine.clock.advance(61)
    assert.equal((await at.house.clients.authenticate(signed(signing.client_id))).id, signing.client_id)
  })

  test('another secret is good at once, the one before is dead at once, and the feed ends what it got', async () => {
    const at = await openHouse(open)
    const { basicOne, postOne, header, signing, open: publicOne } = await everyKind(at)
    const made = (await at.house.clients.rotateSecret(basicOne.client_id)) ?? assert.fail()
    assert.equal(made.client_id, basicOne.client_id)
    await assert.rejects(at.house.clients.authenticate(header(basicOne)), isInvalid)
    const proven = await at.house.clients.authenticate(header(made))
    const log = await at.db.selectFrom('feed_log').select(['seq', 'kind', 'key']).execute()
    assert.deepEqual(
      log.map(({ kind, key }) => ({ kind, key })),
      [{ kind: 'client', key: feedKey('client', basicOne.client_id) }],
    )
    assert.equal(proven.asOf, log[0]?.seq)
    const over = (id: string, asOf: number) => at.house.clients.isTokenOver({ id, asOf })
    assert.deepEqual(
      [await over(made.client_id, proven.asOf - 1), await over(made.client_id, proven.asOf)],
      [true, false],
    )
    assert.equal(await over(postOne.client_id, 0), false)
    for (const id of [signing.client_id, publicOne.client_id, 'first-party', 'nobody'])
      assert.equal(await at.house.clients.rotateSecret(id), null, id)
  })

  test('other keys take the place of those before', async () => {
    const at = await openHouse(open)
    const { basicOne, signing, signed } = await everyKind(at)
    const before = signed(signing.client_id)
    const next = await clientKey('Ed25519')
    assert.equal(await at.house.clients.replaceKeys(signing.client_id, next.jwks), true)
    await assert.rejects(at.house.clients.authenticate(before), isInvalid)
    const given = { clientId: signing.client_id, issuer: at.issuer, now: at.machine.clock.now() }
    const proven = await at.house.clients.authenticate({
      ...nothing,
      ...assertionForm(next.assertion(given)),
    })
    assert.equal(proven.id, signing.client_id)
    for (const id of [basicOne.client_id, 'first-party', 'nobody'])
      assert.equal(await at.house.clients.replaceKeys(id, next.jwks), false, id)
  })
})
