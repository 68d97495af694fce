import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  goodPassword,
  type OpenTestDatabase,
  onEachEngine,
  openHouse,
  otherPassword,
  type TestHouse,
} from 'counterfoil/house'
import { codeOf, liveSessions } from './evidence.ts'

const thirdPassword = 'eleven amber lanterns on the pier'

type Scene = TestHouse & { owner: Awaited<ReturnType<TestHouse['member']>>; link: string }

/** An account with a session of its own and a reset link that waits in its mailbox. */
async function scene(open: OpenTestDatabase): Promise<Scene> {
  const house = await openHouse(open)
  const owner = await house.member()
  await house.program().post('/auth/password/forgot', { email: owner.email })
  return { ...house, owner, link: await house.linkFor(owner.email, 'reset') }
}

function signIn(on: Scene, password: string, carrier: 'cookie' | 'token' = 'token'): Promise<Response> {
  return on.browser().post('/auth/sign-in', { email: on.owner.email, password, carrier })
}

const reset = (on: Scene, password = otherPassword) =>
  on.program().post('/auth/password/reset', { token: on.link, password })

const change = (on: Scene, password = otherPassword) =>
  on.owner.browser.post('/auth/password/change', { current: goodPassword, new: password })

/** Does something once, while the next password waits to be hashed. */
function meanwhile({ machine }: Scene, act: () => Promise<unknown>): void {
  machine.beforeHash = async () => {
    machine.beforeHash = null
    await act()
  }
}

async function expectOnlyPassword(on: Scene, right: string): Promise<void> {
  on.machine.clock.advance(3600)
  for (const password of [goodPassword, otherPassword, thirdPassword])
    assert.equal((await signIn(on, password)).status, password === right ? 200 : 401, password)
}

const endings: readonly {
  what: string
  end: (on: Scene) => Promise<unknown>
  left: number
  right: string | null
}[] = [
  { what: 'a reset', end: (on) => reset(on), left: 0, right: otherPassword },
  { what: 'a change of password', end: (on) => change(on), left: 1, right: otherPassword },
  { what: 'disabling', end: (on) => on.house.accounts.disable(on.owner.accountId), left: 0, right: null },
  {
    what: 'disabling and enabling again',
    async end(on) {
      await on.house.accounts.disable(on.owner.accountId)
      await on.house.accounts.enable(on.owner.accountId)
    },
    left: 0,
    right: goodPassword,
  },
]

onEachEngine('what waits in the hashing queue', (open) => {
  it('A-28: a sign-in that waits to be hashed while the account’s past is ended never lives', async () => {
    for (const { what, end, left, right } of endings) {
      for (const carrier of ['cookie', 'token'] as const) {
        const on = await scene(open)
        meanwhile(on, () => end(on))
        const answer = await signIn(on, goodPassword, carrier)
        assert.equal(on.machine.beforeHash, null, 'it happened in between')
        assert.deepEqual(answer.headers.getSetCookie(), [], `${what}, ${carrier}`)
        assert.deepEqual(
          [answer.status, await codeOf(answer)],
          [401, 'sign_in_failed'],
          `${what}, ${carrier}`,
        )
        assert.equal(await liveSessions(on, on.owner.accountId), left, `${what}, ${carrier}`)
        if (right !== null) await expectOnlyPassword(on, right)
      }
    }
  })

  it('A-28: a fresh proof that waits to be hashed while a reset comes does not carry the session over', async () => {
    const on = await scene(open)
    meanwhile(on, () => reset(on))
    const answer = await on.owner.browser.post('/auth/reauthenticate', { password: goodPassword })
    assert.deepEqual([answer.status, await codeOf(answer)], [401, 'session_ended'])
    assert.equal(await liveSessions(on, on.owner.accountId), 0)
    assert.equal((await on.owner.browser.get('/auth/session')).status, 401)
    await expectOnlyPassword(on, otherPassword)
  })

  it('A-92: a change of password that is overtaken by a reset is void, whichever of its two hashes was waiting', async () => {
    for (const verb of ['verify', 'hash'] as const) {
      const on = await scene(open)
      on.machine.beforeHash = async () => {
        if (on.machine.hashCalls.at(-1)?.verb !== verb) return
        on.machine.beforeHash = null
        assert.equal((await reset(on, thirdPassword)).status, 204)
      }
      const answer = await change(on)
      assert.deepEqual([answer.status, await codeOf(answer)], [401, 'session_ended'], verb)
      assert.equal(await liveSessions(on, on.owner.accountId), 0)
      await expectOnlyPassword(on, thirdPassword)
    }
  })

  it('A-92: a reset that is overtaken by a change of password is void, and the link with it', async () => {
    const on = await scene(open)
    meanwhile(on, async () => assert.equal((await change(on)).status, 200))
    const answer = await reset(on, thirdPassword)
    assert.deepEqual([answer.status, await codeOf(answer)], [410, 'link_invalid'])
    assert.equal((await on.owner.browser.get('/auth/session')).status, 200)
    await expectOnlyPassword(on, otherPassword)
  })

  it('A-92: changes, resets and sign-ins at the very same time break nothing and leave one password', async () => {
    const on = await scene(open)
    let right = goodPassword
    for (let round = 0; round < 6; round++) {
      on.machine.clock.advance(3600)
      const { browser } = on.owner
      browser.cookies.clear()
      const { email } = on.owner
      assert.equal((await browser.post('/auth/sign-in', { email, password: right })).status, 200)
      await on.program().post('/auth/password/forgot', { email })
      const token = await on.linkFor(email, 'reset')
      const answers = await Promise.all([
        browser.post('/auth/password/change', { current: right, new: `${otherPassword} ${round}` }),
        on.program().post('/auth/password/reset', { token, password: `${thirdPassword} ${round}` }),
        on.program().post('/auth/password/reset', { token, password: `${thirdPassword} ${round} too` }),
        signIn(on, right),
        browser.post('/auth/reauthenticate', { password: right }),
      ])
      for (const { status } of answers) assert.ok([200, 204, 401, 403, 410].includes(status), `${status}`)
      const tried = [
        `${otherPassword} ${round}`,
        `${thirdPassword} ${round}`,
        `${thirdPassword} ${round} too`,
        right,
      ]
      const fitting: string[] = []
      for (const password of tried) if ((await signIn(on, password)).status === 200) fitting.push(password)
      assert.equal(fitting.length, 1, `round ${round}`)
      right = fitting[0] ?? ''
    }
    assert.deepEqual(on.machine.errorLines, [])
  })

  it('A-97: a reset and a proof of the mailbox that end in the same instant wait for each other and break nothing', async () => {
    for (let round = 0; round < 8; round++) {
      const on = await openHouse(open, { policy: { verifiedEmail: 'optional' } })
      const email = 'unproven@example.org'
      const thief = on.browser()
      assert.equal((await thief.post('/auth/sign-up', { email, password: goodPassword })).status, 201)
      await on.program().post('/auth/password/forgot', { email })
      const link = await on.linkFor(email, 'reset')
      const proof = await on.linkFor(email, 'verify')
      on.machine.hashCalls.length = 0
      on.machine.beforeHash = async () => {
        while (on.machine.hashCalls.length < 2) await new Promise<void>((resolve) => setImmediate(resolve))
      }
      const answers = await Promise.all([
        on.program().post('/auth/password/reset', { token: link, password: otherPassword }),
        on.browser().post('/auth/verify-email', { token: proof, password: thirdPassword }),
        on.program().post('/auth/password/forgot', { email }),
      ])
      const [reset, verified] = answers.map(({ status }) => status)
      assert.deepEqual(
        [reset, verified].sort(),
        reset === 204 ? [204, 410] : [200, 410],
        'one of them counts',
      )
      assert.deepEqual(on.machine.errorLines, [])
      assert.equal((await thief.get('/auth/session')).status, 401)
      const right = reset === 204 ? otherPassword : thirdPassword
      for (const password of [goodPassword, otherPassword, thirdPassword]) {
        const answer = await on.program().post('/auth/sign-in', { email, password, carrier: 'token' })
        assert.equal(answer.status, password === right ? 200 : 401)
      }
    }
  })

  it('A-97: of several links for one address that are opened in the same instant one makes the account', async () => {
    const on = await openHouse(open)
    for (let round = 0; round < 6; round++) {
      const email = `p${round}@example.org`
      const browsers = [on.browser(), on.browser(), on.browser()]
      const links: string[] = []
      for (const browser of browsers) {
        await browser.post('/auth/sign-up', { email, password: goodPassword })
        links.push(await on.linkFor(email, 'verify'))
      }
      const clicks = browsers.map((browser, at) => browser.post('/auth/verify-email', { token: links[at] }))
      assert.deepEqual((await Promise.all(clicks)).map(({ status }) => status).sort(), [200, 410, 410])
    }
    assert.deepEqual(on.machine.errorLines, [])
  })
})
