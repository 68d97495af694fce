import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import { it } from 'node:test'
import { goodPassword, onEachEngine, openHouse, otherPassword, type TestHouse } from 'counterfoil/house'
import { codeOf, contentsOf, expectRefused, faceOf, liveSessions } from './evidence.ts'

const failed = { status: 401, code: 'sign_in_failed' }
const today = 'argon2id$v=19$m=19456,t=2,p=1'

type Carrier = 'cookie' | 'token'

function signIn(
  house: TestHouse,
  email: string,
  password: string,
  carrier: Carrier = 'token',
): Promise<Response> {
  return house.browser().post('/auth/sign-in', { email, password, carrier })
}

/** Does something once, while a password waits to be hashed: `verb` says at which step. */
function meanwhile(
  { machine }: TestHouse,
  verb: 'hash' | 'verify',
  act: () => Promise<unknown>,
): { wasDone(): boolean } {
  let isDone = false
  machine.beforeHash = async () => {
    if (isDone || machine.hashCalls.at(-1)?.verb !== verb) return
    isDone = true
    await act()
  }
  return { wasDone: () => isDone }
}

async function storePassword({ db }: TestHouse, accountId: string, hash: string): Promise<void> {
  await db.updateTable('password').set({ hash }).where('account_id', '=', accountId).execute()
}

async function storedHash({ db }: TestHouse, accountId: string): Promise<string> {
  const row = await db
    .selectFrom('password')
    .select('hash')
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow()
  return row.hash
}

/** What a server of years ago has stored: the same algorithm at a lower cost. */
function oldHash(password: string): string {
  const nonce = Buffer.alloc(16, 3)
  const tag = argon2Sync('argon2id', {
    message: password,
    nonce,
    parallelism: 1,
    tagLength: 32,
    memory: 1024,
    passes: 1,
  })
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
  return `$argon2id$v=19$m=1024,t=1,p=1$${text(nonce)}$${text(tag)}`
}

async function resetWith(house: TestHouse, email: string, password: string): Promise<Response> {
  const token = await house.linkFor(email, 'reset')
  return house.program().post('/auth/password/reset', { token, password })
}

async function eventsOf({ db }: TestHouse, kind: string): Promise<number> {
  return (await db.selectFrom('event').select('id').where('kind', '=', kind).execute()).length
}

onEachEngine('hashing is bounded', (open) => {
  it('A-85: a password of a megabyte, of 20,000 or of 1,025 characters is refused without being hashed', async () => {
    const house = await openHouse(open)
    const { browser, email } = await house.member()
    const reset = await browser.post('/auth/password/forgot', { email })
    assert.equal(reset.status, 202)
    const token = await house.linkFor(email, 'reset')
    const before = await contentsOf(house.db)
    house.machine.hashCalls.length = 0
    for (const [length, status] of [
      [1024 * 1024, 413],
      [20_000, 400],
      [1025, 422],
    ] as const) {
      const password = 'p'.repeat(length)
      const answers = [
        browser.post('/auth/sign-in', { email, password }),
        browser.submit('/sign-in', { email, password }),
        browser.post('/auth/sign-up', { email: 'new@example.org', password }),
        browser.post('/auth/reauthenticate', { password }),
        browser.post('/auth/password/change', { current: goodPassword, new: password }),
        browser.post('/auth/password/reset', { token, password }),
      ]
      for (const { status: got } of await Promise.all(answers)) assert.equal(got, status, `${length}`)
    }
    assert.deepEqual(house.machine.hashCalls, [])
    assert.equal(await contentsOf(house.db), before)
    assert.equal((await signIn(house, email, goodPassword)).status, 200)
  })

  it('A-85: beyond the hashing queue the answer is busy and when to come again, and whoever is signed in does not wait', async () => {
    const house = await openHouse(open, { hashingQueue: 2 })
    const { browser, email, accountId } = await house.member()
    await browser.get('/auth/session')
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let waiting = 0
    house.machine.beforeHash = async () => {
      waiting += 1
      await released
    }
    const strangers = Array.from({ length: 40 }, (_, at) => `stranger-${at}@example.org`)
    const flood = strangers.map((one) => signIn(house, one, otherPassword))
    while (waiting === 0) await new Promise<void>((resolve) => setImmediate(resolve))
    house.statements.length = 0
    const shown = await browser.get('/auth/session')
    assert.equal(shown.status, 200, 'whoever is signed in is answered while the others wait')
    assert.deepEqual(
      house.statements.filter((one) => /^select .* from "session"/is.test(one)),
      [],
      'and without a read',
    )
    release()
    const answers = await Promise.all(flood)
    const [busy, ...others] = answers.filter(({ status }) => status === 503)
    assert.ok(busy && others.length > 0)
    assert.equal(busy.headers.get('retry-after'), '2')
    assert.equal(await codeOf(busy), 'busy')
    const tried = answers.filter(({ status }) => status === 401).length
    assert.ok(tried >= 3, 'one is being hashed and two wait')
    assert.equal(others.length + 1, 40 - tried)
    const now = house.machine.clock.now()
    const counted = await house.db
      .selectFrom('limit_state')
      .select('key')
      .where('key', 'like', 'account:%')
      .where('arrival_at', '>', now)
      .execute()
    assert.equal(counted.length, tried, 'what was never tried does not count as an attempt')
    assert.equal(await liveSessions(house, accountId), 1)
    assert.equal((await signIn(house, email, goodPassword)).status, 200)
  })

  it('A-88: a stored hash that asks for gigabytes, hours or another algorithm is a failed sign-in like any other', async () => {
    const house = await openHouse(open)
    const { email, accountId } = await house.member()
    await house.member('honest@example.org')
    const honest = await faceOf(await signIn(house, 'honest@example.org', otherPassword))
    const good = await storedHash(house, accountId)
    const tail = good.split('$').slice(4).join('$')
    const tampered = [
      `$argon2id$v=19$m=4194304,t=2,p=1$${tail}`,
      `$argon2id$v=19$m=19456,t=4000000000,p=1$${tail}`,
      `$argon2id$v=19$m=19456,t=2,p=255$${tail}`,
      `$argon2id$v=19$m=99999999999999999999,t=2,p=1$${tail}`,
      `$argon2id$v=16$m=19456,t=2,p=1$${tail}`,
      `$argon2d$v=19$m=19456,t=2,p=1$${tail}`,
      `$argon2i$v=19$m=19456,t=2,p=1$${tail}`,
      `$argon2id$v=19$m=19456,t=2,p=1,data=x$${tail}`,
      `$argon2id$v=19$m=-1,t=2,p=1$${tail}`,
      `$argon2id$v=19$m=0,t=0,p=0$${tail}`,
      '$2b$31$abcdefghijklmnopqrstuvabcdefghijklmnopqrstuvabcdefghijk',
      '$scrypt$ln=30,r=8,p=1$AAAA$AAAA',
      goodPassword,
      '',
      ` ${good}`,
      `${good}\n`,
    ]
    const memoryBefore = process.resourceUsage().maxRSS
    for (const hash of tampered) {
      house.machine.clock.advance(60)
      await storePassword(house, accountId, hash)
      house.machine.hashCalls.length = 0
      assert.deepEqual(await faceOf(await signIn(house, email, goodPassword)), honest, hash)
      assert.equal(house.machine.hashCalls.length, 1, hash)
      assert.equal(await storedHash(house, accountId), hash, 'and nothing is written over it')
    }
    assert.ok(process.resourceUsage().maxRSS - memoryBefore < 500_000, 'KiB')
    assert.deepEqual(house.machine.errorLines, [])
    await storePassword(house, accountId, good)
    house.machine.clock.advance(600)
    assert.equal((await signIn(house, email, goodPassword)).status, 200)
  })
})

onEachEngine('a link from the mail', (open) => {
  const links: {
    page: 'verify' | 'reset'
    path: string
    ask: (house: TestHouse, email: string) => Promise<Response>
    done: number
  }[] = [
    {
      page: 'verify',
      path: '/auth/verify-email',
      ask: (house, email) => house.browser().post('/auth/sign-up', { email, password: goodPassword }),
      done: 200,
    },
    {
      page: 'reset',
      path: '/auth/password/reset',
      async ask(house, email) {
        await house.member(email)
        return house.browser().post('/auth/password/forgot', { email })
      },
      done: 204,
    },
  ]
  for (const { page, path, ask, done } of links) {
    it(`A-85: a link to /${page} with a password that cannot be taken costs no hash and stays good`, async () => {
      const house = await openHouse(open)
      const email = 'ada@example.org'
      await ask(house, email)
      const token = await house.linkFor(email, page)
      house.machine.hashCalls.length = 0
      for (const [password, code] of [
        ['short', 'password_too_short'],
        ['p'.repeat(1025), 'password_too_long'],
        [email, 'password_common'],
      ] as const) {
        await expectRefused(
          await house.program().post(path, { token, password, carrier: 'token' }),
          { status: 422, code },
          code,
        )
        await house.browser().submit(`/${page}`, { token, password })
      }
      assert.deepEqual(house.machine.hashCalls, [])
      const answer = await house.browser().post(path, { token, password: otherPassword })
      assert.equal(answer.status, done)
    })

    it(`A-85: one link to /${page} that is sent with 40 passwords at once leaves room in the hashing queue for others`, async () => {
      const house = await openHouse(open, { hashingQueue: 10 })
      const email = 'ada@example.org'
      const { email: other } = await house.member('bo@example.org')
      await ask(house, email)
      const token = await house.linkFor(email, page)
      house.machine.hashCalls.length = 0
      const flood = Array.from({ length: 40 }, (_, at) =>
        house.program().post(path, { token, password: `${otherPassword} ${at}`, carrier: 'token' }),
      )
      while (house.machine.hashCalls.length === 0) await new Promise<void>((go) => setImmediate(go))
      for (let round = 0; round < 3; round++) {
        const answers = await Promise.all([
          signIn(house, other, goodPassword),
          signIn(house, 'stranger@example.org', goodPassword),
        ])
        const statuses = answers.map(({ status }) => status)
        assert.deepEqual(statuses, [200, 401], `round ${round}`)
      }
      const statuses = (await Promise.all(flood)).map(({ status }) => status)
      assert.equal(statuses.filter((status) => status === done).length, 1, `${statuses}`)
      assert.ok(
        statuses.every((status) => [done, 410, 503].includes(status)),
        `${statuses}`,
      )
      assert.ok(statuses.includes(503), 'whoever sends that many is told to come again')
    })
  }
})

onEachEngine('one password, one meaning', (open) => {
  const base = 'the quiet river at dusk'
  const long = `${base} ${'abcdefghij klmno '.repeat(6)}`
  const cases: readonly { what: string; set: string; same?: readonly string[]; other: readonly string[] }[] =
    [
      {
        what: 'NFC and NFD are one',
        set: `caf\u00e9 ${base}`,
        same: [`cafe\u0301 ${base}`],
        other: [`cafe ${base}`],
      },
      {
        what: 'NUL does not end it',
        set: `quiet\0${base}`,
        other: ['quiet', `quiet${base}`, 'quiet\0', `quiet\0${base}\0`],
      },
      { what: 'ZWJ is kept', set: `\u{1f468}\u200d\u{1f469} ${base}`, other: [`\u{1f468}\u{1f469} ${base}`] },
      { what: 'RTL marks are kept', set: `\u202e${base}\u202c`, other: [base] },
      { what: 'spaces at the ends count', set: ` ${base}  `, other: [base, ` ${base}`, `${base}  `] },
      { what: 'compatibility forms differ', set: `\ufb01sh ${base}`, other: [`fish ${base}`] },
      { what: 'case counts', set: `${base} K`, other: [`${base} k`, `${base} \u212a!`] },
      { what: 'what follows 72 bytes counts', set: `${long}x`, other: [`${long}y`, long, long.slice(0, 72)] },
      {
        what: '1,024 characters of four bytes',
        set: `${'\u{1f9ed}\u{1f30a}\u{1f33f}\u{1f341}'.repeat(255)}tide`,
        other: [`${'\u{1f9ed}\u{1f30a}\u{1f33f}\u{1f341}'.repeat(255)}tidf`],
      },
    ]

  it('A-86: NUL, marks, spaces, long tails and composed characters have one defined meaning each', async () => {
    const house = await openHouse(open)
    for (const [index, { what, set, same = [], other }] of cases.entries()) {
      const email = `p${index}@example.org`
      await house.member(email, set)
      for (const typed of [set, ...same]) assert.equal((await signIn(house, email, typed)).status, 200, what)
      for (const typed of other) await expectRefused(await signIn(house, email, typed), failed, what)
    }
    assert.deepEqual(
      [...new Set(house.machine.hashCalls.map(({ cost }) => cost))],
      [today],
      'long or short, at one cost',
    )
  })

  it('A-86: a lone surrogate is refused wherever a password is typed, so that no two share a hash', async () => {
    const house = await openHouse(open)
    const { browser, email } = await house.member()
    const before = await contentsOf(house.db)
    house.machine.hashCalls.length = 0
    for (const half of ['\\ud800', '\\udfff', '\\udc00\\ud800']) {
      const password = `${half} a long walk by the river`
      for (const [path, body] of [
        ['/auth/sign-in', `{"email":"${email}","password":"${password}"}`],
        ['/auth/sign-up', `{"email":"new@example.org","password":"${password}"}`],
        ['/auth/reauthenticate', `{"password":"${password}"}`],
        ['/auth/password/change', `{"current":"${goodPassword}","new":"${password}"}`],
      ] as const) {
        const answer = await browser.send('POST', path, {
          body,
          headers: { 'content-type': 'application/json' },
        })
        assert.ok([400, 422].includes(answer.status), `${path} ${half}`)
      }
    }
    assert.deepEqual(house.machine.hashCalls, [])
    assert.equal(await contentsOf(house.db), before)
  })
})

onEachEngine('a password that is hashed anew', (open) => {
  it('A-87: of two sign-ins that meet an old hash both succeed and one writes the new one', async () => {
    const house = await openHouse(open)
    const { email, accountId } = await house.member()
    await storePassword(house, accountId, oldHash(goodPassword))
    const answers = await Promise.all([
      signIn(house, email, goodPassword),
      signIn(house, email, goodPassword),
    ])
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    )
    const upgraded = await storedHash(house, accountId)
    assert.ok(upgraded.startsWith(`$${today}$`))
    assert.equal(await eventsOf(house, 'password_upgraded'), 1)
    assert.equal((await signIn(house, email, goodPassword)).status, 200)
    assert.equal(await storedHash(house, accountId), upgraded, 'once is enough')
    await expectRefused(await signIn(house, email, otherPassword), failed, 'a wrong password')
  })

  it('A-87: a wrong password never renews an old hash', async () => {
    const house = await openHouse(open)
    const { email, accountId } = await house.member()
    const old = oldHash(goodPassword)
    await storePassword(house, accountId, old)
    await expectRefused(await signIn(house, email, otherPassword), failed, 'a wrong password')
    assert.equal(await storedHash(house, accountId), old)
  })

  it('A-87: a reset that comes while an old hash is renewed wins, and the old password is not brought back', async () => {
    const house = await openHouse(open)
    const { email, accountId } = await house.member()
    await storePassword(house, accountId, oldHash(goodPassword))
    await house.program().post('/auth/password/forgot', { email })
    const reset = meanwhile(house, 'hash', async () =>
      assert.equal((await resetWith(house, email, otherPassword)).status, 204),
    )
    await expectRefused(await signIn(house, email, goodPassword), failed, 'the old password')
    assert.ok(reset.wasDone())
    assert.equal(await eventsOf(house, 'password_upgraded'), 0)
    assert.equal(await liveSessions(house, accountId), 0)
    await expectRefused(await signIn(house, email, goodPassword), failed, 'the old password, later')
    assert.equal((await signIn(house, email, otherPassword)).status, 200)
  })
})
