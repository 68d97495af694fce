import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  type Agent,
  goodPassword,
  type HouseOptions,
  type OpenTestDatabase,
  onEachEngine,
  openHouse,
  otherPassword,
  type TestHouse,
} from 'counterfoil/house'
import { liveSessions } from './evidence.ts'

const thirdPassword = 'eleven amber lanterns on the pier'
/** On SQLite nothing runs beside anything else: a few rounds see that what is said holds there too. */
const rounds = { sqlite: 3, postgres: 20 }

type Member = Awaited<ReturnType<TestHouse['member']>>
type Act = { last: 'hash' | 'verify' | null; act: () => Promise<Response> }

/**
 * Each act comes as far as its last use of the hasher and waits there for the others, so their transactions begin in
 * one instant. What hashes nothing (`last: null`) begins in that instant.
 */
async function race({ machine }: TestHouse, acts: readonly Act[]): Promise<number[]> {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const running: Promise<Response>[] = []
  for (const { last, act } of acts) {
    if (last === null) continue
    const arrived = new Promise<void>((resolve) => {
      machine.beforeHash = async () => {
        if (machine.hashCalls.at(-1)?.verb !== last) return
        resolve()
        await released
      }
    })
    running.push(act())
    await arrived
  }
  machine.beforeHash = null
  release()
  for (const { last, act } of acts) if (last === null) running.push(act())
  const answers = await Promise.all(running)
  return answers.map(({ status }) => status)
}

/** Rounds in one house, an hour apart; nothing may break in any of them. */
async function inRounds(
  open: OpenTestDatabase,
  options: HouseOptions,
  round: (on: TestHouse, email: string) => Promise<void>,
): Promise<void> {
  let most = 0
  const on = await openHouse(async (given) => {
    const database = await open(given)
    most = rounds[database.engine]
    return database
  }, options)
  for (let count = 0; count < most; count++) {
    await round(on, `p${count}@example.org`)
    assert.deepEqual(on.machine.errorLines, [], `round ${count}`)
    on.machine.clock.advance(3600)
  }
}

async function expectPassword(on: TestHouse, accountId: string, right: string): Promise<void> {
  const row = await on.db
    .selectFrom('password')
    .select('hash')
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow()
  assert.equal(await on.machine.hasher.verify(row.hash, right), true, `the password is ${right}`)
}

async function isSignedIn(browser: Agent): Promise<boolean> {
  return (await browser.get('/auth/session')).status === 200
}

/** Another device of the same person. */
async function device(on: TestHouse, email: string): Promise<Agent> {
  const browser = on.browser()
  const answer = await browser.post('/auth/sign-in', { email, password: goodPassword })
  assert.equal(answer.status, 200)
  return browser
}

/** The same browser once more: what it carries now, in a jar of its own. */
function twin(on: TestHouse, browser: Agent): Agent {
  const copy = on.browser()
  for (const [name, value] of browser.cookies) copy.cookies.set(name, value)
  return copy
}

const change = (browser: Agent, next = otherPassword) =>
  browser.post('/auth/password/change', { current: goodPassword, new: next })

async function eventsOf(on: TestHouse, kind: string, sessionId: string): Promise<number> {
  const rows = await on.db
    .selectFrom('event')
    .select('id')
    .where('kind', '=', kind)
    .where('session_id', '=', sessionId)
    .execute()
  return rows.length
}

async function unproven(on: TestHouse, email: string): Promise<{ browser: Agent; accountId: string }> {
  const browser = on.browser()
  const answer = await browser.post('/auth/sign-up', { email, password: goodPassword })
  assert.equal(answer.status, 201)
  return { browser, accountId: (await answer.json()).account.id }
}

onEachEngine(
  'two that change one account in the same instant wait for each other and break nothing',
  (open) => {
    it('A-92: a reset and a change of password: one of them counts', async () => {
      await inRounds(open, {}, async (on, email) => {
        const { browser, accountId } = await on.member(email)
        await on.program().post('/auth/password/forgot', { email })
        const token = await on.linkFor(email, 'reset')
        const [reset, changed] = await race(on, [
          {
            last: 'hash',
            act: () => on.program().post('/auth/password/reset', { token, password: thirdPassword }),
          },
          { last: 'hash', act: () => change(browser) },
        ])
        assert.deepEqual([reset, changed], reset === 204 ? [204, 401] : [410, 200])
        await expectPassword(on, accountId, reset === 204 ? thirdPassword : otherPassword)
        assert.equal(await liveSessions(on, accountId), reset === 204 ? 0 : 1)
        assert.equal(await isSignedIn(browser), reset !== 204)
      })
    })

    it('A-97: a change of password and a proof of the mailbox by somebody else: the proof counts', async () => {
      await inRounds(open, { policy: { verifiedEmail: 'optional' } }, async (on, email) => {
        const { browser: thief, accountId } = await unproven(on, email)
        const token = await on.linkFor(email, 'verify')
        const owner = on.browser()
        const [changed, verified] = await race(on, [
          { last: 'hash', act: () => change(thief) },
          {
            last: 'hash',
            act: () => owner.post('/auth/verify-email', { token, password: thirdPassword }),
          },
        ])
        assert.equal(verified, 200)
        assert.ok(changed === 200 || changed === 401, `${changed}`)
        await expectPassword(on, accountId, thirdPassword)
        assert.deepEqual([await isSignedIn(thief), await isSignedIn(owner)], [false, true])
        assert.equal(await liveSessions(on, accountId), 1)
      })
    })

    it('A-97: two links of one address that are opened elsewhere: one makes the account, with its password', async () => {
      await inRounds(open, {}, async (on, email) => {
        const links: string[] = []
        for (let count = 0; count < 2; count++) {
          await on.browser().post('/auth/sign-up', { email, password: goodPassword })
          links.push(await on.linkFor(email, 'verify'))
        }
        const [first = '', second = ''] = links
        const browsers = [on.browser(), on.browser()] as const
        const statuses = await race(on, [
          {
            last: 'hash',
            act: () => browsers[0].post('/auth/verify-email', { token: first, password: otherPassword }),
          },
          {
            last: 'hash',
            act: () => browsers[1].post('/auth/verify-email', { token: second, password: thirdPassword }),
          },
        ])
        assert.deepEqual([...statuses].sort(), [200, 410])
        const winner = statuses.indexOf(200)
        const account = await on.db
          .selectFrom('account')
          .select('id')
          .where('email', '=', email)
          .executeTakeFirstOrThrow()
        await expectPassword(on, account.id, winner === 0 ? otherPassword : thirdPassword)
        assert.deepEqual(await on.db.selectFrom('sign_up').select('id').execute(), [], 'no link is left')
        assert.deepEqual(await Promise.all(browsers.map(isSignedIn)), [winner === 0, winner === 1])
        assert.equal(await liveSessions(on, account.id), 1)
      })
    })

    it('A-28: a change of password and a sign-in in place of another session of the account, or of that very session', async () => {
      await inRounds(open, {}, async (on, email) => {
        const { browser, accountId } = await on.member(email)
        const isSame = Number(email.slice(1, 2)) % 2 === 0
        const other = isSame ? twin(on, browser) : await device(on, email)
        const before = twin(on, other)
        const [changed, signedIn] = await race(on, [
          { last: 'hash', act: () => change(browser) },
          { last: 'verify', act: () => other.post('/auth/sign-in', { email, password: goodPassword }) },
        ])
        assert.ok(signedIn === 200 || signedIn === 401, `${signedIn}`)
        if (isSame) assert.ok(changed === 200 || (changed === 401 && signedIn === 200), `${changed}`)
        else assert.equal(changed, 200)
        await expectPassword(on, accountId, changed === 200 ? otherPassword : goodPassword)
        assert.deepEqual([await isSignedIn(before), await isSignedIn(other)], [false, changed === 401])
        assert.equal(await liveSessions(on, accountId), 1)
      })
    })

    it('A-92: many who ask for a reset of one account at once leave one link that works', async () => {
      await inRounds(open, { policy: { mailsPerAddress: 100 } }, async (on, email) => {
        const { accountId } = await on.member(email)
        const forgot = () => on.program().post('/auth/password/forgot', { email })
        const acts = Array.from({ length: 5 }, (): Act => ({ last: null, act: forgot }))
        assert.deepEqual(await race(on, acts), [202, 202, 202, 202, 202])
        const rows = await on.db
          .selectFrom('password_reset')
          .select('id')
          .where('account_id', '=', accountId)
          .execute()
        assert.equal(rows.length, 1)
      })
    })

    it('A-28: two sessions that end all others, and touches of them all: nobody else is left, each is told once', async () => {
      await inRounds(open, {}, async (on, email) => {
        const { browser, accountId } = await on.member(email)
        const [other, third, fourth] = await Promise.all([0, 1, 2].map(() => device(on, email)))
        if (!other || !third || !fourth) throw new Error('three devices')
        const listed = await on.house.sessions.list(accountId)
        for (const session of listed) on.house.sessions.touch({ id: session.id, last_seen_at: 0 })
        const endOthers = (from: Agent): Act => ({
          last: null,
          act: () => from.post('/auth/sessions/end-others'),
        })
        const touches = on.house.chores.touches()
        const statuses = await race(on, [endOthers(browser), endOthers(other)])
        await touches
        assert.ok(
          statuses.every((status) => status === 204 || status === 401),
          `${statuses}`,
        )
        assert.ok(statuses.includes(204))
        assert.deepEqual([await isSignedIn(third), await isSignedIn(fourth)], [false, false])
        assert.ok((await liveSessions(on, accountId)) <= 1)
        const ended = await on.db
          .selectFrom('session')
          .select('id')
          .where('account_id', '=', accountId)
          .where('ended_at', 'is not', null)
          .execute()
        const keys = ended.map(({ id }) => on.machine.secrets.hash(`session:${id}`).slice(0, 22))
        const told = await on.db.selectFrom('feed_log').select('key').where('key', 'in', keys).execute()
        assert.deepEqual(told.map(({ key }) => key).sort(), keys.sort())
      })
    })

    it('A-23: a proof in place of a session that an operator ends: it ends once, and the new one lives', async () => {
      await inRounds(open, {}, async (on, email) => {
        const { browser, accountId }: Member = await on.member(`old-${email}`)
        await browser.post('/auth/sign-up', { email, password: goodPassword })
        const token = await on.linkFor(email, 'verify')
        const before = twin(on, browser)
        const [session] = await on.house.sessions.list(accountId)
        const id = session?.id ?? ''
        const statuses = await race(on, [
          {
            last: null,
            async act() {
              await on.house.sessions.endAny(id, 'operator')
              return new Response(null, { status: 204 })
            },
          },
          { last: null, act: () => browser.post('/auth/verify-email', { token }) },
        ])
        assert.deepEqual(statuses, [204, 200])
        assert.deepEqual([await isSignedIn(before), await isSignedIn(browser)], [false, true])
        assert.equal(await eventsOf(on, 'session_ended', id), 1)
        assert.equal(await liveSessions(on, accountId), 0)
      })
    })
  },
)

/** What a statement writes to first. */
const written = /^(?:with \w+ as \(\s*)?(?:insert into|update|delete from) "?(\w+)"?/

/** The tables that one request wrote to in its transaction, in order. */
function writesOf(statements: readonly string[]): string[] {
  const from = statements.findIndex((statement) => statement.startsWith('begin'))
  const to = statements.findIndex((statement, at) => at > from && statement.startsWith('commit'))
  assert.ok(from >= 0 && to > from, statements.join('; '))
  return (
    statements
      .slice(from, to)
      .flatMap((statement) => written.exec(statement)?.[1] ?? [])
      // Mail that is on its way is written down beside the transaction, by whoever delivers it.
      .filter((table) => table !== 'outbox')
  )
}

/** Only ever written, or held already by whoever has come that far. */
const afterHead = ['feed_log', 'account', 'session', 'event']

onEachEngine('whoever changes what belongs to an account', (open) => {
  const forgotten = async (on: TestHouse, email: string) => {
    await on.program().post('/auth/password/forgot', { email })
    return on.linkFor(email, 'reset')
  }
  const acts: [what: string, act: (on: TestHouse, email: string, browser: Agent) => Promise<Response>][] = [
    ['a change of password', (_on, _email, browser) => change(browser)],
    [
      'a fresh proof',
      (_on, _email, browser) => browser.post('/auth/reauthenticate', { password: goodPassword }),
    ],
    [
      'a sign-in in place of a session',
      (_on, email, browser) => browser.post('/auth/sign-in', { email, password: goodPassword }),
    ],
    ['ending all other sessions', (_on, _email, browser) => browser.post('/auth/sessions/end-others')],
    [
      'a reset',
      async (on, email) => {
        const token = await forgotten(on, email)
        on.statements.length = 0
        return on.program().post('/auth/password/reset', { token, password: otherPassword })
      },
    ],
    [
      'a proof of the mailbox by somebody else',
      async (on, email) => {
        const token = await on.linkFor(email, 'verify')
        on.statements.length = 0
        return on.browser().post('/auth/verify-email', { token, password: otherPassword })
      },
    ],
  ]
  for (const [what, act] of acts) {
    it(`A-28: holds the account before anything else and the head of the feed last: ${what}`, async () => {
      const on = await openHouse(open, { policy: { verifiedEmail: 'optional' } })
      const email = 'ada@example.org'
      const { browser } = await unproven(on, email)
      await device(on, email)
      on.statements.length = 0
      assert.ok((await act(on, email, browser)).status < 300)
      const writes = writesOf(on.statements)
      assert.equal(writes[0], 'account', writes.join())
      const head = writes.indexOf('feed_head')
      assert.ok(head > 0, 'something is told in the feed')
      assert.equal(writes.lastIndexOf('feed_head'), head, 'once')
      const later = writes.slice(head + 1).filter((table) => !afterHead.includes(table))
      assert.deepEqual(later, [], writes.join())
    })
  }
})
