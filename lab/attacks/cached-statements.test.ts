import assert from 'node:assert/strict'
import { it } from 'node:test'
import { sessionCookieName } from '@counterfoil/verifier'
import {
  type Agent,
  goodPassword,
  onEachEngine,
  openHouse,
  otherPassword,
  slowReads,
  type TestHouse,
  type TokenAnswer,
} from 'counterfoil/house'

const email = 'ada@example.org'
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Somebody with a browser and an app, and a third device to act from; both are known to the server's memory. */
type Person = {
  home: TestHouse
  browser: Agent
  app: TokenAnswer
  elsewhere: Agent
  accountId: string
  browserSession: string
  /** What the server says to the cookie and to the token, in that order. */
  statuses(): Promise<string>
}

async function aPerson(home: TestHouse): Promise<Person> {
  const { browser, accountId } = await home.member(email)
  const app = await home.tokens(email)
  const elsewhere = home.browser()
  await elsewhere.post('/auth/sign-in', { email, password: goodPassword })
  const { session } = await (await browser.get('/auth/session')).json()
  const statuses = async () => {
    const byCookie = await browser.get('/auth/session')
    const byToken = await home.program().get('/auth/session', bearer(app.access_token))
    return `${byCookie.status} ${byToken.status}`
  }
  assert.equal(await statuses(), '200 200')
  return { home, browser, app, elsewhere, accountId, browserSession: session.id, statuses }
}

/** Whatever is asked meanwhile, the store is not. */
async function withoutReading<Result>(home: TestHouse, act: () => Promise<Result>): Promise<Result> {
  const before = home.statements.length
  const result = await act()
  assert.deepEqual(home.statements.slice(before), [])
  return result
}

const refresh = (home: TestHouse, token: string) =>
  home.program().submit('/oauth/token', { grant_type: 'refresh_token', refresh_token: token })

/** Every way in which a session ends, and what the server then says to the cookie and to the token. */
const endings: [name: string, after: string, end: (person: Person) => Promise<unknown>][] = [
  [
    'signing out of the browser',
    '401 200',
    ({ browser }) => keepingCookie(browser, () => browser.post('/auth/sign-out')),
  ],
  [
    'signing out of the app',
    '200 401',
    ({ home, app }) => home.program().post('/auth/sign-out', {}, bearer(app.access_token)),
  ],
  [
    'ending the browser from the list',
    '401 200',
    ({ elsewhere, browserSession }) => elsewhere.send('DELETE', `/auth/sessions/${browserSession}`),
  ],
  [
    'ending the app from the list',
    '200 401',
    ({ elsewhere, app }) => elsewhere.send('DELETE', `/auth/sessions/${app.session.id}`),
  ],
  ['ending all others', '401 401', ({ elsewhere }) => elsewhere.post('/auth/sessions/end-others')],
  [
    'a change of password',
    '401 401',
    ({ elsewhere }) => elsewhere.post('/auth/password/change', { current: goodPassword, new: otherPassword }),
  ],
  ['a reset', '401 401', ({ home }) => reset(home)],
  ['disabling the account', '401 401', ({ home, accountId }) => home.house.accounts.disable(accountId)],
  [
    'an operator',
    '401 200',
    ({ home, browserSession }) => home.house.sessions.endAny(browserSession, 'test'),
  ],
  [
    'a new proof in the browser',
    '401 200',
    ({ browser }) =>
      keepingCookie(browser, () => browser.post('/auth/reauthenticate', { password: goodPassword })),
  ],
  ['a stolen signing key', '200 401', ({ home }) => home.house.keys.rotate('compromised')],
  ['refresh misuse', '200 401', ({ home, app }) => misuse(home, app)],
]

/** Whoever copied the cookie still has the one from before. */
async function keepingCookie(browser: Agent, act: () => Promise<unknown>): Promise<void> {
  const cookies = [...browser.cookies]
  await act()
  browser.cookies.clear()
  for (const [name, value] of cookies) browser.cookies.set(name, value)
}

async function reset(home: TestHouse): Promise<void> {
  await home.program().post('/auth/password/forgot', { email })
  const token = await home.linkFor(email, 'reset')
  const answer = await home.program().post('/auth/password/reset', { token, password: otherPassword })
  assert.equal(answer.status, 204)
}

async function misuse(home: TestHouse, { refresh_token: first }: TokenAnswer): Promise<void> {
  const second = await (await refresh(home, first)).json()
  assert.equal((await refresh(home, second.refresh_token)).status, 200)
  assert.equal((await refresh(home, first)).status, 400)
}

onEachEngine('statements that are kept', (open) => {
  it('a thousand requests by each carrier read nothing, and are one sign of life, written later', async () => {
    const person = await aPerson(await openHouse(open, { policy: { sessionIdleSeconds: 1200 } }))
    const { home, statuses } = person
    home.machine.clock.advance(121)
    await home.house.chores.tick()
    await withoutReading(home, async () => {
      for (let count = 0; count < 1000; count++) assert.equal(await statuses(), '200 200')
    })
    const before = home.statements.length
    await home.house.chores.touches()
    assert.equal(home.statements.length, before + 1)
    await withoutReading(home, statuses)
    await withoutReading(home, home.house.chores.touches)
    const rows = await home.db.selectFrom('session').select(['id', 'last_seen_at']).execute()
    const seen = new Map(rows.map((row) => [row.id, row.last_seen_at]))
    for (const id of [person.browserSession, person.app.session.id])
      assert.equal(seen.get(id), home.machine.clock.now())
  })

  for (const [name, after, end] of endings) {
    it(`after ${name} the very next request is answered ${after}, in the same process`, async () => {
      const person = await aPerson(await openHouse(open))
      await withoutReading(person.home, person.statuses)
      await end(person)
      assert.equal(await person.statuses(), after)
      assert.equal(await person.statuses(), after)
    })

    it(`after ${name} by another process one poll makes it ${after}`, async () => {
      const person = await aPerson(await openHouse(open))
      const next = await person.home.neighbour()
      const [browser, elsewhere] = [next.browser(), next.browser()]
      for (const [one, other] of [
        [browser, person.browser],
        [elsewhere, person.elsewhere],
      ] as const)
        for (const cookie of other.cookies) one.cookies.set(...cookie)
      await end({ ...person, home: next, browser, elsewhere })
      await person.home.house.chores.poll()
      assert.equal(await person.statuses(), after)
      assert.equal(await person.statuses(), after)
    })
  }

  it('a reading that an end overtakes is neither believed nor kept, whoever ended it', async () => {
    const slow = slowReads(open)
    const overtaking: [name: string, end: (person: Person, by: TestHouse) => Promise<unknown>][] = [
      [
        'the sessions',
        async ({ browserSession, app }, { house }) => {
          await house.sessions.endAny(browserSession, 'test')
          await house.sessions.endAny(app.session.id, 'test')
        },
      ],
      ['the account', ({ accountId }, { house }) => house.accounts.disable(accountId)],
    ]
    for (const isOther of [false, true]) {
      for (const [name, end] of overtaking) {
        const home = await openHouse(slow.open)
        const person = await aPerson(home)
        const by = isOther ? await home.neighbour() : home
        // Nothing is in memory any more: the statements have ended, the sessions have not.
        home.machine.clock.advance(3600)
        await home.house.chores.tick()
        const fresh = await (await refresh(home, person.app.refresh_token)).json()
        const asks = [
          () => person.browser.get('/auth/session'),
          () => home.program().get('/auth/session', bearer(fresh.access_token)),
        ]
        let isEnded = false
        for (const ask of asks) {
          let readLive = false
          slow.beforeArrival = async () => {
            readLive = !isEnded
            if (!isEnded) await end(person, by)
            isEnded = true
            await home.house.chores.poll()
          }
          assert.equal((await ask()).status, 401, `${name}, by another process: ${isOther}`)
          assert.equal(readLive, ask === asks[0])
          assert.equal((await ask()).status, 401)
        }
      }
    }
  })

  it('where every reading is overtaken again, nobody is let in on a guess', async () => {
    const slow = slowReads(open)
    const home = await openHouse(slow.open)
    const { browser, accountId } = await home.member(email)
    const app = await home.tokens(email)
    const log = () =>
      home.db.transaction().execute((tx) => home.house.feed.append(tx, [{ kind: 'account', id: accountId }]))
    slow.beforeEach = async () => {
      await log()
      await home.house.chores.poll()
    }
    assert.equal((await browser.get('/auth/session')).status, 401)
    assert.equal((await home.program().get('/auth/session', bearer(app.access_token))).status, 401)
    slow.beforeEach = null
    assert.equal((await browser.get('/auth/session')).status, 200)
  })

  it('what was not heard of for 20 seconds is read again, 3 where something is to be changed', async () => {
    const { home, browser, statuses } = await aPerson(await openHouse(open))
    const readings = async (act: () => Promise<unknown>) => {
      const before = home.statements.length
      await act()
      return home.statements
        .slice(before)
        .filter((sql) => sql.startsWith('select') && sql.includes('"session"')).length
    }
    const deed = () => browser.post('/auth/sessions/end-others')
    const look = () => browser.get('/auth/session')
    home.machine.clock.advance(2)
    assert.deepEqual([await readings(deed), await readings(look)], [0, 0])
    home.machine.clock.advance(2)
    assert.deepEqual([await readings(look), await readings(deed)], [0, 1])
    home.machine.clock.advance(4)
    for (const [method, expected] of [
      ['GET', 0],
      ['POST', 1],
    ] as const) {
      const cookie = `${sessionCookieName}=${browser.cookies.get(sessionCookieName)}`
      const headers = { cookie, 'sec-fetch-site': 'same-origin' }
      const byApplication = () => home.house.identify(new Request(home.issuer, { method, headers }))
      assert.equal(await readings(byApplication), expected, method)
    }
    home.machine.clock.advance(15)
    await home.house.chores.tick()
    home.machine.clock.advance(19)
    assert.deepEqual([await readings(look), await readings(look)], [0, 0])
    home.machine.clock.advance(2)
    // An answer of the store counts for as long as the feed would.
    assert.deepEqual([await readings(look), await readings(look)], [1, 0])
    await home.house.chores.tick()
    assert.equal(await withoutReading(home, look).then(({ status }) => status), 200)
    assert.match(await statuses(), /^200/)
  })

  it('with the database gone, memory serves for its 20 or 3 seconds, and then nobody is let in: 503', async () => {
    const { home, browser, app } = await aPerson(await openHouse(open))
    const asks: [name: string, ask: () => Promise<Response>][] = [
      ['cookie', () => browser.get('/auth/session')],
      ['token', () => home.program().get('/auth/session', bearer(app.access_token))],
    ]
    const deed = () => browser.post('/auth/sign-out')
    await home.loseDatabase()
    home.machine.clock.advance(4)
    const refused = await deed()
    assert.deepEqual([refused.status, (await refused.json()).code], [503, 'feed_stale'])
    assert.deepEqual(refused.headers.getSetCookie(), [], 'nobody is signed out by a server that cannot tell')
    home.machine.clock.advance(15)
    for (const [name, ask] of asks) assert.equal((await ask()).status, 200, name)
    home.machine.clock.advance(2)
    for (const [name, ask] of asks) {
      const answer = await ask()
      assert.deepEqual([answer.status, (await answer.json()).code], [503, 'feed_stale'], name)
      assert.equal(answer.headers.get('retry-after'), '1')
    }
  })

  it('an hour of use every hundred seconds keeps a session that is idle after five minutes, by every process', async () => {
    const { home, browser, statuses } = await aPerson(
      await openHouse(open, { policy: { sessionIdleSeconds: 300 } }),
    )
    const next = await home.neighbour()
    const { id } = (await (await browser.get('/auth/session')).json()).session
    const pass = async (seconds: number) => {
      home.machine.clock.advance(seconds)
      for (const { house } of [home, next]) {
        await house.chores.touches()
        await house.chores.tick()
      }
    }
    for (let round = 0; round < 36; round++) {
      await pass(100)
      assert.equal((await browser.get('/auth/session')).status, 200, String(round))
    }
    // Seen elsewhere: what is known here says idle, and the store is asked before anybody is turned away.
    const other = next.browser()
    for (const cookie of browser.cookies) other.cookies.set(...cookie)
    for (let round = 0; round < 3; round++) {
      await pass(200)
      assert.equal((await other.get('/auth/session')).status, 200)
    }
    await pass(1)
    assert.equal((await browser.get('/auth/session')).status, 200)
    // A sign of life is written only every thirty seconds here, so the last one may be that much older.
    await pass(269)
    assert.equal((await browser.get('/auth/session')).status, 200)
    await pass(300)
    assert.match(await statuses(), /^401/)
    assert.equal(await next.house.sessions.findLive(id), null)
  })

  it('a statement that is kept ends with half the idle time, with the session and with the token', async () => {
    const cases: [policy: object, seconds: number, before: string, after: string][] = [
      [{ sessionIdleSeconds: 300 }, 150, '0 reads', '1 reads'],
      [{}, 3600, '0 reads', '1 reads'],
      [{ sessionAbsoluteSeconds: 600 }, 600, '0 reads', '1 reads'],
    ]
    for (const [policy, seconds, before, after] of cases) {
      const { home, browser } = await aPerson(await openHouse(open, { policy }))
      const look = async () => {
        const earlier = home.statements.length
        await browser.get('/auth/session')
        return `${home.statements.length - earlier} reads`
      }
      home.machine.clock.advance(seconds - 1)
      await home.house.chores.tick()
      assert.equal(await look(), before, JSON.stringify(policy))
      home.machine.clock.advance(1)
      await home.house.chores.tick()
      assert.equal(await look(), after, JSON.stringify(policy))
    }
    const { home, statuses } = await aPerson(
      await openHouse(open, { policy: { sessionAbsoluteSeconds: 600 } }),
    )
    for (const [seconds, expected] of [
      [299, '200 200'],
      [1, '200 401'],
      [299, '200 401'],
      [1, '401 401'],
    ] as const) {
      home.machine.clock.advance(seconds)
      await home.house.chores.tick()
      assert.equal(await statuses(), expected)
    }
  })

  it('a server that has run for a year still reads nothing', async () => {
    const { home, browser } = await aPerson(await openHouse(open))
    for (let day = 0; day < 365; day++) {
      home.machine.clock.advance(24 * 3600)
      await home.house.chores.tick()
    }
    await browser.post('/auth/sign-in', { email, password: goodPassword })
    await browser.get('/auth/session')
    for (let second = 0; second < 20; second++) {
      home.machine.clock.advance(1)
      await home.house.chores.tick()
      await withoutReading(home, () => browser.get('/auth/session'))
    }
    home.machine.clock.advance(19)
    await withoutReading(home, () => browser.get('/auth/session'))
  })

  it('no other cookie and no other token finds what is in memory: every character counts', async () => {
    const { home, browser, app } = await aPerson(await openHouse(open))
    const cookie = browser.cookies.get(sessionCookieName) ?? ''
    const change = (text: string, at: number) =>
      `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
    for (let at = 0; at < cookie.length; at++) {
      const forged = { cookie: `${sessionCookieName}=${change(cookie, at)}` }
      assert.equal((await home.program().get('/auth/session', forged)).status, 401, String(at))
    }
    const token = app.access_token
    for (let at = 0; at < token.length; at += 7)
      assert.equal(
        (await home.program().get('/auth/session', bearer(change(token, at)))).status,
        401,
        String(at),
      )
  })
})
