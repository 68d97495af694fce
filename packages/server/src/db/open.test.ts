import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { sql } from 'kysely'
import { onEachEngine } from '../testing/engines.ts'
import { migrate, migrations, pendingMigrations } from './migrate.ts'
import { openDatabase } from './open.ts'
import type { Db } from './schema.ts'

const applied = (db: Db, name: string, at: string) =>
  sql`insert into kysely_migration (name, "timestamp") values (${name}, ${at})`.execute(db)

const namesOf = async (db: Db) =>
  (await sql<{ name: string }>`select name from kysely_migration order by "timestamp", name`.execute(db)).rows

const limitRow = { key: 'k', arrival_at: 1 }

onEachEngine('the database', (open) => {
  test('counts come back as numbers and rows as plain objects', async () => {
    const { db } = await open()
    await db.insertInto('limit_state').values({ key: 'k', arrival_at: 4_102_444_800 }).execute()
    const row = await db
      .selectFrom('limit_state')
      .select((select) => ['arrival_at', select.fn.countAll<number>().over().as('rows')])
      .executeTakeFirstOrThrow()
    assert.deepStrictEqual(row, { arrival_at: 4_102_444_800, rows: 1 })
  })

  test('a transaction that throws leaves nothing behind', async () => {
    const { db } = await open()
    const work = db.transaction().execute(async (tx) => {
      await tx.insertInto('limit_state').values(limitRow).execute()
      throw new Error('changed my mind')
    })
    await assert.rejects(work, /changed my mind/)
    assert.deepEqual(await db.selectFrom('limit_state').selectAll().execute(), [])
  })

  test('two nodes that each read and then write lose no update', async () => {
    const one = await open()
    const other = await openDatabase(one.url)
    try {
      const add = (node: typeof other) =>
        node.db.transaction().execute(async (tx) => {
          await tx
            .updateTable('feed_head')
            .set((row) => ({ seq: row('seq', '+', 1) }))
            .execute()
          return tx.selectFrom('feed_head').select('seq').executeTakeFirstOrThrow()
        })
      const seen: number[] = []
      for (let round = 0; round < 10; round++) {
        for (const { seq } of await Promise.all([add(one), add(one)])) seen.push(seq)
        seen.push((await add(other)).seq)
      }
      assert.deepEqual(
        seen.sort((a, b) => a - b),
        Array.from({ length: 30 }, (_, at) => at + 1),
      )
    } finally {
      await other.close()
    }
  })

  test('every executed statement is told, failed ones too', async () => {
    const told: string[] = []
    const { db } = await open({ onStatement: (statement) => told.push(statement) })
    await db.selectFrom('feed_head').select('seq').execute()
    await assert.rejects(sql`select nothing from nowhere`.execute(db))
    assert.deepEqual(told, ['select "seq" from "feed_head"', 'select nothing from nowhere'])
  })

  test('a session of no account, a second head and a second account with one address are turned away', async () => {
    const { db } = await open()
    await assert.rejects(
      db.insertInto('feed_head').values({ id: 2, epoch: 1, seq: 0, everyone_end: 0 }).execute(),
    )
    await assert.rejects(
      db.insertInto('password').values({ account_id: 'nobody', hash: 'h', changed_at: 0 }).execute(),
    )
    const account = {
      email: 'ann@example.com',
      state: 'active' as const,
      verified_at: null,
      end_position: 0,
      created_at: 0,
    }
    await db
      .insertInto('account')
      .values({ id: 'a', ...account })
      .execute()
    await assert.rejects(
      db
        .insertInto('account')
        .values({ id: 'b', ...account })
        .execute(),
    )
  })

  test('migrating again changes nothing, and nothing is pending', async () => {
    const { db } = await open()
    assert.deepEqual(await pendingMigrations(db), [])
    assert.deepEqual(await migrate(db), { applied: [], later: [] })
    const head = await db.selectFrom('feed_head').selectAll().execute()
    assert.deepEqual(head, [{ id: 1, epoch: 1, seq: 0, everyone_end: 0 }])
    const client = await db.selectFrom('client').select(['id', 'end_position']).execute()
    assert.deepEqual(client, [{ id: 'first-party', end_position: 0 }])
  })

  test('a database that a later release has migrated is left as it is, and the start goes on', async () => {
    const { db } = await open()
    await applied(db, '2999-later', '2999-01-01')
    await applied(db, '2999-last', '2999-01-02')
    const before = await namesOf(db)
    assert.deepEqual(await migrate(db), { applied: [], later: ['2999-later', '2999-last'] })
    assert.deepEqual(await pendingMigrations(db), [])
    assert.deepEqual(await namesOf(db), before)
  })

  const strangers: [what: string, ours: boolean, name: string, at: string][] = [
    ['one of a later release, while one of ours is not', false, '2999-later', '2999'],
    ['one that is not ours and belongs before ours', true, '2026-11-24-stranger', '2999'],
    ['one that is not ours and was applied before ours', true, '2999-later', '2000-01-01'],
    ['one that is not ours and belongs before our first', true, '1999-stranger', '1999-01-01'],
  ]
  for (const [what, isWhole, name, at] of strangers) {
    test(`a database on which was applied ${what}, is left alone, and the start fails`, async () => {
      const { db } = await open()
      const last = Object.keys(migrations).at(-1) ?? ''
      if (!isWhole) await sql`delete from kysely_migration where name = ${last}`.execute(db)
      await applied(db, name, at)
      const before = await namesOf(db)
      const failure = new RegExp(`could not be migrated; nothing was changed: .*${name}`)
      await assert.rejects(migrate(db), failure)
      assert.deepEqual(await namesOf(db), before)
    })
  }

  test('one migration behind is found', async () => {
    const { db } = await open()
    const last = Object.keys(migrations).at(-1) ?? ''
    await sql`delete from kysely_migration where name = ${last}`.execute(db)
    assert.deepEqual(await pendingMigrations(db), [last])
  })
})

test('a new SQLite file is readable by its owner alone, whatever the umask, and so are the files beside it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-'))
  const path = join(folder, 'deep', 'auth.db')
  const { db, close } = await openDatabase(`sqlite:${path}`)
  try {
    const all = Object.keys(migrations)
    assert.equal(all[0], '2026-11-23-first')
    assert.deepEqual(await pendingMigrations(db), all)
    assert.deepEqual(await migrate(db), { applied: all, later: [] })
    for (const file of [path, `${path}-wal`, `${path}-shm`]) assert.equal(statSync(file).mode & 0o777, 0o600)
    const [mode, sync, keys] = await Promise.all([
      sql`pragma journal_mode`.execute(db),
      sql`pragma synchronous`.execute(db),
      sql`pragma foreign_keys`.execute(db),
    ])
    assert.deepEqual(
      [mode.rows[0], sync.rows[0], keys.rows[0]],
      [{ journal_mode: 'wal' }, { synchronous: 2 }, { foreign_keys: 1 }],
    )
  } finally {
    await close()
    rmSync(folder, { recursive: true })
  }
})

test('a transaction that reads before it writes survives another process that writes in between', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-'))
  const path = join(folder, 'auth.db')
  const { db, close } = await openDatabase(`sqlite:${path}`)
  await migrate(db)
  // Tries at once, reports, and if it was kept out tries again when told to.
  const worker = new Worker(
    `const { DatabaseSync } = require('node:sqlite')
     const { parentPort } = require('node:worker_threads')
     const db = new DatabaseSync(${JSON.stringify(path)}, { timeout: 0 })
     const write = () => db.exec('update feed_head set seq = seq + 1')
     parentPort.on('message', (told) => {
       try { write(); parentPort.postMessage('written') } catch { parentPort.postMessage('kept out') }
       if (told === 'last') { db.close(); parentPort.close() }
     })`,
    { eval: true },
  )
  const tell = (message: string) =>
    new Promise((resolve) => {
      worker.once('message', resolve)
      worker.postMessage(message)
    })
  try {
    const exited = new Promise((resolve) => worker.once('exit', resolve))
    const early = await db.transaction().execute(async (tx) => {
      const before = await tx.selectFrom('feed_head').select('seq').executeTakeFirstOrThrow()
      const answer = await tell('now')
      await tx
        .updateTable('feed_head')
        .set({ seq: before.seq + 10 })
        .execute()
      return answer
    })
    assert.equal(early, 'kept out')
    assert.equal(await tell('last'), 'written')
    await exited
    const head = await db.selectFrom('feed_head').select('seq').executeTakeFirstOrThrow()
    assert.equal(head.seq, 11)
  } finally {
    await worker.terminate()
    await close()
    rmSync(folder, { recursive: true })
  }
})

test('the database in memory works and is gone when closed', async () => {
  for (let round = 0; round < 2; round++) {
    const { db, engine, close } = await openDatabase('sqlite::memory:')
    assert.equal(engine, 'sqlite')
    assert.ok((await migrate(db)).applied.length > 0)
    await close()
    await close()
  }
})

test('values that the columns cannot hold exactly are refused and not rounded', async () => {
  const { db, close } = await openDatabase('sqlite::memory:')
  await migrate(db)
  for (const arrival_at of [0.5, Number.NaN, 2 ** 60]) {
    await assert.rejects(
      db.insertInto('limit_state').values({ key: 'k', arrival_at }).execute(),
      /cannot be bound/,
    )
  }
  await close()
})

test('an address of another kind is an error that does not repeat its password', async () => {
  await assert.rejects(
    openDatabase('mysql://root:hunter2@db/x'),
    (error: Error) => !/hunter2/.test(error.message),
  )
  await assert.rejects(openDatabase('sqlite:'), /path is empty/)
})
