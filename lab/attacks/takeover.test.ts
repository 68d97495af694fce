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
import { codeOf, contentsOf, expectRefused, liveSessions } from './evidence.ts'

const victim = 'victim@example.org'
const theirs = 'the thief chose this very phrase'
const own = 'the owner chose another phrase here'

type Browser = ReturnType<TestHouse['browser']>
type Scene = TestHouse & { thief: Browser; owner: Browser; taken: string[] }

async function scene(open: OpenTestDatabase, verifiedEmail: 'required' | 'optional'): Promise<Scene> {
  const house = await openHouse(open, { policy: { verifiedEmail } })
  return { ...house, thief: house.browser(), owner: house.browser(), taken: [] }
}

const signUp = (browser: Browser, password: string, email = victim) =>
  browser.post('/auth/sign-up', { email, password })

/** Every link in the mailbox that proves it, oldest first. */
async function verifyLinks(on: Pick<TestHouse, 'house'>, email = victim): Promise<string[]> {
  const mails = (await on.house.mail.mailbox()).filter(({ to }) => to === email).reverse()
  return mails.flatMap(({ text }) => /\/verify\?token=([A-Za-z0-9_-]+)/.exec(text)?.[1] ?? [])
}

/** What the owner of a mailbox does with a link: a click, and a password where one is asked for. */
async function open(browser: Browser, token: string): Promise<number> {
  const click = await browser.post('/auth/verify-email', { token })
  if (click.status !== 422) return click.status
  assert.equal(await codeOf(click), 'password_required')
  return (await browser.post('/auth/verify-email', { token, password: own })).status
}

/** The thief has nothing; the owner, and nobody else, is in the account with the owner's password. */
async function expectOwnersAlone(on: Scene, about: string): Promise<void> {
  on.machine.clock.advance(3600)
  for (const browser of [on.thief, on.browser()]) {
    assert.equal((await browser.get('/auth/session')).status, 401, about)
    assert.equal(
      (await browser.post('/auth/sign-in', { email: victim, password: theirs })).status,
      401,
      about,
    )
  }
  const signedIn = await on.owner.post('/auth/sign-in', { email: victim, password: own })
  assert.equal(signedIn.status, 200, about)
  const { account } = await signedIn.json()
  assert.equal(account.email, victim)
  for (const refresh of on.taken) {
    const form = { grant_type: 'refresh_token', refresh_token: refresh }
    assert.equal((await on.program().send('POST', '/oauth/token', { form })).status, 400, about)
  }
  const sessions = await on.house.sessions.list(account.id)
  const mine = (await (await on.owner.get('/auth/sessions')).json()).sessions.map(
    ({ id }: { id: string }) => id,
  )
  assert.deepEqual(sessions.map(({ id }) => id).sort(), mine.sort(), about)
  for (const token of await verifyLinks(on))
    assert.equal(await open(on.thief, token), 410, `${about}: no link is left`)
}

onEachEngine('whoever signs up with an address of somebody else', (openDatabase) => {
  it('A-97: before, after or in between, whichever link the owner opens, the thief never has a password or a session', async () => {
    for (const order of ['T', 'TO', 'OT', 'TOT', 'OTO', 'TTO']) {
      for (let choice = 0; choice < order.length; choice++) {
        const on = await scene(openDatabase, 'required')
        for (const who of order)
          assert.equal(
            (await signUp(who === 'T' ? on.thief : on.owner, who === 'T' ? theirs : own)).status,
            202,
          )
        const links = await verifyLinks(on)
        assert.equal(links.length, order.length)
        const about = `${order}, link ${choice + 1}`
        assert.equal(await open(on.owner, links[choice] ?? ''), 200, about)
        assert.equal((await signUp(on.thief, theirs)).status, 202, 'and once more afterwards')
        await expectOwnersAlone(on, about)
      }
    }
  })

  it('A-97: an account that began unproven is the owner’s from the moment in which the mailbox is proven', async () => {
    const ways: readonly ['link' | 'reset', (on: Scene) => Promise<number>][] = [
      ['link', async (on) => open(on.owner, (await verifyLinks(on))[0] ?? '')],
      [
        'reset',
        async (on) => {
          await on.owner.post('/auth/password/forgot', { email: victim })
          const token = await on.linkFor(victim, 'reset')
          return (await on.owner.post('/auth/password/reset', { token, password: own })).status
        },
      ],
    ]
    for (const [way, prove] of ways) {
      const on = await scene(openDatabase, 'optional')
      assert.equal((await signUp(on.thief, theirs)).status, 201)
      const pair = await (
        await on.program().post('/auth/sign-in', { email: victim, password: theirs, carrier: 'token' })
      ).json()
      on.taken.push(pair.refresh_token)
      assert.equal(
        (await on.thief.get('/auth/session')).status,
        200,
        'until then the policy lets whoever signed up in',
      )
      const before = await contentsOf(on.db, ['event', 'limit_state'])
      await expectRefused(await signUp(on.owner, own), { status: 409, code: 'email_taken' }, way)
      assert.equal(await contentsOf(on.db, ['event', 'limit_state']), before)
      assert.ok([200, 204].includes(await prove(on)), way)
      const bearer = { authorization: `Bearer ${pair.access_token}` }
      assert.equal((await on.program().get('/auth/session', bearer)).status, 401, way)
      await expectOwnersAlone(on, way)
    }
  })

  it('A-97: where the owner began first, a later sign-up changes nothing', async () => {
    for (const policy of ['required', 'optional'] as const) {
      const on = await scene(openDatabase, policy)
      await signUp(on.owner, own)
      if (policy === 'required') assert.equal(await open(on.owner, (await verifyLinks(on))[0] ?? ''), 200)
      else
        await on.owner.post('/auth/verify-email', { token: (await verifyLinks(on))[0] ?? '', password: own })
      const attempt = await signUp(on.thief, theirs)
      assert.equal(attempt.status, policy === 'required' ? 202 : 409)
      assert.equal((await on.owner.get('/auth/session')).status, 200)
      await expectOwnersAlone(on, policy)
    }
  })

  it('A-97: the thief’s own browser, with the mark of its sign-up, cannot finish without the link', async () => {
    const on = await scene(openDatabase, 'required')
    await signUp(on.thief, theirs)
    const before = await contentsOf(on.db, ['event', 'limit_state'])
    const mark = on.thief.cookies.get('__Host-Http-sign-up') ?? ''
    assert.ok(mark.length > 40)
    const row = await on.db.selectFrom('sign_up').selectAll().executeTakeFirstOrThrow()
    for (const token of [row.id, `${row.id}${'A'.repeat(42)}`, mark, mark.slice(0, 64), ''])
      await expectRefused(
        await on.thief.post('/auth/verify-email', { token }),
        { status: 410, code: 'link_invalid' },
        token,
      )
    assert.equal(await contentsOf(on.db, ['event', 'limit_state']), before)
  })
})

onEachEngine('a link of somebody else', (openDatabase) => {
  it('A-97: a link of a thief’s own sign-up signs nobody else in, even beside a sign-up of their own', async () => {
    for (const hasOwnSignUp of [false, true]) {
      const on = await scene(openDatabase, 'required')
      await signUp(on.thief, theirs, 'thief@example.org')
      if (hasOwnSignUp) await signUp(on.owner, own)
      const [link = ''] = await verifyLinks(on, 'thief@example.org')
      const doors = [
        () => on.owner.post('/auth/verify-email', { token: link }),
        () => on.owner.submit('/verify', { token: link }),
      ]
      for (const door of doors) {
        const answer = await door()
        assert.equal(answer.status, 422)
        assert.equal(on.owner.cookies.has('__Host-Http-session'), false)
        assert.equal((await on.owner.get('/auth/session')).status, 401)
      }
      assert.deepEqual(await on.db.selectFrom('account').selectAll().execute(), [])
      assert.deepEqual(await on.db.selectFrom('session').selectAll().execute(), [])
      if (hasOwnSignUp) assert.equal(await open(on.owner, (await verifyLinks(on))[0] ?? ''), 200)
    }
  })

  it('A-97: another site cannot plant the mark of a sign-up, so its link is no way to sign a person in', async () => {
    const on = await scene(openDatabase, 'required')
    const json = { email: 'thief@example.org', password: theirs, carrier: 'cookie' }
    const evidence: [string, Record<string, string>, number][] = [
      ['cross-site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 403],
      ['same-site', { 'sec-fetch-site': 'same-site', origin: 'http://evil.localhost:3000' }, 403],
      ['no evidence', {}, 202],
    ]
    for (const [what, headers, status] of evidence) {
      const answer = await on.program().send('POST', '/auth/sign-up', { json, headers })
      assert.equal(answer.status, status, what)
      assert.deepEqual(answer.headers.getSetCookie(), [], what)
    }
    const page = await on.program().send('POST', '/sign-up', {
      form: { email: 'thief@example.org', password: theirs },
      headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    })
    assert.deepEqual([page.status, page.headers.getSetCookie()], [403, []])
    const honest = await signUp(on.owner, own)
    assert.equal(honest.headers.getSetCookie().length, 1)
  })

  it('A-97: a signed-in person who opens a thief’s link stays who they are', async () => {
    const on = await scene(openDatabase, 'required')
    const { browser, accountId } = await on.member('ada@example.org', goodPassword)
    await signUp(on.thief, theirs, 'thief@example.org')
    const [link = ''] = await verifyLinks(on, 'thief@example.org')
    assert.equal((await browser.submit('/verify', { token: link })).status, 422)
    const shown = await (await browser.get('/auth/session')).json()
    assert.equal(shown.account.id, accountId)
    assert.equal(await liveSessions(on, accountId), 1)
  })
})

const dead = { status: 410, code: 'link_invalid' }

onEachEngine('where accounts begin unproven', (openDatabase) => {
  const pages = ['verify', 'reset'] as const
  const pathOf = { verify: '/auth/verify-email', reset: '/auth/password/reset' }

  async function unproven() {
    const on = await scene(openDatabase, 'optional')
    const answer = await signUp(on.owner, own)
    assert.equal(answer.status, 201)
    const verify = await on.linkFor(victim, 'verify')
    await on.owner.post('/auth/password/forgot', { email: victim })
    const accountId: string = (await answer.json()).account.id
    return { ...on, accountId, links: { verify, reset: await on.linkFor(victim, 'reset') } }
  }
  const signIn = async (on: TestHouse, password: string) =>
    (await on.program().post('/auth/sign-in', { email: victim, password, carrier: 'token' })).status

  for (const page of pages) {
    it(`A-92: a link to /${page} of a disabled account changes nothing, and says that it is dead`, async () => {
      const on = await unproven()
      const token = on.links[page]
      await on.house.accounts.disable(on.accountId)
      const before = await contentsOf(on.db)
      on.machine.hashCalls.length = 0
      const bodies = [
        { token, password: otherPassword },
        { token, password: own },
      ]
      for (const browser of [on.owner, on.thief]) {
        for (const json of page === 'verify' ? [{ token }, ...bodies] : bodies)
          await expectRefused(await browser.post(pathOf[page], json), dead, JSON.stringify(json))
        assert.equal((await browser.get(`/${page}?token=${token}`)).status, 410)
      }
      assert.deepEqual(on.machine.hashCalls, [])
      assert.equal(await contentsOf(on.db), before)
    })

    it(`A-92: a link to /${page} changes nothing where the account is disabled while the password is hashed`, async () => {
      const on = await unproven()
      let before = ''
      on.machine.beforeHash = async () => {
        if (on.machine.hashCalls.at(-1)?.verb !== 'hash') return
        on.machine.beforeHash = null
        await on.house.accounts.disable(on.accountId)
        before = await contentsOf(on.db)
      }
      const json = { token: on.links[page], password: otherPassword }
      await expectRefused(await on.thief.post(pathOf[page], json), dead, page)
      assert.notEqual(before, '', 'it was disabled meanwhile')
      assert.equal(await contentsOf(on.db), before)
      await on.house.accounts.enable(on.accountId)
      assert.equal(await liveSessions(on, on.accountId), 0)
      assert.deepEqual([await signIn(on, otherPassword), await signIn(on, own)], [401, 200])
    })
  }

  const change = (browser: Browser) =>
    browser.post('/auth/password/change', { current: own, new: otherPassword })

  it('A-97: after a change of password the link asks for a new password, also in the browser that signed up', async () => {
    const on = await unproven()
    assert.equal((await change(on.owner)).status, 200)
    const before = await contentsOf(on.db)
    for (const browser of [on.owner, on.thief]) {
      const answer = await browser.post('/auth/verify-email', { token: on.links.verify })
      await expectRefused(answer, { status: 422, code: 'password_required' }, 'the link alone')
    }
    assert.equal(await contentsOf(on.db), before)
  })

  it('A-97: after a change of password the link with any password sets that one and ends everything', async () => {
    for (const password of [own, otherPassword, theirs]) {
      const on = await unproven()
      assert.equal((await change(on.owner)).status, 200)
      const json = { token: on.links.verify, password }
      assert.equal((await on.thief.post('/auth/verify-email', json)).status, 200)
      assert.equal((await on.owner.get('/auth/session')).status, 401)
      assert.equal((await on.thief.get('/auth/session')).status, 200)
      assert.equal(await liveSessions(on, on.accountId), 1)
      for (const typed of [own, otherPassword, theirs])
        assert.equal(await signIn(on, typed), typed === password ? 200 : 401, typed)
    }
  })

  it('A-97: a change of password while the link is checked against the old one leaves no session by the old one', async () => {
    const on = await unproven()
    let changed = 0
    on.machine.beforeHash = async () => {
      on.machine.beforeHash = null
      changed = (await change(on.owner)).status
    }
    const json = { token: on.links.verify, password: own }
    const answer = await on.thief.post('/auth/verify-email', json)
    assert.equal(changed, 200)
    await expectRefused(answer, { status: 422, code: 'password_required' }, 'the old password')
    assert.deepEqual(
      [(await on.owner.get('/auth/session')).status, await liveSessions(on, on.accountId)],
      [200, 1],
    )
    assert.deepEqual([await signIn(on, own), await signIn(on, otherPassword)], [401, 200])
  })
})
