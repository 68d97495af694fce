import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachEngine } from '../testing/engines.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'

const events = async ({ db }: TestHouse) =>
  (await db.selectFrom('event').select('kind').orderBy('at').execute()).map(({ kind }) => kind)
const feedKinds = async ({ db }: TestHouse) =>
  (await db.selectFrom('feed_log').select('kind').orderBy('seq').execute()).map(({ kind }) => kind)
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

onEachEngine('accounts', (open) => {
  test('of many that create the same address at once one makes the account', async () => {
    const { house, db } = await openHouse(open)
    const create = () =>
      db
        .transaction()
        .execute((tx) => house.accounts.create(tx, { email: 'ada@example.org', isVerified: false }))
    const made = await Promise.all(Array.from({ length: 10 }, create))
    assert.equal(made.filter((account) => account !== null).length, 1)
    assert.equal((await house.accounts.list()).length, 1)
  })

  test('disabling ends what the account had begun by either carrier, once, with one row in the feed and one event', async () => {
    const at = await openHouse(open)
    const { browser, email, accountId } = await at.member()
    const pair = await at.tokens(email)
    const before = (await events(at)).length
    assert.deepEqual(
      [await at.house.accounts.disable(accountId), await at.house.accounts.disable(accountId)],
      [true, false],
    )
    assert.equal((await browser.get('/auth/session')).status, 401)
    assert.equal((await at.program().get('/auth/session', bearer(pair.access_token))).status, 401)
    assert.deepEqual(await feedKinds(at), ['account'])
    assert.equal((await events(at)).length, before + 1)
    assert.ok((await events(at)).includes('account_disabled'))
  })

  test('enabling lets the person sign in again and revives nothing', async () => {
    const at = await openHouse(open)
    const { browser, email, accountId } = await at.member()
    const pair = await at.tokens(email)
    await at.house.accounts.disable(accountId)
    assert.deepEqual(
      [await at.house.accounts.enable(accountId), await at.house.accounts.enable(accountId)],
      [true, false],
    )
    assert.equal((await browser.get('/auth/session')).status, 401)
    const form = { grant_type: 'refresh_token', refresh_token: pair.refresh_token }
    assert.equal((await at.program().send('POST', '/oauth/token', { form })).status, 400)
    const next = await at.tokens(email)
    assert.equal((await at.program().get('/auth/session', bearer(next.access_token))).status, 200)
  })

  test('an unknown account can be neither disabled nor enabled, and nothing is written', async () => {
    const at = await openHouse(open)
    const before = await events(at)
    assert.deepEqual(
      [await at.house.accounts.disable('unknown'), await at.house.accounts.enable('unknown')],
      [false, false],
    )
    assert.deepEqual([await events(at), await feedKinds(at)], [before, []])
  })

  test('a proven mailbox stays proven at its first instant', async () => {
    const { house, db, machine } = await openHouse(open)
    const account = await db
      .transaction()
      .execute((tx) => house.accounts.create(tx, { email: 'ada@example.org', isVerified: false }))
    const id = account?.id ?? ''
    const first = machine.clock.now()
    await house.accounts.markVerified(db, id)
    machine.clock.advance(60)
    await house.accounts.markVerified(db, id)
    assert.equal((await house.accounts.findById(db, id))?.verified_at, first)
    assert.equal(await house.accounts.findById(db, 'unknown'), null)
    assert.equal(await house.accounts.findByEmail(db, 'ben@example.org'), null)
  })

  test('ends at once by many take distinct positions, and the account keeps the last', async () => {
    const at = await openHouse(open)
    const { accountId } = await at.member()
    const end = () => at.db.transaction().execute((tx) => at.house.accounts.endAll(tx, accountId))
    const positions = await Promise.all(Array.from({ length: 10 }, end))
    assert.equal(new Set(positions).size, 10)
    assert.equal((await at.house.accounts.findById(at.db, accountId))?.end_position, Math.max(...positions))
  })
})
