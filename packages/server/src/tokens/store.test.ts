import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { openHouse } from '../testing/house.ts'
import * as store from './store.ts'

/** A session by token of which everything was read; what ends it comes between the reading and the writing. */
async function readSession(open: OpenTestDatabase) {
  const at = await openHouse(open)
  const { email, accountId } = await at.member()
  const pair = await at.tokens(email)
  const sessionId = pair.session.id
  const row = await at.db
    .selectFrom('session')
    .selectAll()
    .where('id', '=', sessionId)
    .executeTakeFirstOrThrow()
  const { refresh_generation: generation, refresh_current } = row
  const current = refresh_current ?? ''
  const writes: Record<string, () => Promise<boolean>> = {
    rotate: () =>
      store.rotate(at.db, { sessionId, generation, current, next: 'next', salt: 'salt', repeats: 0, at: 1 }),
    repeat: () => store.countRepeat(at.db, { sessionId, generation, repeats: 1 }),
    'hand out': () =>
      store.replaceRefresh(at.db, {
        sessionId,
        generation: generation + 1,
        hash: 'hash',
        key: null,
        cookie: null,
        at: 1,
      }),
  }
  return { ...at, accountId, sessionId, writes }
}

type Read = Awaited<ReturnType<typeof readSession>>
const everything = (at: Read, table: 'client' | 'feed_head') =>
  table === 'client'
    ? at.db.updateTable('client').set({ end_position: 99 }).execute()
    : at.db.updateTable('feed_head').set({ everyone_end: 99 }).execute()

const ends: [what: string, end: (at: Read) => Promise<unknown>][] = [
  ['its end', (at) => at.house.sessions.endAny(at.sessionId, 'test')],
  ['its account was disabled', (at) => at.house.accounts.disable(at.accountId)],
  [
    'everything of its account was ended',
    (at) => at.db.transaction().execute((tx) => at.house.accounts.endAll(tx, at.accountId)),
  ],
  ['its client was ended', (at) => everything(at, 'client')],
  ['everyone was ended', (at) => everything(at, 'feed_head')],
]

onEachEngine('what a refresh writes', (open) => {
  for (const verb of ['rotate', 'repeat', 'hand out']) {
    test(`a live session lets a refresh ${verb}`, async () => {
      const { writes } = await readSession(open)
      assert.equal(await writes[verb]?.(), true)
    })
    for (const [what, end] of ends) {
      test(`a refresh that read a live session can ${verb} nothing after ${what}`, async () => {
        const at = await readSession(open)
        await end(at)
        assert.equal(await at.writes[verb]?.(), false)
      })
    }
  }

  test('a refresh that read a live session can rotate and repeat nothing after a new proof, and hand out one', async () => {
    const { db, house, sessionId, writes } = await readSession(open)
    const proof = await db.transaction().execute((tx) => house.sessions.renewProof(tx, sessionId))
    assert.ok(proof !== null)
    assert.deepEqual([await writes.rotate?.(), await writes.repeat?.()], [false, false])
    assert.equal(await writes['hand out']?.(), true)
  })

  test('another secret of the same generation rotates nothing', async () => {
    const { db, sessionId } = await readSession(open)
    const forged = {
      sessionId,
      generation: 1,
      current: 'another',
      next: 'next',
      salt: 'salt',
      repeats: 0,
      at: 1,
    }
    assert.equal(await store.rotate(db, forged), false)
  })

  test('of ten that rotate the same generation one wins', async () => {
    const { writes } = await readSession(open)
    const won = await Promise.all(Array.from({ length: 10 }, () => writes.rotate?.()))
    assert.equal(won.filter((isOurs) => isOurs === true).length, 1)
  })
})
