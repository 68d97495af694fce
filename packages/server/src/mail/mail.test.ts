import assert from 'node:assert/strict'
import { test } from 'node:test'
import { migrate } from '../db/migrate.ts'
import { openDatabase } from '../db/open.ts'
import type { Letter, Transport } from '../machine.ts'
import { systemEntropy } from '../node/entropy.ts'
import { createSecrets } from '../node/secrets.ts'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { createMail } from './index.ts'

const day = 24 * 60 * 60
const secrets = createSecrets(new Uint8Array(32))
const linkId = systemEntropy.id()
const verify = { to: 'ann@example.com', kind: 'verify' as const, linkId }

async function setUp(open: OpenTestDatabase, given: { transport?: Transport | null } = {}) {
  const { db, url } = await open()
  const clock = { at: 1_800_000_000, now: () => clock.at }
  const sent: Letter[] = []
  const errors: string[] = []
  const log = { info: () => {}, error: (message: string) => void errors.push(message) }
  const collect: Transport = { send: async (letter) => void sent.push(letter) }
  const settings = {
    clock,
    entropy: systemEntropy,
    secrets,
    log,
    issuer: 'https://bank.example',
    linkSeconds: 900,
    transport: given.transport === undefined ? collect : given.transport,
  }
  const mail = createMail({ db, ...settings })
  return { db, url, clock, sent, errors, mail, settings }
}

onEachEngine('the outbox', (open) => {
  test('a mail goes out if and only if the transaction that wrote it commits', async () => {
    const { db, mail, sent } = await setUp(open)
    const undone = db.transaction().execute(async (tx) => {
      await mail.enqueue(tx, verify)
      throw new Error('undone')
    })
    await assert.rejects(undone, /undone/)
    await mail.flush()
    assert.equal(sent.length, 0)
    await db.transaction().execute((tx) => mail.enqueue(tx, verify))
    await mail.flush()
    await mail.flush()
    assert.deepEqual(
      sent.map((letter) => letter.to),
      ['ann@example.com'],
    )
  })

  test('a link starts with the issuer, has a token as its only parameter, and leads back to its record', async () => {
    const { db, mail, sent } = await setUp(open)
    for (const kind of ['verify', 'reset'] as const) await mail.enqueue(db, { ...verify, kind })
    await mail.flush()
    assert.equal(sent.length, 2)
    for (const letter of sent) {
      const [link = ''] = /https:\S+/.exec(letter.text) ?? []
      const url = new URL(link)
      const purpose = url.pathname === '/reset' ? 'reset' : 'verify'
      assert.equal(url.origin + url.pathname, `https://bank.example/${purpose}`)
      assert.deepEqual([...url.searchParams.keys()], ['token'])
      assert.equal(mail.readLinkToken(purpose, url.searchParams.get('token') ?? ''), linkId)
      assert.ok(letter.html.includes(link))
    }
  })

  test('the database holds nothing that opens a link', async () => {
    const { db, mail } = await setUp(open)
    await mail.enqueue(db, verify)
    const rows = JSON.stringify(await db.selectFrom('outbox').selectAll().execute())
    assert.ok(!rows.includes(mail.linkToken('verify', linkId)))
    assert.ok(!rows.includes(mail.linkToken('verify', linkId).slice(-20)))
  })

  test('a mail that is refused is tried again, later and later, for a day, and then given up', async () => {
    let attempts = 0
    const transport: Transport = {
      send: async () => {
        attempts += 1
        throw new Error('451 try again')
      },
    }
    const { db, mail, clock, errors } = await setUp(open, { transport })
    await mail.enqueue(db, { to: verify.to, kind: 'password_changed', linkId: null })
    const start = clock.at
    const waits: number[] = []
    for (;;) {
      await mail.flush()
      const row = await db.selectFrom('outbox').selectAll().executeTakeFirst()
      if (!row) break
      waits.push(row.next_at - clock.at)
      clock.at = row.next_at - 1
      const before = attempts
      await mail.flush()
      assert.equal(attempts, before, 'nothing is sent before its time')
      clock.at = row.next_at
    }
    assert.deepEqual(waits.slice(0, 4), [30, 60, 120, 240])
    assert.ok(Math.max(...waits) <= 4 * 60 * 60)
    assert.ok(clock.at - start > 0.8 * day && clock.at - start < day)
    assert.match(errors.at(-1) ?? '', /given up/)
    assert.equal(errors.length, attempts)
  })

  test('a link that has expired is not sent any more', async () => {
    const transport: Transport = {
      send: async () => {
        throw new Error('451 try again')
      },
    }
    const { db, mail, clock } = await setUp(open, { transport })
    await mail.enqueue(db, verify)
    const start = clock.at
    for (let tries = 0; tries < 20; tries++) {
      await mail.flush()
      const row = await db.selectFrom('outbox').selectAll().executeTakeFirst()
      if (!row) break
      clock.at = row.next_at
    }
    assert.equal(await db.selectFrom('outbox').selectAll().executeTakeFirst(), undefined)
    assert.ok(clock.at - start < 15 * 60, 'given up before the link expires')
  })

  test('a mail that waited through an outage of ours is not sent once its link has expired', async () => {
    const { db, mail, clock, sent } = await setUp(open)
    await mail.enqueue(db, verify)
    clock.at += 15 * 60
    await mail.flush()
    assert.deepEqual(sent, [])
    assert.deepEqual(await db.selectFrom('outbox').selectAll().execute(), [])
  })

  test('one bad mail does not hold up the others', async () => {
    const sent: string[] = []
    const transport: Transport = {
      send: async ({ to }) => {
        if (to === 'bad@example.com') throw new Error('550 no such mailbox')
        sent.push(to)
      },
    }
    const { db, mail } = await setUp(open, { transport })
    for (const to of ['bad@example.com', 'ann@example.com', 'ben@example.com'])
      await mail.enqueue(db, { ...verify, to })
    await mail.enqueue(db, { ...verify, to: 'odd@example.com', linkId: null })
    await mail.flush()
    assert.deepEqual(sent.sort(), ['ann@example.com', 'ben@example.com'])
  })

  test('a row for nobody costs the same statement and is dropped unsent', async () => {
    const { db, mail, sent } = await setUp(open)
    await mail.enqueue(db, { ...verify, kind: 'void' })
    assert.equal((await db.selectFrom('outbox').selectAll().execute()).length, 1)
    await mail.flush()
    assert.deepEqual(sent, [])
    assert.deepEqual(await db.selectFrom('outbox').selectAll().execute(), [])
  })

  test('two workers share the mails and send each once', async () => {
    const { db, url, mail, sent, settings } = await setUp(open)
    for (let count = 0; count < 40; count++)
      await mail.enqueue(db, { ...verify, to: `p${count}@example.com` })
    const other = await openDatabase(url)
    try {
      await Promise.all([mail.flush(), createMail({ db: other.db, ...settings }).flush()])
      assert.equal(sent.length, 40)
      assert.equal(new Set(sent.map((letter) => letter.to)).size, 40)
    } finally {
      await other.close()
    }
  })

  test('a worker that dies while sending loses nothing: the mail is due again when its lease is over', async () => {
    const { db, clock, mail, sent, settings } = await setUp(open)
    const began = Promise.withResolvers<void>()
    const stuck: Transport = {
      send() {
        began.resolve()
        return new Promise(() => {})
      },
    }
    await mail.enqueue(db, verify)
    void createMail({ db, ...settings, transport: stuck }).flush()
    await began.promise
    await mail.flush()
    assert.equal(sent.length, 0)
    clock.at += 60
    await mail.flush()
    assert.equal(sent.length, 1)
  })

  test('a flush that is asked for while another runs also takes what was written since', async () => {
    const began = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const sent: string[] = []
    const transport: Transport = {
      send: async ({ to }) => {
        began.resolve()
        await go.promise
        sent.push(to)
      },
    }
    const { db, mail } = await setUp(open, { transport })
    await mail.enqueue(db, verify)
    const first = mail.flush()
    await began.promise
    await mail.enqueue(db, { ...verify, to: 'ben@example.com' })
    const second = mail.flush()
    go.resolve()
    await Promise.all([first, second])
    assert.deepEqual(sent, ['ann@example.com', 'ben@example.com'])
  })

  test('a kick delivers soon, and many of them at once do no harm', async () => {
    const arrived = Promise.withResolvers<void>()
    let count = 0
    const transport: Transport = {
      async send() {
        count += 1
        arrived.resolve()
      },
    }
    const { db, mail } = await setUp(open, { transport })
    await mail.enqueue(db, verify)
    for (let kicks = 0; kicks < 100; kicks++) mail.kick()
    await arrived.promise
    await mail.flush()
    assert.equal(count, 1)
  })

  test('the development mailbox shows the newest first, also within one second, and no rows for nobody', async () => {
    const { db, mail, clock } = await setUp(open, { transport: null })
    const mails = [
      { to: 'a@example.com', kind: 'verify' as const, linkId },
      { to: 'b@example.com', kind: 'void' as const, linkId: null },
      { to: 'c@example.com', kind: 'account_exists' as const, linkId: null },
      { to: 'd@example.com', kind: 'password_changed' as const, linkId: null },
    ]
    for (const one of mails) await mail.enqueue(db, one)
    assert.deepEqual(
      (await mail.mailbox()).map((letter) => letter.to),
      ['d@example.com', 'c@example.com', 'a@example.com'],
    )
    await mail.flush()
    const shown = await mail.mailbox()
    assert.deepEqual(
      shown.map((letter) => letter.to),
      ['d@example.com', 'c@example.com', 'a@example.com'],
    )
    assert.deepEqual(Object.keys(shown[0] ?? {}).sort(), ['at', 'html', 'subject', 'text', 'to'])
    assert.equal(shown[0]?.at, clock.at)
    assert.match(shown[2]?.text ?? '', /https:\/\/bank\.example\/verify\?token=[\w-]{64}\s/)
    clock.at += 1
    for (let count = 0; count < 120; count++)
      await mail.enqueue(db, { ...verify, to: `p${count}@example.com` })
    const many = await mail.mailbox()
    assert.equal(many.length, 100)
    assert.equal(many[0]?.to, 'p119@example.com')
  })

  test('what was handed to a transport is dropped, and with it whom it was for; in development it stays and is sent', async () => {
    for (const transport of [undefined, null]) {
      const { db, mail } = await setUp(open, transport === null ? { transport } : {})
      await mail.enqueue(db, verify)
      await mail.enqueue(db, { ...verify, kind: 'account_exists', linkId: null })
      await mail.flush()
      const rows = await db.selectFrom('outbox').select(['recipient', 'sent_at']).execute()
      const kept = { recipient: verify.to, sent_at: 1_800_000_000 }
      assert.deepEqual(rows, transport === null ? [kept, kept] : [])
      assert.equal((await mail.mailbox()).length, transport === null ? 2 : 0)
    }
  })

  test('what a transport refused stays, and is dropped once it is taken', async () => {
    let isOut = true
    const send = async () => {
      if (isOut) throw new Error('out of order')
    }
    const { db, clock, mail } = await setUp(open, { transport: { send } })
    await mail.enqueue(db, verify)
    await mail.flush()
    const left = () => db.selectFrom('outbox').select('sent_at').execute()
    assert.deepEqual(await left(), [{ sent_at: null }])
    isOut = false
    clock.at += 60
    await mail.flush()
    assert.deepEqual(await left(), [])
  })

  test('where mails really go out there is no mailbox', async () => {
    const { db, mail } = await setUp(open)
    await mail.enqueue(db, verify)
    assert.deepEqual(await mail.mailbox(), [])
  })

  test('pruning forgets what was sent more than a day ago and nothing that is still to be sent', async () => {
    const { db, mail, clock } = await setUp(open, { transport: null })
    await mail.enqueue(db, verify)
    await mail.flush()
    clock.at += day - 1
    await mail.enqueue(db, { ...verify, to: 'ben@example.com' })
    await mail.prune()
    assert.equal((await db.selectFrom('outbox').selectAll().execute()).length, 2)
    clock.at += day
    await mail.prune()
    const left = await db.selectFrom('outbox').select('recipient').execute()
    assert.deepEqual(left, [{ recipient: 'ben@example.com' }])
  })
})

test('a flush that is asked for after the last look of a running one looks again', async () => {
  const opened = await openDatabase('sqlite::memory:')
  const { db, close } = opened
  await migrate(db)
  const { mail, sent } = await setUp(async () => ({ ...opened, url: '' }))
  // One connection serves in order: the look of the first flush, the row, the look of the second.
  const first = mail.flush()
  const written = mail.enqueue(db, verify)
  const second = mail.flush()
  await Promise.all([first, written, second])
  assert.equal(sent.length, 1)
  await close()
})
