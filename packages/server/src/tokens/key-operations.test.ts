import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChecker, feedKey } from '@counterfoil/verifier'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { createEvents } from '../events.ts'
import type { Machine } from '../machine.ts'
import { createMachine } from '../node/machine.ts'
import { parsePolicy } from '../policy.ts'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { openFeed } from '../testing/feed.ts'
import { openHouse } from '../testing/house.ts'
import { type HandClock, handClock } from '../testing/machine.ts'
import { createKeys, type Keys } from './key-operations.ts'

const day = 24 * 3600
const secretOf = (byte: number) => new Uint8Array(32).fill(byte)
type Given = { root?: number; reserve?: number | null; policy?: object }

async function node(
  db: Awaited<ReturnType<OpenTestDatabase>>['db'],
  clock: HandClock,
  { root = 1, reserve = 2, policy }: Given = {},
): Promise<{ keys: Keys; machine: Machine; readsOfReserve: () => number }> {
  let reads = 0
  const reserveSecret = async () => {
    reads++
    return secretOf(reserve ?? 0)
  }
  const machine = createMachine({
    rootSecret: secretOf(root),
    reserveSecret: reserve === null ? null : reserveSecret,
    hashingQueue: 1,
  })
  const { secrets, reserveSecrets, signing, entropy } = machine
  const checker = createChecker({ now: clock.instant(), entries: 100 })
  const feed = openFeed({ db, clock, secrets, checker })
  const events = createEvents({ clock, entropy })
  const keys = createKeys({
    db,
    clock,
    secrets,
    reserveSecrets,
    signing,
    feed,
    checker,
    events,
    policy: parsePolicy(policy),
  })
  return { keys, machine, readsOfReserve: () => reads }
}

async function started(open: OpenTestDatabase, given: Given = {}) {
  const { db } = await open()
  const clock = handClock(1_000_000)
  const first = await node(db, clock, given)
  await first.keys.maintain()
  return { db, clock, ...first }
}

const statesOf = async (keys: Keys) => (await keys.list()).map(({ state }) => state).sort()
const signerOf = async (keys: Keys) => (await keys.ring()).kid
const publishedOf = async (keys: Keys): Promise<string[]> =>
  JSON.parse((await keys.ring()).jwks).keys.map(({ kid }: { kid: string }) => kid)

onEachEngine('signing keys', (open) => {
  test('the first key signs at once, with one in reserve, and further maintenance changes nothing', async () => {
    const { keys } = await started(open)
    assert.deepEqual(await statesOf(keys), ['active', 'reserve'])
    const before = await keys.list()
    await keys.maintain()
    assert.deepEqual(await keys.list(), before)
  })

  test('over the months keys are published a day ahead, take over, retire and go, without a gap', async () => {
    const { keys, clock } = await started(open)
    const first = await signerOf(keys)
    clock.advance(89 * day - 1)
    await keys.maintain()
    assert.deepEqual(await statesOf(keys), ['active', 'reserve'])
    clock.advance(1)
    await keys.maintain()
    assert.deepEqual(await statesOf(keys), ['active', 'published', 'reserve'])
    assert.equal(await signerOf(keys), first)
    assert.equal((await publishedOf(keys)).length, 3)
    clock.advance(day)
    assert.deepEqual(await statesOf(keys), ['active', 'reserve', 'retired'])
    const second = await signerOf(keys)
    assert.notEqual(second, first)
    assert.ok(
      (await publishedOf(keys)).includes(first),
      'what the old key signed is believed until it has ended',
    )
    clock.advance(360)
    await keys.maintain()
    assert.deepEqual(await statesOf(keys), ['active', 'reserve'])
    assert.ok(!(await publishedOf(keys)).includes(first))
  })

  test('rotating in public changes the signer a day later, rotating now at once', async () => {
    const { keys, clock } = await started(open)
    const first = await signerOf(keys)
    await keys.rotate('published')
    assert.equal(await signerOf(keys), first)
    clock.advance(day)
    const second = await signerOf(keys)
    assert.notEqual(second, first)
    await keys.rotate('published')
    const listed = await keys.rotate('now')
    const third = await signerOf(keys)
    assert.ok(third !== second && listed.some(({ kid, state }) => kid === third && state === 'active'))
    clock.advance(2 * day)
    assert.equal(await signerOf(keys), third, 'the key that waited was overtaken and never signs')
  })

  test('whoever follows the feed hears that the keys are others, but for the first one', async () => {
    const { keys, db } = await started(open)
    const told = async () => (await db.selectFrom('feed_log').select(['kind', 'key']).execute()).length
    assert.equal(await told(), 0)
    for (const when of ['published', 'now'] as const) await keys.rotate(when)
    const rows = await db.selectFrom('feed_log').select(['kind', 'key']).execute()
    const changed = { kind: 'changed', key: feedKey('changed', '') }
    assert.deepEqual(rows, [changed, changed])
  })

  test('a process that is told of another one’s rotation publishes and signs with the new key at once', async () => {
    const home = await openHouse(open)
    const next = await home.neighbour()
    for (const when of ['now', 'compromised'] as const) {
      const before = (await home.house.keys.ring()).kid
      await next.house.keys.rotate(when)
      assert.equal((await home.house.keys.ring()).kid, before, 'the second is not over')
      await home.house.chores.poll()
      const { kid, jwks } = await home.house.keys.ring()
      assert.notEqual(kid, before)
      assert.ok(jwks.includes(kid))
      assert.equal(jwks.includes(before), when === 'now')
    }
  })

  test('after a theft the published reserve signs, old keys are believed no more, and the feed tells', async () => {
    const { keys, db, readsOfReserve } = await started(open)
    const stolen = await signerOf(keys)
    const reserve = (await keys.list()).find(({ state }) => state === 'reserve')?.kid
    assert.ok((await publishedOf(keys)).includes(reserve ?? ''))
    assert.equal(readsOfReserve(), 1)
    await keys.rotate('compromised')
    const ring = await keys.ring()
    assert.equal(ring.kid, reserve)
    assert.equal(ring.believed.get(stolen), undefined)
    assert.deepEqual(await statesOf(keys), ['active', 'reserve'])
    assert.deepEqual(
      (await db.selectFrom('feed_log').select('kind').execute()).map(({ kind }) => kind),
      ['key'],
    )
    const kinds = (await db.selectFrom('event').select('kind').execute()).map(({ kind }) => kind)
    assert.ok(kinds.includes('signing_key_revoked'))
    assert.equal(ring.sign('text').byteLength, 64)
  })

  test('a reserve that was made later than the signer serves as well, once and again', async () => {
    const { db, clock } = await started(open, { reserve: null })
    const { keys } = await node(db, clock)
    await keys.maintain()
    for (let theft = 0; theft < 3; theft++) {
      const reserve = (await keys.list()).find(({ state }) => state === 'reserve')?.kid
      await keys.rotate('compromised')
      assert.deepEqual([await signerOf(keys), await statesOf(keys)], [reserve, ['active', 'reserve']])
    }
  })

  test('after a theft without a reserve a fresh key signs', async () => {
    const { keys } = await started(open, { reserve: null })
    const stolen = await signerOf(keys)
    await keys.rotate('compromised')
    assert.deepEqual(await statesOf(keys), ['active'])
    assert.notEqual(await signerOf(keys), stolen)
  })

  test('the reserve is wrapped under the second secret, the others under the first; contexts cannot be swapped', async () => {
    const { db, machine } = await started(open)
    const rows = await db.selectFrom('signing_key').selectAll().execute()
    const second = await machine.reserveSecrets?.()
    assert.equal(rows.length, 2)
    for (const { kid, wrapped_private, is_reserve } of rows) {
      const [right, wrong] = is_reserve === 1 ? [second, machine.secrets] : [machine.secrets, second]
      assert.match(right?.unwrap('signing_key', wrapped_private, kid) ?? '', /"d":/)
      assert.throws(() => wrong?.unwrap('signing_key', wrapped_private, kid), /root secret does not fit/)
      assert.throws(
        () => right?.unwrap('signing_key', wrapped_private, 'another kid'),
        /root secret does not fit/,
      )
    }
  })

  test('with another root secret the error says which secret to start with', async () => {
    const { db, clock } = await started(open)
    const { keys } = await node(db, clock, { root: 9 })
    await keys.maintain()
    await assert.rejects(keys.ring(), /root secret does not fit.*secret file that belongs to the database/)
  })

  test('two nodes that start at once believe each other’s keys', async () => {
    const { db } = await open()
    const clock = handClock(1_000_000)
    const nodes = [await node(db, clock), await node(db, clock)]
    await Promise.all(nodes.map(({ keys }) => keys.maintain()))
    const [a, b] = await Promise.all(nodes.map(({ keys }) => keys.ring()))
    assert.equal(a?.kid, b?.kid)
    for (const { kid } of (await nodes[0]?.keys.list()) ?? []) assert.ok(a?.believed.get(kid) !== undefined)
  })

  test('four nodes that start at once on an empty database make one key and one reserve', async () => {
    const { db } = await open()
    const clock = handClock(1_000_000)
    const nodes = await Promise.all([1, 2, 3, 4].map(() => node(db, clock)))
    await Promise.all(nodes.map(({ keys }) => keys.maintain()))
    const [first] = nodes
    assert.ok(first)
    assert.deepEqual(await statesOf(first.keys), ['active', 'reserve'])
    assert.equal(new Set(await Promise.all(nodes.map(({ keys }) => signerOf(keys)))).size, 1)
  })

  test('of nodes that find a successor due at the same moment one publishes it', async () => {
    const { db, clock, keys } = await started(open)
    const others = await Promise.all([1, 2, 3].map(() => node(db, clock)))
    clock.advance(89 * day)
    await Promise.all([keys, ...others.map((other) => other.keys)].map((each) => each.maintain()))
    assert.deepEqual(await statesOf(keys), ['active', 'published', 'reserve'])
  })

  test('of two who rotate at the same moment one does, and the other is told', async () => {
    const { db, clock, keys } = await started(open)
    const { keys: other } = await node(db, clock)
    const done = await Promise.allSettled([keys.rotate('now'), other.rotate('now')])
    const kept = done.filter(({ status }) => status === 'fulfilled').length
    const refused = done.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
    assert.equal((await statesOf(keys)).length, 2 + kept)
    assert.ok(kept > 0 && refused.every((text) => /rotated by somebody else/.test(text)), refused.join())
  })

  test('another algorithm in the policy makes a new key, and tokens of the old one stay good', async () => {
    const { db, clock, keys: old } = await started(open)
    const before = await old.ring()
    const { keys } = await node(db, clock, { policy: { accessTokenAlgorithm: 'Ed25519' } })
    await keys.maintain()
    const after = await keys.ring()
    assert.deepEqual([before.algorithm, after.algorithm], ['ES256', 'Ed25519'])
    assert.ok(after.believed.get(before.kid) !== undefined)
    await keys.maintain()
    assert.equal((await keys.ring()).kid, after.kid)
  })

  for (const accessTokenAlgorithm of ['ES256', 'Ed25519', 'RS256']) {
    test(`a stranger’s library verifies our ${accessTokenAlgorithm} tokens by our published keys`, async () => {
      const { member, tokens, issuer, machine, program } = await openHouse(open, {
        policy: { accessTokenAlgorithm },
      })
      const { email, accountId } = await member()
      const pair = await tokens(email)
      const published = await (await program().get('/.well-known/jwks.json')).json()
      assert.equal(JSON.stringify(published).includes('"d":'), false)
      const { payload, protectedHeader } = await jwtVerify(pair.access_token, createLocalJWKSet(published), {
        issuer,
        audience: issuer,
        typ: 'at+jwt',
        algorithms: [accessTokenAlgorithm],
        currentDate: new Date(machine.clock.now() * 1000),
      })
      assert.equal(protectedHeader.alg, accessTokenAlgorithm)
      assert.deepEqual(
        [payload.sub, payload.sid, payload.client_id],
        [accountId, pair.session.id, 'first-party'],
      )
      assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 300)
    })
  }
})
