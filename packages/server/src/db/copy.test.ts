import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { onEachPair } from '../testing/engines.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'
import { type Copy, checkSource, copiedTables, copyDatabase, type SourceCheck } from './copy.ts'
import { migrate } from './migrate.ts'
import { type OpenDatabase, openDatabase } from './open.ts'

const never = async () => {}

type Given = Partial<SourceCheck & Copy>

/** As the command does it. */
async function copied(
  from: OpenDatabase,
  to: OpenDatabase,
  given: Given = {},
): Promise<Record<string, number>> {
  await checkSource({ from, isForced: false, pause: never, checkSecret: never, ...given })
  return copyDatabase({ from, to, onTable: () => {}, ...given })
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const refresh = (house: TestHouse, refresh_token: string) =>
  house.program().send('POST', '/oauth/token', { form: { grant_type: 'refresh_token', refresh_token } })

async function countRows({ db }: OpenDatabase): Promise<number> {
  const counts = ['account', 'session', 'signing_key', 'event', 'outbox', 'feed_log'] as const
  const rows = await Promise.all(
    counts.map((table) =>
      db
        .selectFrom(table)
        .select((one) => one.fn.countAll().as('count'))
        .execute(),
    ),
  )
  return rows.flat().reduce((sum, { count }) => sum + Number(count), 0)
}

onEachPair('a copy', ({ from, to }) => {
  /** A house in use, and the same place again for the copy. */
  async function furnished() {
    const source = await from()
    const old = await openHouse(async () => source)
    const { browser, email, accountId } = await old.member()
    const pair = await old.tokens(email)
    const gone = await old.tokens(email)
    await old.house.sessions.end({ id: gone.session.id, accountId, reason: 'signed_out' })
    return { source, old, browser, email, pair, gone }
  }

  test('signs nobody out: cookie, access token and refresh token go on, and what was ended stays so', async () => {
    const { source, browser, pair, gone, old } = await furnished()
    const target = await to({ migrate: false })
    const told: string[] = []
    const counts = await copied(source, target, { onTable: (name) => told.push(name) })
    assert.deepEqual(told, Object.keys(counts))
    assert.equal(counts.session, 3)
    const next = await openHouse(async () => target)
    const cookies = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const sameBrowser = await next.browser().get('/auth/session', { cookie: cookies })
    assert.equal(sameBrowser.status, 200)
    assert.equal((await next.program().get('/auth/session', bearer(pair.access_token))).status, 200)
    assert.equal((await next.program().get('/auth/session', bearer(gone.access_token))).status, 401)
    const refreshed = await refresh(next, pair.refresh_token)
    assert.equal(refreshed.status, 200)
    const { access_token } = await refreshed.json()
    assert.equal((await next.program().get('/auth/session', bearer(access_token))).status, 200)
    assert.equal((await refresh(next, gone.refresh_token)).status, 400)
    const [before, after] = [old.house.feed.hub.reached(), next.house.feed.hub.reached()]
    assert.ok(after.position > before.position)
    assert.ok(after.epoch > before.epoch, 'the first start there begins another life')
  })

  test('between databases of which a later release has migrated one is refused, and changes nothing', async () => {
    const [source, target] = [await from(), await to()]
    const note = ({ db }: OpenDatabase) =>
      sql`insert into kysely_migration (name, "timestamp") values ('2999-later', '2999')`.execute(db)
    await note(target)
    await assert.rejects(copied(source, target), /A later release has migrated the target/)
    await note(source)
    await assert.rejects(copied(source, await to()), /A later release has migrated the source/)
    assert.equal(await countRows(target), 0)
  })

  test('that breaks off leaves the target empty, and can be made again', async () => {
    const { source } = await furnished()
    const target = await to()
    const onTable = (name: string) => {
      if (name === 'event') throw new Error('the line is cut')
    }
    await assert.rejects(copied(source, target, { onTable }), /the line is cut/)
    assert.equal(await countRows(target), 0)
    await copied(source, target)
    assert.equal(await countRows(target), await countRows(source))
  })

  test('into a database that is in use is refused and changes nothing', async () => {
    const { source } = await furnished()
    const target = await to()
    const other = await openHouse(async () => target)
    await other.member('grace@example.org')
    const before = await countRows(target)
    await assert.rejects(copied(source, target), /target is not empty/)
    assert.equal(await countRows(target), before)
  })

  test('into a database whose server has only been started is refused too', async () => {
    const { source } = await furnished()
    const target = await to()
    await openHouse(async () => target)
    await assert.rejects(copied(source, target), /target is not empty/)
  })

  test('beside a server that runs on the source is refused, unless it is forced', async () => {
    const { source, old } = await furnished()
    const target = await to()
    const pause = async () => {
      old.machine.clock.advance(1)
      await old.house.chores.tick()
    }
    await assert.rejects(copied(source, target, { pause }), /server runs on the source/)
    assert.equal(await countRows(target), 0)
    await copied(source, target, { pause, isForced: true })
  })

  test('without the secret that opens the signing keys is refused before anything is made', async () => {
    const { source } = await furnished()
    const target = await to({ migrate: false })
    const checkSecret = async () => {
      throw new Error('does not fit')
    }
    await assert.rejects(copied(source, target, { checkSecret }), /does not fit/)
    assert.deepEqual(await target.db.introspection.getTables(), [])
  })

  test('of a source that is behind is refused, and so is one with a table that nobody knows', async () => {
    const behind = await from({ migrate: false })
    const target = await to()
    await assert.rejects(copied(behind, target), /not up to date/)
    const strange = await from()
    await strange.db.schema.createTable('diary').addColumn('id', 'text').execute()
    await assert.rejects(copied(strange, target), /"diary"/)
  })

  test('takes tables of more rows than are read at once, and every value as it is', async () => {
    const source = await from()
    const rows = Array.from({ length: 1203 }, (_, index) => ({
      key: `it's a "key" ${index} — 漢字`,
      arrival_at: index === 7 ? Number.MAX_SAFE_INTEGER : 7 - index,
    }))
    for (let start = 0; start < rows.length; start += 400)
      await source.db
        .insertInto('limit_state')
        .values(rows.slice(start, start + 400))
        .execute()
    const target = await to()
    const counts = await copied(source, target)
    assert.equal(counts.limit_state, rows.length)
    const arrived = await target.db.selectFrom('limit_state').selectAll().execute()
    const byKey = new Map(arrived.map(({ key, arrival_at }) => [key, arrival_at]))
    for (const { key, arrival_at } of rows) assert.equal(byKey.get(key), arrival_at, key)
  })
})

test('every table of the newest schema is copied', async () => {
  const { db, close } = await openDatabase('sqlite::memory:')
  await migrate(db)
  const tables = (await db.introspection.getTables()).map(({ name }) => name)
  await close()
  assert.deepEqual(copiedTables.map(([name]) => name).sort(), tables.sort())
})
