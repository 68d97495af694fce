import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  type Agent,
  goodPassword,
  onEachEngine,
  openHouse,
  otherPassword,
  type TestHouse,
} from '../testing/index.ts'

type Count = Record<string, number>

async function rowsOf({ db }: TestHouse): Promise<Count> {
  const counts: Count = {}
  for (const table of ['account', 'password', 'sign_up', 'password_reset', 'session'] as const)
    counts[table] = (await db.selectFrom(table).selectAll().execute()).length
  return counts
}

async function signUp(
  house: TestHouse,
  email: string,
  password = goodPassword,
): Promise<{ browser: Agent; answer: Response }> {
  const browser = house.browser()
  return { browser, answer: await browser.post('/auth/sign-up', { email, password }) }
}

async function codeOf(answer: Response): Promise<string> {
  return ((await answer.json()) as { code: string }).code
}

onEachEngine('a sign-up', (open) => {
  it('is a record of its own until the mailbox is proven; then it is an account, and the other records are gone', async () => {
    const house = await openHouse(open)
    await signUp(house, 'ada@example.org')
    const { browser } = await signUp(house, 'ada@example.org', otherPassword)
    await signUp(house, 'bo@example.org')
    assert.deepEqual(await rowsOf(house), {
      account: 0,
      password: 0,
      sign_up: 3,
      password_reset: 0,
      session: 0,
    })
    const token = await house.linkFor('ada@example.org', 'verify')
    assert.equal((await browser.post('/auth/verify-email', { token })).status, 200)
    assert.deepEqual(await rowsOf(house), {
      account: 1,
      password: 1,
      sign_up: 1,
      password_reset: 0,
      session: 1,
    })
    assert.ok((await house.tokens('ada@example.org', otherPassword)).access_token)
  })

  it('makes one account of links that are opened at the same time', async () => {
    const house = await openHouse(open)
    const { browser } = await signUp(house, 'ada@example.org')
    const token = await house.linkFor('ada@example.org', 'verify')
    const clicks = Array.from({ length: 6 }, () => browser.post('/auth/verify-email', { token }))
    const statuses = (await Promise.all(clicks)).map(({ status }) => status).sort()
    assert.deepEqual(statuses, [200, 410, 410, 410, 410, 410])
    assert.deepEqual(await rowsOf(house), {
      account: 1,
      password: 1,
      sign_up: 0,
      password_reset: 0,
      session: 1,
    })
  })

  it('asks for a password elsewhere, drops the one it had, and checks the new one', async () => {
    const house = await openHouse(open)
    await signUp(house, 'ada@example.org')
    const token = await house.linkFor('ada@example.org', 'verify')
    const elsewhere = house.browser()
    assert.equal(await codeOf(await elsewhere.post('/auth/verify-email', { token })), 'password_required')
    const row = await house.db.selectFrom('sign_up').select('password_hash').executeTakeFirstOrThrow()
    assert.equal(row.password_hash, null)
    for (const [password, code] of [
      ['short', 'password_too_short'],
      ['ada@example.org1234', 'password_common'],
    ] as const)
      assert.equal(await codeOf(await elsewhere.post('/auth/verify-email', { token, password })), code)
    assert.equal((await elsewhere.post('/auth/verify-email', { token, password: otherPassword })).status, 200)
    assert.ok((await house.tokens('ada@example.org', otherPassword)).access_token)
    await assert.rejects(house.tokens('ada@example.org', goodPassword), /401/)
  })

  it('ends with its link, after the time that policy gives', async () => {
    const house = await openHouse(open, { policy: { mailLinkSeconds: 60 } })
    const { browser } = await signUp(house, 'ada@example.org')
    const token = await house.linkFor('ada@example.org', 'verify')
    house.machine.clock.advance(60)
    assert.equal((await browser.post('/auth/verify-email', { token })).status, 410)
    await house.house.chores.forget()
    assert.equal((await rowsOf(house)).sign_up, 0, 'and is forgotten')
  })

  it('begins an account at once where policy lets it, with a session, and only once', async () => {
    const house = await openHouse(open, { policy: { verifiedEmail: 'optional' } })
    const { browser, answer } = await signUp(house, 'ada@example.org')
    assert.equal(answer.status, 201)
    assert.equal((await browser.get('/auth/session')).status, 200)
    const again = await signUp(house, 'ada@example.org')
    assert.deepEqual([again.answer.status, await codeOf(again.answer)], [409, 'email_taken'])
    assert.deepEqual(await rowsOf(house), {
      account: 1,
      password: 1,
      sign_up: 1,
      password_reset: 0,
      session: 1,
    })
    const both = await Promise.all([signUp(house, 'bo@example.org'), signUp(house, 'bo@example.org')])
    assert.deepEqual(both.map(({ answer: { status } }) => status).sort(), [201, 409])
  })
})

onEachEngine('a change of password', (open) => {
  it('needs the current one, ends the other sessions, keeps this one under a new cookie, and tells the owner', async () => {
    const house = await openHouse(open)
    const { browser, email } = await house.member()
    const { access_token } = await house.tokens(email)
    const before = browser.cookies.get('__Host-Http-session')
    const wrong = await browser.post('/auth/password/change', { current: otherPassword, new: otherPassword })
    assert.deepEqual([wrong.status, await codeOf(wrong)], [403, 'password_wrong'])
    assert.ok((await house.tokens(email)).access_token)
    const done = await browser.post('/auth/password/change', { current: goodPassword, new: otherPassword })
    assert.equal(done.status, 200)
    assert.notEqual(browser.cookies.get('__Host-Http-session'), before)
    assert.equal((await browser.get('/auth/session')).status, 200)
    const old = { cookie: `__Host-Http-session=${before}` }
    assert.equal((await house.program().get('/auth/session', old)).status, 401)
    const bearer = { authorization: `Bearer ${access_token}` }
    assert.equal((await house.program().get('/auth/session', bearer)).status, 401)
    const mails = (await house.house.mail.mailbox()).filter(({ to }) => to === email)
    assert.equal(mails.filter(({ text }) => text.includes('/forgot')).length, 1)
  })

  it('refuses a new password that is short, common or the address, and changes nothing', async () => {
    const house = await openHouse(open)
    const { browser, email } = await house.member()
    for (const [next, code] of [
      ['short', 'password_too_short'],
      ['passwordpassword', 'password_common'],
      [`${email}${email}`, 'password_common'],
      ['p'.repeat(1025), 'password_too_long'],
    ] as const) {
      const answer = await browser.post('/auth/password/change', { current: goodPassword, new: next })
      assert.deepEqual([answer.status, await codeOf(answer)], [422, code])
    }
    assert.ok((await house.tokens(email, goodPassword)).access_token)
  })

  it('counts wrong guesses per session, apart from those of whoever guesses at the sign-in', async () => {
    const house = await openHouse(open)
    const { browser, email } = await house.member()
    const guess = () => browser.post('/auth/reauthenticate', { password: otherPassword })
    for (let round = 0; round < 10; round++) assert.equal((await guess()).status, 403)
    const held = await guess()
    assert.deepEqual([held.status, held.headers.get('retry-after')], [429, '60'])
    assert.ok((await house.tokens(email)).access_token)
    house.machine.clock.advance(60)
    assert.equal((await browser.post('/auth/reauthenticate', { password: goodPassword })).status, 200)
  })
})

onEachEngine('what is over', (open) => {
  it('is forgotten by upkeep, and what still counts is not', async () => {
    const house = await openHouse(open)
    const { email } = await house.member()
    await signUp(house, 'old@example.org')
    await house.program().post('/auth/password/forgot', { email })
    house.machine.clock.advance(600)
    await signUp(house, 'new@example.org')
    house.machine.clock.advance(300)
    await house.house.chores.forget()
    const { sign_up, password_reset, account } = await rowsOf(house)
    assert.deepEqual({ sign_up, password_reset, account }, { sign_up: 1, password_reset: 0, account: 1 })
  })
})
