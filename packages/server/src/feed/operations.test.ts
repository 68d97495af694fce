import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../db/open.ts'
import { createSecrets } from '../node/secrets.ts'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { openFeed } from '../testing/feed.ts'
import { handClock } from '../testing/machine.ts'
import type { Ending, FeedKind } from './feed.ts'

const secrets = createSecrets(new Uint8Array(32).fill(7))
const clock = handClock(1000)
const endings = (count: number, kind: FeedKind = 'session'): Ending[] =>
  Array.from({ length: count }, (_, index) => ({ kind, id: `id ${index}` }))

async function setUp(open: OpenTestDatabase) {
  const { db, url, engine } = await open()
  const feed = openFeed({ db, clock, secrets })
  await feed.start()
  const append = (given: readonly Ending[]) => db.transaction().execute((tx) => feed.append(tx, given))
  const log = () => db.selectFrom('feed_log').selectAll().orderBy('seq').execute()
  return { db, url, engine, feed, append, log }
}

onEachEngine('the feed', (open) => {
  test('positions are dense over single and multiple endings, and the head says the last', async () => {
    const { db, feed, append, log } = await setUp(open)
    assert.equal(await feed.position(db), 0)
    const reached = [
      await append(endings(1)),
      await append(endings(3)),
      await append([]),
      await append(endings(2)),
    ]
    assert.deepEqual(reached, [1, 4, 4, 6])
    const rows = await log()
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      [1, 2, 3, 4, 5, 6],
    )
    assert.deepEqual(
      [...new Set(rows.map(({ epoch, at, kind }) => `${epoch} ${at} ${kind}`))],
      ['1000 1000 session'],
    )
    assert.equal(await feed.position(db), 6)
  })

  test('the log holds no id: it tells nothing to anyone who does not hold one already', async () => {
    const { append, log } = await setUp(open)
    await append([{ kind: 'account', id: 'AAECAwQFBgcICQoLDA0ODw' }])
    assert.ok(!JSON.stringify(await log()).includes('AAECAwQFBgcICQoLDA0ODw'))
  })

  test('ending everyone moves the line that all sessions are measured by, other endings do not', async () => {
    const { db, append } = await setUp(open)
    const line = async () =>
      (await db.selectFrom('feed_head').select('everyone_end').executeTakeFirstOrThrow()).everyone_end
    await append(endings(2))
    assert.equal(await line(), 0)
    await append([...endings(1), { kind: 'everyone', id: '' }])
    assert.equal(await line(), 4)
    await append(endings(1))
    assert.equal(await line(), 4)
  })

  test('what is rolled back never took a position', async () => {
    const { db, feed, append, log } = await setUp(open)
    const failing = db.transaction().execute(async (tx) => {
      await feed.append(tx, endings(5))
      throw new Error('no')
    })
    await assert.rejects(failing)
    assert.equal(await append(endings(1)), 1)
    assert.equal((await log()).length, 1)
  })

  test('many that append at once, on two nodes where the engine has them, share the positions without gap or repeat', async () => {
    const { db, url, engine, feed, log } = await setUp(open)
    const other = await openDatabase(url)
    try {
      // Two connections to one SQLite file wait for each other without letting go of the process they share.
      const nodes = engine === 'sqlite' ? [db] : [db, other.db]
      const work = Array.from({ length: 40 }, (_, index) => {
        const on = nodes[index % nodes.length] ?? db
        return on.transaction().execute((tx) => feed.append(tx, endings(1 + (index % 3))))
      })
      const reached = await Promise.all(work)
      const rows = await log()
      assert.equal(
        rows.length,
        Array.from({ length: 40 }, (_, index) => 1 + (index % 3)).reduce((a, b) => a + b),
      )
      assert.deepEqual(
        rows.map(({ seq }) => seq),
        rows.map((_, index) => index + 1),
      )
      assert.equal(new Set(reached).size, 40)
    } finally {
      await other.close()
    }
  })

  test('whoever sees a position sees everything before it', async () => {
    const { url, append } = await setUp(open)
    const other = await openDatabase(url)
    try {
      let isDone = false
      const reading = (async () => {
        while (!isDone) {
          const { position, count } = await other.db
            .selectFrom('feed_head')
            .select((row) => [
              'seq as position',
              row.selectFrom('feed_log').select(row.fn.countAll<number>().as('n')).as('count'),
            ])
            .executeTakeFirstOrThrow()
          assert.equal(Number(count), position)
        }
      })()
      await Promise.all(Array.from({ length: 30 }, () => append(endings(2))))
      isDone = true
      await reading
    } finally {
      await other.close()
    }
  })

  test('an account with more sessions than a statement takes values can still end them all', async () => {
    const { append, log } = await setUp(open)
    assert.equal(await append(endings(14_000)), 14_000)
    const rows = await log()
    assert.deepEqual([rows.length, rows[0]?.seq, rows.at(-1)?.seq], [14_000, 1, 14_000])
  })
})
