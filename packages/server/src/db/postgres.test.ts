import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { sql } from 'kysely'
import { onPostgres } from '../testing/engines.ts'
import { migrate } from './migrate.ts'
import { type OpenDatabase, openDatabase } from './open.ts'
import { defaults } from './postgres.ts'
import type { Db } from './schema.ts'
import { transact } from './transact.ts'
import { isUnavailable } from './unavailable.ts'

const readHead = (db: Db) => db.selectFrom('feed_head').select('seq').executeTakeFirstOrThrow()
const backends = async (db: Db) =>
  (
    await sql<{ pid: number; query: string }>`
    select pid, query from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name = 'counterfoil'`.execute(
      db,
    )
  ).rows

/** As a restart does it to each of them: whatever it was doing, the connection is gone. */
async function endEveryBackend(db: Db): Promise<number> {
  const { rows } = await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`.execute(db)
  return rows.length
}

/** Holds the head row until it is told to let go. */
async function hold(db: Db): Promise<() => Promise<void>> {
  let letGo = () => {}
  const released = new Promise<void>((resolve) => {
    letGo = resolve
  })
  let done: Promise<unknown> = Promise.resolve()
  await new Promise<void>((held) => {
    done = db.transaction().execute(async (tx) => {
      await sql`set local idle_in_transaction_session_timeout = 0`.execute(tx)
      await tx.updateTable('feed_head').set({ everyone_end: 0 }).execute()
      held()
      await released
    })
  })
  return async () => {
    letGo()
    await done
  }
}

const next = () => new Promise<void>((resolve) => setImmediate(resolve))

/** The way to a server, on which nothing passes any more when it falls silent. */
async function openWire(url: string) {
  const there = new URL(url)
  const sockets = new Set<Socket>()
  let isSilent = false
  const pass = (from: Socket, to: Socket) => {
    sockets.add(from.on('error', () => {}).on('close', () => to.destroy()))
    from.on('data', (chunk) => isSilent || to.write(chunk))
  }
  const server = createServer((near) => {
    const far = connect(Number(there.port), there.hostname)
    pass(near, far)
    pass(far, near)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const here = new URL(url)
  here.port = String((server.address() as AddressInfo).port)
  return {
    url: here.href,
    fallSilent() {
      isSilent = true
    },
    mend() {
      isSilent = false
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

onPostgres('PostgreSQL', (open) => {
  test('a hundred reads at once take two connections and come back in their own places', async () => {
    const { db } = await open({ connections: 1 })
    const keys = Array.from({ length: 100 }, (_, at) => `k${at}`)
    await db
      .insertInto('limit_state')
      .values(keys.map((key, at) => ({ key, arrival_at: at })))
      .execute()
    const read = async (key: string) =>
      (await db.selectFrom('limit_state').select('arrival_at').where('key', '=', key).executeTakeFirst())
        ?.arrival_at
    assert.deepEqual(await Promise.all(keys.map(read)), [...keys.keys()])
    assert.equal((await backends(db)).length, 2)
  })

  test('reads go on while every connection of the pool waits for a row', async () => {
    const { db, url } = await open({ connections: 2 })
    const other = await openDatabase(url)
    const letGo = await hold(other.db)
    const writes = [1, 2].map(() => db.updateTable('feed_head').set({ seq: 5 }).execute())
    for (let round = 0; round < 20; round++) assert.equal((await readHead(db)).seq, 0)
    await letGo()
    await Promise.all(writes)
    assert.equal((await readHead(db)).seq, 5)
    await other.close()
  })

  test('a read that fails leaves its neighbours on the connection alone', async () => {
    const { db } = await open()
    const bad = () => db.selectFrom('limit_state').select(sql`1 / 0`.as('never')).execute()
    await db.insertInto('limit_state').values({ key: 'k', arrival_at: 1 }).execute()
    const results = await Promise.allSettled([readHead(db), bad(), readHead(db), bad(), readHead(db)])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
    )
  })

  test('a row that somebody else keeps locked is waited for two seconds, and then the database is away', async () => {
    const { db, url } = await open()
    const other = await openDatabase(url)
    const letGo = await hold(other.db)
    const write = db.updateTable('feed_head').set({ seq: 1 }).execute()
    await assert.rejects(
      write,
      (error: Error & { code: string }) => error.code === '55P03' && isUnavailable(error),
    )
    await letGo()
    await other.close()
  })

  test('when no connection is to be had the database is away, and back as soon as there is one', async () => {
    const { db, url } = await open({ connections: 1, waitMilliseconds: 1500 })
    const other = await openDatabase(url)
    const letGo = await hold(db)
    const write = () => db.updateTable('feed_head').set({ seq: 3 }).execute()
    await assert.rejects(write(), isUnavailable)
    assert.equal((await readHead(db)).seq, 0)
    await letGo()
    await write()
    assert.equal((await readHead(other.db)).seq, 3)
    await other.close()
  })

  test('connections that the server ends are replaced: reads do not even notice, and no write is taken for done', async () => {
    const { db, url } = await open()
    const other = await openDatabase(url)
    for (let round = 0; round < 5; round++) {
      await Promise.all([readHead(db), readHead(db)])
      const working = db.transaction().execute(async (tx) => {
        await tx
          .updateTable('feed_head')
          .set({ seq: 100 + round })
          .execute()
        assert.ok((await endEveryBackend(other.db)) > 0)
        await tx.selectFrom('feed_head').select('seq').execute()
      })
      await assert.rejects(working, isUnavailable)
      assert.deepEqual(await Promise.all([readHead(db), readHead(db)]), [{ seq: 0 }, { seq: 0 }])
    }
    await db.updateTable('feed_head').set({ seq: 7 }).execute()
    assert.equal((await readHead(db)).seq, 7)
    await other.close()
  })

  test('a statement that was prepared for a table as it was is prepared again', async () => {
    const { db } = await open()
    const all = () => db.selectFrom('limit_state').selectAll().execute()
    await all()
    await sql`alter table limit_state add column later text`.execute(db)
    assert.deepEqual(await all(), [])
    await db.insertInto('limit_state').values({ key: 'k', arrival_at: 1 }).execute()
    assert.deepEqual(await all(), [{ key: 'k', arrival_at: 1, later: null }])
  })

  test('so is one that writes, on every connection, alone and within a transaction', async () => {
    const { db } = await open()
    const write = (on: Db, key: string) =>
      on.insertInto('limit_state').values({ key, arrival_at: 1 }).returningAll().executeTakeFirstOrThrow()
    const together = (prefix: string) =>
      Promise.all([1, 2, 3, 4, 5].map((at) => transact(db, (tx) => write(tx, `${prefix}${at}`))))
    await together('before')
    await sql`alter table limit_state add column later text`.execute(db)
    assert.deepEqual(await write(db, 'alone'), { key: 'alone', arrival_at: 1, later: null })
    await sql`alter table limit_state add column last text`.execute(db)
    const written = await together('after')
    assert.deepEqual(
      written.map((row) => Object.keys(row).length),
      [4, 4, 4, 4, 4],
    )
    await sql`deallocate all`.execute(db)
    assert.equal((await transact(db, (tx) => write(tx, 'forgotten'))).key, 'forgotten')
  })

  test('what is sent once more is told once more, by itself, in a lane and in a transaction, and so is a hint', async () => {
    const told: [statement: string, sort: string][] = []
    const { db, primary } = await open({
      connections: 1,
      onStatement: (text, sort) => told.push([text, sort]),
    })
    const write = (on: Db, key: string) =>
      on.insertInto('limit_state').values({ key, arrival_at: 1 }).returningAll().execute()
    const read = () => db.selectFrom('limit_state').selectAll().where('key', '=', 'none').execute()
    const toldOf = (start: string) => told.splice(0).filter(([text]) => text.startsWith(start)).length
    for (const [name, start, act] of [
      ['lane', 'select', read],
      ['alone', 'insert', () => write(db, 'alone')],
      ['transaction', 'insert', () => transact(db, (tx) => write(tx, 'tx'))],
    ] as const) {
      await act()
      await sql`delete from limit_state`.execute(db)
      assert.equal(toldOf(start), 1, name)
      await sql`alter table limit_state add column ${sql.ref(name)} text`.execute(db)
      await act()
      await sql`delete from limit_state`.execute(db)
      assert.equal(toldOf(start), 2, name)
    }
    primary.hints?.send()
    while (told.length === 0) await next()
    assert.deepEqual(told, [['select pg_notify($1, $2)', 'hint']])
  })

  test('a server that cannot be reached is away, and so is one that does not answer in time', async () => {
    const nobody = await openDatabase('postgres://nobody@127.0.0.1:1/none', { waitMilliseconds: 200 })
    await assert.rejects(readHead(nobody.db), isUnavailable)
    await assert.rejects(nobody.db.updateTable('feed_head').set({ seq: 1 }).execute(), isUnavailable)
    await nobody.close()
  })

  test('a server that falls silent is given up, whatever it was asked, and another connection is made where it speaks again', async () => {
    const { url } = await open()
    const wire = await openWire(url)
    const { db, close } = await openDatabase(wire.url, { connections: 1, deafMilliseconds: 1000 })
    const write = (seq: number) => db.updateTable('feed_head').set({ seq }).execute()
    const transaction = () =>
      db.transaction().execute(async (tx) => {
        await tx.updateTable('feed_head').set({ seq: 2 }).execute()
        wire.fallSilent()
        await tx.selectFrom('feed_head').select('seq').execute()
      })
    await write(1)
    await readHead(db)
    wire.fallSilent()
    await Promise.all([write(9), readHead(db)].map((asked) => assert.rejects(asked, isUnavailable)))
    wire.mend()
    await assert.rejects(transaction(), isUnavailable)
    wire.mend()
    assert.deepEqual(await readHead(db), { seq: 1 })
    await close()
    await wire.close()
  })

  test('whoever waits for nothing but a stuck server waits for seconds: at most as many as these', () => {
    assert.ok(defaults.waitMilliseconds <= 3000 && defaults.deafMilliseconds <= 4000)
  })

  test('whoever holds the head row is bounded from there on, where the server can do that', async () => {
    const { db, primary } = await open()
    const bound = (on: Db) =>
      sql<{ is: string | null }>`select current_setting('transaction_timeout', true) as is`.execute(on)
    const [before] = (await bound(db)).rows
    await db.transaction().execute(async (tx) => {
      await tx.updateTable('feed_head').set({ seq: 1 }).returning(primary.briefly.as('briefly')).execute()
      const [held] = (await bound(tx)).rows
      assert.equal(held?.is, before?.is === null ? null : '2s')
    })
  })

  test('a statement whose commit need not wait for the disk says so for itself alone', async () => {
    const { db, primary } = await open({ connections: 1 })
    const setting = async (on: Db) =>
      (await sql<{ is: string }>`select current_setting('synchronous_commit') as is`.execute(on)).rows
    const touch = (on: Db) =>
      on.updateTable('feed_head').set({ seq: 1 }).returning(primary.undurably.as('undurably')).execute()
    await db.transaction().execute(async (tx) => {
      assert.deepEqual(await setting(tx), [{ is: 'on' }])
      await touch(tx)
      assert.deepEqual(await setting(tx), [{ is: 'off' }])
    })
    await touch(db)
    // The one connection of the pool, where the next write waits for the disk again.
    await db.transaction().execute(async (tx) => assert.deepEqual(await setting(tx), [{ is: 'on' }]))
  })

  test('four nodes that migrate at once leave one schema, and each finds it complete', async () => {
    const { url } = await open({ migrate: false })
    const nodes = await Promise.all([1, 2, 3, 4].map(() => openDatabase(url)))
    const done = await Promise.all(nodes.map(({ db }) => migrate(db)))
    assert.equal(done.filter(({ applied }) => applied.length > 0).length, 1)
    for (const { db, close } of nodes) {
      assert.equal((await readHead(db)).seq, 0)
      await close()
    }
  })

  test('a migration waits for another node’s longer than anything else may wait, and its connection is bounded again', async () => {
    const { db } = await open({ connections: 1 })
    assert.deepEqual(await migrate(db), { applied: [], later: [] })
    const { rows } =
      await sql`select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement`.execute(
        db,
      )
    assert.deepEqual(rows, [{ lock: '2s', statement: '15s' }])
  })

  test('a hint reaches whoever listens, many at once are few, and one that came while nobody could hear is made up for', async () => {
    const one = await open()
    const other = await openDatabase(one.url)
    let heard = 0
    const stop = one.primary.hints?.listen(() => heard++)
    const until = async (isDone: () => boolean) => {
      while (!isDone()) await next()
    }
    await until(() => heard > 0)
    const before = heard
    for (let at = 0; at < 1000; at++) other.primary.hints?.send()
    await until(() => heard > before)
    await readHead(other.db)
    assert.ok(heard - before < 10, `${heard - before} hints`)

    const listening = (await backends(other.db)).filter(({ query }) => query.startsWith('listen'))
    assert.equal(listening.length, 1)
    const lost = heard
    await sql`select pg_terminate_backend(cast(${listening[0]?.pid ?? 0} as int))`.execute(other.db)
    await until(() => heard > lost)
    const back = heard
    other.primary.hints?.send()
    await until(() => heard > back)
    stop?.()
    await closed(other)
  })
})

async function closed({ db, close }: OpenDatabase): Promise<void> {
  await close()
  await assert.rejects(readHead(db))
}
