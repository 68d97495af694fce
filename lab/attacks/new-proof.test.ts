import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  type Agent,
  goodPassword,
  type OpenTestDatabase,
  onEachEngine,
  openHouse,
  otherPassword,
  type TestHouse,
  type TokenAnswer,
} from 'counterfoil/house'
import { codeOf, liveSessions } from './evidence.ts'

type Scene = TestHouse & {
  owner: Awaited<ReturnType<TestHouse['member']>>
  /** From here on the database answers nothing about sessions once a proof was committed, until it is set back. */
  breakAfterProof: { armed: boolean; broke: number }
}

async function scene(open: OpenTestDatabase): Promise<Scene> {
  const breakAfterProof = { armed: false, broke: 0 }
  let isProven = false
  const house = await openHouse((options) =>
    open({
      onStatement(sql, sort) {
        options?.onStatement?.(sql, sort)
        if (!breakAfterProof.armed) return
        if (/^update "session" set "began"/.test(sql)) isProven = true
        else if (isProven && /^select .* from "session"/s.test(sql)) {
          breakAfterProof.broke += 1
          // Of a kind that the database's being away is not taken for.
          throw Object.assign(new Error('the answer is lost'), { code: 'XX000' })
        }
      },
    }),
  )
  return { ...house, owner: await house.member(), breakAfterProof }
}

const statusWith = async (on: TestHouse, cookies: ReadonlyMap<string, string>): Promise<number> => {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return (await on.program().get('/auth/session', { cookie })).status
}

const bearer = ({ access_token }: Pick<TokenAnswer, 'access_token'>) => ({
  authorization: `Bearer ${access_token}`,
})

const refresh = (on: TestHouse, token: string) =>
  on.program().send('POST', '/oauth/token', { form: { grant_type: 'refresh_token', refresh_token: token } })

const isLive = async (on: TestHouse, pair: TokenAnswer) =>
  (await on.program().get('/auth/session', bearer(pair))).status === 200

/** Session id, generation, secret: of one session's tokens the newest sorts last. */
const byGeneration = (one: string, other: string) =>
  Buffer.compare(Buffer.from(one.slice(4), 'base64url'), Buffer.from(other.slice(4), 'base64url'))

/** All of them have had their password checked before any goes on. */
function meet({ machine }: TestHouse, count: number): void {
  let arrived = 0
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  machine.beforeHash = () => {
    arrived += 1
    if (arrived === count) release()
    return released
  }
}

const proofs: readonly {
  what: string
  send: (agent: Agent, headers?: Record<string, string>) => Promise<Response>
  right: string
}[] = [
  {
    what: 'a fresh proof',
    send: (agent, headers) => agent.post('/auth/reauthenticate', { password: goodPassword }, headers),
    right: goodPassword,
  },
  {
    what: 'a change of password',
    send: (agent, headers) =>
      agent.post('/auth/password/change', { current: goodPassword, new: otherPassword }, headers),
    right: otherPassword,
  },
]

onEachEngine('a proof and the end of what was carried before it are one', (open) => {
  for (const { what, send, right } of proofs) {
    it(`A-24: when nothing can be handed out after ${what}, the old cookie is dead all the same`, async () => {
      const on = await scene(open)
      const { browser, email } = on.owner
      const before = new Map(browser.cookies)
      assert.equal(await statusWith(on, before), 200)
      on.breakAfterProof.armed = true
      const answer = await send(browser)
      on.breakAfterProof.armed = false
      assert.deepEqual([answer.status, await codeOf(answer)], [500, 'broken'])
      assert.deepEqual(answer.headers.getSetCookie(), [])
      assert.equal(on.breakAfterProof.broke, 1, 'it broke after the proof')
      assert.equal(await statusWith(on, before), 401)
      const again = await on.browser().post('/auth/sign-in', { email, password: right })
      assert.equal(again.status, 200, 'the proof itself is kept')
    })

    it(`A-24: when nothing can be handed out after ${what}, the old refresh token is dead all the same`, async () => {
      const on = await scene(open)
      const pair = await on.tokens(on.owner.email)
      on.breakAfterProof.armed = true
      const answer = await send(on.program(), bearer(pair))
      on.breakAfterProof.armed = false
      assert.deepEqual([answer.status, on.breakAfterProof.broke], [500, 1])
      const refused = await refresh(on, pair.refresh_token)
      assert.deepEqual([refused.status, await codeOf(refused)], [400, 'invalid_grant'])
    })

    it(`A-24: the feed tells of the cookie that ${what} replaced, once`, async () => {
      const on = await scene(open)
      const row = await on.db.selectFrom('session').select('cookie_hash').executeTakeFirstOrThrow()
      assert.equal((await send(on.owner.browser)).status, 200)
      const key = on.machine.secrets.hash(`cookie:${row.cookie_hash}`).slice(0, 22)
      const told = await on.db.selectFrom('feed_log').select('seq').where('key', '=', key).execute()
      assert.equal(told.length, 1)
    })
  }

  it('A-24: a session that is ended before it is handed anything carries nothing', async () => {
    const on = await scene(open)
    const { browser, accountId } = on.owner
    const before = new Map(browser.cookies)
    on.machine.beforeHash = async () => {
      on.machine.beforeHash = null
      const [session] = await on.house.sessions.list(accountId)
      await on.house.sessions.endAny(session?.id ?? '', 'operator')
    }
    const answer = await browser.post('/auth/reauthenticate', { password: goodPassword })
    assert.deepEqual([answer.status, await codeOf(answer)], [401, 'session_ended'])
    assert.equal(await statusWith(on, before), 401)
    assert.equal(await liveSessions(on, accountId), 0)
  })

  it('A-24: two fresh proofs of one cookie at once are both answered, and the session has one cookie', async () => {
    const on = await scene(open)
    const { browser, accountId } = on.owner
    for (let round = 0; round < 10; round++) {
      const before = new Map(browser.cookies)
      const jars = [on.browser(), on.browser()]
      for (const jar of jars) for (const [name, value] of before) jar.cookies.set(name, value)
      meet(on, 2)
      const answers = await Promise.all(
        jars.map((jar) => jar.post('/auth/reauthenticate', { password: goodPassword })),
      )
      on.machine.beforeHash = null
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
        `round ${round}`,
      )
      const live: Agent[] = []
      for (const jar of jars) if ((await jar.get('/auth/session')).status === 200) live.push(jar)
      assert.equal(live.length, 1)
      assert.equal(await statusWith(on, before), 401)
      assert.equal(await liveSessions(on, accountId), 1)
      for (const [name, value] of live[0]?.cookies ?? []) browser.cookies.set(name, value)
    }
    assert.deepEqual(on.machine.errorLines, [])
  })

  it('A-24: two fresh proofs of one token at once are both answered, and one refresh token goes on', async () => {
    const on = await scene(open)
    for (let round = 0; round < 10; round++) {
      const pair = await on.tokens(on.owner.email)
      meet(on, 2)
      const answers = await Promise.all(
        [0, 1].map(() => on.program().post('/auth/reauthenticate', { password: goodPassword }, bearer(pair))),
      )
      on.machine.beforeHash = null
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
        `round ${round}`,
      )
      const pairs: TokenAnswer[] = await Promise.all(answers.map((answer) => answer.json()))
      const [older = '', newer = ''] = pairs.map(({ refresh_token }) => refresh_token).sort(byGeneration)
      assert.equal((await refresh(on, older)).status, 400)
      assert.equal((await refresh(on, newer)).status, 200)
      assert.equal(await isLive(on, pair), true, 'and the other one ended nothing')
    }
  })

  it('A-24: a fresh proof that meets a refresh in the background is answered, and the refresh token of before ends nothing', async () => {
    const on = await scene(open)
    for (let round = 0; round < 20; round++) {
      const pair = await on.tokens(on.owner.email)
      let refreshed: Promise<Response> | null = null
      on.machine.beforeHash = async () => {
        on.machine.beforeHash = null
        refreshed = refresh(on, pair.refresh_token)
        // Now after it, now beside it.
        if (round % 2 === 0) await refreshed
      }
      const proven = await on.program().post('/auth/reauthenticate', { password: goodPassword }, bearer(pair))
      assert.equal(proven.status, 200, `round ${round}`)
      if (refreshed === null) throw new Error('there was a refresh')
      const other: Response = await refreshed
      assert.ok(other.status === 200 || other.status === 400, `${other.status}`)
      const newest: TokenAnswer = await proven.json()
      const before = other.status === 200 ? (await other.json()).refresh_token : pair.refresh_token
      const late = await refresh(on, before)
      assert.deepEqual([late.status, await codeOf(late)], [400, 'invalid_grant'], `round ${round}`)
      assert.equal(await isLive(on, newest), true, 'the session goes on')
      assert.equal((await refresh(on, newest.refresh_token)).status, 200)
    }
    assert.deepEqual(on.machine.errorLines, [])
  })

  it('A-101: a repeat that arrives while a fresh proof is handed out gets no tokens and ends nothing', async () => {
    const on = await scene(open)
    const pair = await on.tokens(on.owner.email)
    const second: TokenAnswer = await (await refresh(on, pair.refresh_token)).json()
    assert.equal((await refresh(on, pair.refresh_token)).status, 200, 'until then it is a repeat')
    on.breakAfterProof.armed = true
    const answer = await on
      .program()
      .post('/auth/reauthenticate', { password: goodPassword }, { ...bearer(pair) })
    on.breakAfterProof.armed = false
    assert.equal(answer.status, 500, 'the proof is there, and nothing is handed out yet')
    for (const token of [pair.refresh_token, second.refresh_token, pair.refresh_token]) {
      const late = await refresh(on, token)
      assert.deepEqual([late.status, await codeOf(late)], [400, 'invalid_grant'])
    }
    assert.equal(await isLive(on, pair), true)
  })

  it('A-101: none of the refresh tokens of before a fresh proof ends the session within the window, each does after it', async () => {
    for (const distance of [1, 2, 3]) {
      const on = await scene(open)
      const pairs = [await on.tokens(on.owner.email)]
      for (let count = 0; count < 2; count++)
        pairs.unshift(await (await refresh(on, pairs[0]?.refresh_token ?? '')).json())
      const proof = { password: goodPassword }
      const proven = await on.program().post('/auth/reauthenticate', proof, bearer(pairs[0] ?? assert.fail()))
      const newest: TokenAnswer = await proven.json()
      const older = pairs[distance - 1]?.refresh_token ?? ''
      on.machine.clock.advance(29)
      assert.equal((await refresh(on, older)).status, 400)
      assert.equal(await isLive(on, newest), true, `${distance} before, in the window`)
      on.machine.clock.advance(1)
      assert.equal((await refresh(on, older)).status, 400)
      assert.equal(await isLive(on, newest), false, `${distance} before, after it`)
    }
  })

  it('A-101: a refresh token of before a fresh proof that comes after the window is a theft', async () => {
    const on = await scene(open)
    const pair = await on.tokens(on.owner.email)
    const proven = await on.program().post('/auth/reauthenticate', { password: goodPassword }, bearer(pair))
    const newest: TokenAnswer = await proven.json()
    on.machine.clock.advance(31)
    assert.equal((await refresh(on, pair.refresh_token)).status, 400)
    assert.equal(await isLive(on, newest), false)
  })
})

onEachEngine('where accounts begin unproven, the proof of the mailbox', (open) => {
  async function unproven() {
    const on = await openHouse(open, { policy: { verifiedEmail: 'optional' } })
    const email = 'ada@example.org'
    const [desk, phone] = [on.browser(), on.browser()]
    const answer = await desk.post('/auth/sign-up', { email, password: goodPassword })
    assert.equal(answer.status, 201)
    assert.equal((await phone.post('/auth/sign-in', { email, password: goodPassword })).status, 200)
    const pair = await on.tokens(email)
    const accountId: string = (await answer.json()).account.id
    return { ...on, email, desk, phone, pair, accountId, token: await on.linkFor(email, 'verify') }
  }
  type Unproven = Awaited<ReturnType<typeof unproven>>

  async function isVerified({ db }: TestHouse): Promise<boolean> {
    return (
      (await db.selectFrom('account').select('verified_at').executeTakeFirstOrThrow()).verified_at !== null
    )
  }

  const others = async (on: Unproven) => [
    (await on.phone.get('/auth/session')).status,
    (await on.program().get('/auth/session', bearer(on.pair))).status,
  ]

  it('A-97: is the link alone in the browser that signed up, and the other devices stay signed in', async () => {
    const on = await unproven()
    const before = new Map(on.desk.cookies)
    assert.equal((await on.desk.post('/auth/verify-email', { token: on.token })).status, 200)
    assert.equal(await isVerified(on), true)
    assert.deepEqual(await others(on), [200, 200])
    assert.equal((await on.desk.get('/auth/session')).status, 200)
    assert.equal(await statusWith(on, before), 401, 'its own session got a new cookie')
    assert.equal(await liveSessions(on, on.accountId), 3)
  })

  it('A-97: is the link and the sign-up’s own password elsewhere, and the other devices stay signed in', async () => {
    const on = await unproven()
    const tablet = on.program()
    const answer = await tablet.post('/auth/verify-email', {
      token: on.token,
      password: goodPassword,
      carrier: 'token',
    })
    assert.equal(answer.status, 200)
    assert.equal(await isVerified(on), true)
    assert.deepEqual(await others(on), [200, 200])
    assert.equal((await on.desk.get('/auth/session')).status, 200)
  })

  it('A-97: with another password is somebody else’s: all that was begun before is over', async () => {
    const on = await unproven()
    const tablet = on.program()
    const json = { token: on.token, password: otherPassword, carrier: 'token' }
    const answer = await tablet.post('/auth/verify-email', json)
    assert.equal(answer.status, 200)
    const pair: TokenAnswer = await answer.json()
    assert.deepEqual(await others(on), [401, 401])
    assert.equal((await on.desk.get('/auth/session')).status, 401)
    assert.equal((await refresh(on, on.pair.refresh_token)).status, 400)
    assert.equal(await isLive(on, pair), true)
    assert.equal(await liveSessions(on, on.accountId), 1)
    const { email } = on
    const signIn = async (password: string) =>
      (await on.program().post('/auth/sign-in', { email, password, carrier: 'token' })).status
    assert.deepEqual([await signIn(goodPassword), await signIn(otherPassword)], [401, 200])
  })
})

onEachEngine('signing out by token', (open) => {
  const doors: [method: string, path: (session: string) => string][] = [
    ['POST', () => '/auth/sign-out'],
    ['DELETE', (session) => `/auth/sessions/${session}`],
  ]
  for (const [method, path] of doors) {
    it(`A-23: leaves a cookie of another session alone: ${method} ${path(':id')}`, async () => {
      const on = await scene(open)
      const { browser, email } = on.owner
      const pair = await on.tokens(email)
      const answer = await browser.send(method, path(pair.session.id), { headers: bearer(pair) })
      assert.deepEqual([answer.status, answer.headers.getSetCookie()], [204, []])
      assert.equal(await isLive(on, pair), false)
      assert.equal((await browser.get('/auth/session')).status, 200)
      const own = await browser.send(method, path(await sessionOf(browser)))
      assert.equal(own.status, 204)
      assert.equal(own.headers.getSetCookie().length, 1, 'one’s own cookie is taken back')
    })
  }
})

async function sessionOf(browser: Agent): Promise<string> {
  return (await (await browser.get('/auth/session')).json()).session.id
}
