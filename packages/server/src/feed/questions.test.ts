import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from '../db/open.ts'
import { createLog } from '../node/log.ts'
import { feedClient, handClock, onPostgres, openHouse } from '../testing/index.ts'
import { createQuestion } from './questions.ts'

const log = createLog({ clock: handClock(), write: () => {} })
const staleRefusal = { code: 'feed_stale', status: 503 }

/** A write that is done when the test says so. */
function writes() {
  const begun: { done: (head: number) => void; fail: (error: Error) => void }[] = []
  const prove = () => new Promise<number>((done, fail) => begun.push({ done, fail }))
  return { begun, ask: createQuestion({ prove, reached: () => 0, log }) }
}

const answers: [name: string, asOf: number | null, isBelieved: boolean][] = [
  ['that has come as far as the write saw is believed', 7, true],
  ['that is further is believed', 8, true],
  ['that found nothing is believed', null, true],
  ['that has not come so far is an older copy’s, and refused', 6, false],
]

for (const [name, asOf, isBelieved] of answers)
  test(`an answer ${name}`, async () => {
    const ask = createQuestion({ prove: async () => 7, reached: () => 0, log })
    const answer = ask(
      async () => 'found',
      () => asOf,
    )
    if (isBelieved) assert.equal(await answer, 'found')
    else await assert.rejects(answer, staleRefusal)
  })

test('an answer that has not come as far as was known before the question is an older copy’s, whatever that one’s writes say', async () => {
  const ask = createQuestion({ prove: async () => 3, reached: () => 7, log })
  const answer = (asOf: number) =>
    ask(
      async () => 'found',
      () => asOf,
    )
  await assert.rejects(answer(3), staleRefusal)
  assert.equal(await answer(7), 'found')
})

test('nothing is read before a write is committed that began after the question', async () => {
  const { begun, ask } = writes()
  const reads: string[] = []
  const question = (name: string) =>
    ask(
      async () => reads.push(name),
      () => 1,
    )
  const first = question('first')
  // These came while that write was under way: it may have begun before something ended that they have to know.
  const others = [question('second'), question('third')]
  assert.equal(begun.length, 1)
  begun[0]?.done(1)
  await first
  assert.deepEqual(reads, ['first'])
  await new Promise(setImmediate)
  assert.equal(begun.length, 2, 'they share one write')
  begun[1]?.done(1)
  await Promise.all(others)
  assert.deepEqual(reads, ['first', 'second', 'third'])
})

test('where the write fails everybody who waits is refused, and who comes later is asked for anew', async () => {
  const { begun, ask } = writes()
  const question = () =>
    ask(
      async () => 'found',
      () => 1,
    )
  const waiting = [question(), question(), question()]
  begun[0]?.fail(new Error('gone'))
  for (const one of waiting) await assert.rejects(one, staleRefusal)
  assert.equal(begun.length, 1)
  const later = question()
  begun[1]?.done(1)
  assert.equal(await later, 'found')
})

/** As an old primary that is fenced off: it answers, and takes no writes. */
async function fence(url: string, isFenced: boolean): Promise<void> {
  const { db, close } = await openDatabase(url, { connections: 1 })
  const name = new URL(url).pathname.slice(1)
  await db.transaction().execute(async (tx) => {
    await sql`set transaction read write`.execute(tx)
    const value = isFenced ? 'on' : 'off'
    await sql.raw(`alter database ${name} set default_transaction_read_only = ${value}`).execute(tx)
  })
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`.execute(db)
  await close()
}

onPostgres('a primary that is fenced off', (open) => {
  async function setUp() {
    let url = ''
    const on = await openHouse(async (options) => {
      const opened = await open(options)
      url = opened.url
      return opened
    })
    return { on, ...(await on.member()), fence: (isFenced: boolean) => fence(url, isFenced) }
  }

  test('and still answers is not believed by a server that follows the feed no more', async () => {
    const { on, browser, fence } = await setUp()
    const status = async () => (await browser.get('/auth/session')).status
    assert.equal(await status(), 200)
    await fence(true)
    assert.equal(await status(), 200, 'what it knows is still fresh')
    on.machine.clock.advance(21)
    const refused = await browser.get('/auth/session')
    assert.deepEqual([refused.status, (await refused.json()).code], [503, 'feed_stale'])
    await fence(false)
    // A connection of the pool that was just ended shows it to one write.
    while ((await status()) !== 200) await new Promise(setImmediate)
  })

  test('answers no question of a verifier', async () => {
    const { on, browser, email, fence } = await setUp()
    const { access_token: token } = await on.tokens(email)
    const client = await feedClient(on)
    const cookie = browser.cookies.get('__Host-Http-session') ?? ''
    const statuses = async () => [
      (await client.post('/feed/statement', { cookie })).status,
      (await client.introspect(token)).status,
    ]
    assert.deepEqual(await statuses(), [200, 200])
    await fence(true)
    assert.deepEqual(await statuses(), [503, 503])
    await fence(false)
    while (String(await statuses()) !== '200,200') await new Promise(setImmediate)
  })
})
