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

const dead = { status: 410, code: 'link_invalid' }

type Scene = TestHouse & {
  email: string
  accountId: string
  owner: Awaited<ReturnType<TestHouse['member']>>['browser']
  ask(email?: string): Promise<string>
  reset(token: string, password?: string): Promise<Response>
}

async function scene(open: OpenTestDatabase): Promise<Scene> {
  const house = await openHouse(open)
  const { browser: owner, email, accountId } = await house.member()
  async function ask(address = email): Promise<string> {
    assert.equal((await house.program().post('/auth/password/forgot', { email: address })).status, 202)
    return house.linkFor(address, 'reset')
  }
  const reset = (token: string, password = otherPassword) =>
    house.program().post('/auth/password/reset', { token, password })
  return { ...house, email, accountId, owner, ask, reset }
}

/** A link that must not work: it is refused, nothing is written and nothing is hashed for it. */
async function expectDead(on: Scene, token: string, about: string): Promise<void> {
  const before = await contentsOf(on.db)
  on.machine.hashCalls.length = 0
  await expectRefused(await on.reset(token), dead, about)
  const page = await on.browser().submit('/reset', { token, password: otherPassword })
  assert.equal(page.status, 410, about)
  assert.equal((await on.browser().get(`/reset?token=${encodeURIComponent(token)}`)).status, 410, about)
  assert.deepEqual(on.machine.hashCalls, [], about)
  assert.equal(await contentsOf(on.db), before, about)
}

onEachEngine('reset links', (open) => {
  it('A-92: a reset link works once, and sets the password that was chosen', async () => {
    const on = await scene(open)
    const token = await on.ask()
    assert.equal((await on.reset(token)).status, 204)
    await expectDead(on, token, 'the second time')
    assert.equal(
      (
        await on
          .program()
          .post('/auth/sign-in', { email: on.email, password: goodPassword, carrier: 'token' })
      ).status,
      401,
    )
    assert.ok((await on.tokens(on.email, otherPassword)).access_token)
  })

  it('A-92: a change of password, a newer link or a quarter of an hour makes a reset link void', async () => {
    const on = await scene(open)
    const first = await on.ask()
    const second = await on.ask()
    assert.notEqual(first, second)
    await expectDead(on, first, 'a newer one was asked for')
    const change = { current: goodPassword, new: otherPassword }
    assert.equal((await on.owner.post('/auth/password/change', change)).status, 200)
    await expectDead(on, second, 'the password was changed')
    const third = await on.ask()
    on.machine.clock.advance(900)
    await expectDead(on, third, 'expired')
    const fourth = await on.ask()
    on.machine.clock.advance(899)
    assert.equal((await on.reset(fourth)).status, 204, 'in its last second')
  })

  it('A-92: of many who use one reset link at once exactly one sets a password', async () => {
    const on = await scene(open)
    const token = await on.ask()
    const passwords = Array.from({ length: 8 }, (_, at) => `${otherPassword} number ${at}`)
    const answers = await Promise.all(passwords.map((password) => on.reset(token, password)))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [204, ...Array<number>(7).fill(410)])
    const winner = passwords[answers.findIndex(({ status }) => status === 204)] ?? ''
    on.machine.clock.advance(3600)
    assert.ok((await on.tokens(on.email, winner)).access_token)
    for (const loser of passwords.filter((password) => password !== winner))
      await assert.rejects(on.tokens(on.email, loser), /401/)
  })

  it('A-92: a link that is guessed, cut, lengthened, or put together from two, and one for another purpose, is nothing', async () => {
    const on = await scene(open)
    const other = await on.member('other@example.org')
    const token = await on.ask()
    const theirs = await on.ask(other.email)
    const last = token.at(-1) === 'A' ? 'B' : 'A'
    const pending = on.browser()
    await pending.post('/auth/sign-up', { email: 'new@example.org', password: goodPassword })
    const verify = await on.linkFor('new@example.org', 'verify')
    const cases: [string, string][] = [
      ["another account's id with my tag", theirs.slice(0, 22) + token.slice(22)],
      ["my id with another account's tag", token.slice(0, 22) + theirs.slice(22)],
      ['one character changed', token.slice(0, -1) + last],
      ['the first character changed', (token.startsWith('A') ? 'B' : 'A') + token.slice(1)],
      ['a tag of nothing', token.slice(0, 22) + 'A'.repeat(42)],
      ['the id alone', token.slice(0, 22)],
      ['one character less', token.slice(0, -1)],
      ['one character more', `${token}A`],
      ['padding', `${token}=`],
      ['the account id', on.accountId],
      ['nothing', ''],
      ['the other purpose', verify],
      ['text', "' or 1=1 --"],
    ]
    for (const [about, guess] of cases) await expectDead(on, guess, about)
    const asVerify = await pending.post('/auth/verify-email', { token })
    await expectRefused(asVerify, dead, 'a reset link proves no mailbox')
    assert.equal((await on.owner.get('/auth/session')).status, 200)
    assert.equal((await on.reset(theirs)).status, 204, "the other's own link")
    assert.equal((await on.owner.get('/auth/session')).status, 200, 'touches nobody else')
    assert.equal((await on.reset(token)).status, 204)
  })

  it('A-92: a leaked database opens no link: neither tokens nor their tags are in it, or in the log', async () => {
    const on = await scene(open)
    const reset = await on.ask()
    await on.browser().post('/auth/sign-up', { email: 'new@example.org', password: otherPassword })
    const verify = await on.linkFor('new@example.org', 'verify')
    const { access_token, refresh_token } = await on.tokens(on.email)
    const cookie = on.owner.cookies.get('__Host-Http-session') ?? ''
    await on.house.mail.flush()
    const dump = (await contentsOf(on.db)) + on.machine.logLines.join('\n')
    assert.ok(dump.includes(reset.slice(0, 21)), 'the id is there: what is looked for would be found')
    const secrets = { reset, verify, access_token, refresh_token, cookie, goodPassword, otherPassword }
    for (const [what, secret] of Object.entries(secrets)) {
      assert.ok(secret.length > 20 && !dump.includes(secret), what)
      assert.ok(!dump.includes(secret.slice(-24)), `the end of ${what}`)
    }
    const thief = await openHouse(open, { rootSecret: new Uint8Array(32).fill(9) })
    const id = reset.slice(0, 22)
    assert.ok(
      (await thief.program().post('/auth/password/reset', { token: reset, password: otherPassword }))
        .status === 410,
    )
    await expectDead(on, id + verify.slice(22), 'ids from the dump with a tag of another')
  })

  it('A-93: links lead to the configured address, whatever Host and the forwarding headers say', async () => {
    const on = await scene(open)
    const poison = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-server': 'evil.example',
      'x-original-host': 'evil.example',
      'x-host': 'evil.example',
      forwarded: 'for=1.2.3.4;host=evil.example;proto=https',
    }
    const asks: [string, object][] = [
      ['/auth/password/forgot', { email: on.email }],
      ['/auth/sign-up', { email: 'new@example.org', password: goodPassword }],
      ['/auth/sign-up', { email: on.email, password: goodPassword }],
    ]
    for (const base of [on.issuer, 'http://evil.example']) {
      for (const [path, json] of asks) {
        const headers = { ...poison, 'content-type': 'application/json' }
        const request = new Request(new URL(path, base), {
          method: 'POST',
          headers,
          body: JSON.stringify(json),
        })
        assert.equal((await on.house.fetch(request, { address: '127.0.0.1' })).status, 202, `${base}${path}`)
      }
    }
    await on.house.mail.flush()
    const mails = await on.house.mail.mailbox()
    assert.ok(mails.length >= 5)
    for (const { to, subject, text, html } of mails) {
      assert.doesNotMatch(`${to}${subject}${text}${html}`, /evil/)
      const links = text.match(/https?:\/\/\S+/g) ?? []
      assert.ok(links.length > 0)
      for (const link of links) assert.ok(link.startsWith(`${on.issuer}/`), link)
    }
    const page = await on.house.fetch(new Request('http://evil.example/sign-in', { headers: poison }))
    assert.doesNotMatch(await page.text(), /evil/)
    assert.equal((await on.reset(await on.linkFor(on.email, 'reset'))).status, 204)
  })

  it('A-94: a page with a link’s token sends no referrer, loads nothing foreign, is not kept, and is marked to clear its address', async () => {
    const on = await scene(open)
    const reset = await on.ask()
    await on.browser().post('/auth/sign-up', { email: 'new@example.org', password: goodPassword })
    const verify = await on.linkFor('new@example.org', 'verify')
    for (const path of [`/reset?token=${reset}`, `/verify?token=${verify}`]) {
      const page = await on.browser().get(path)
      const markup = await page.text()
      assert.equal(page.status, 200)
      assert.equal(page.headers.get('referrer-policy'), 'no-referrer')
      assert.equal(page.headers.get('cache-control'), 'no-store')
      assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'.*script-src 'self'/)
      assert.match(markup, /data-token-in-address/)
      assert.doesNotMatch(markup, /(?:src|href|action)="(?:https?:)?\/\//)
      assert.doesNotMatch(markup, /(?:src|href|action)="[^"]*token=/, 'no link carries it on')
    }
    const done = await on.browser().submit('/reset', { token: reset, password: otherPassword })
    assert.deepEqual([done.status, done.headers.get('location')], [303, '/sign-in?done=reset'])
    const gone = await on.browser().get(`/reset?token=${reset}`)
    assert.equal(gone.status, 410)
    assert.equal(gone.headers.get('referrer-policy'), 'no-referrer')
  })

  it('A-95: a reset ends every session and refresh token of the account, begins none, and touches no other account', async () => {
    const on = await scene(open)
    const second = on.browser()
    assert.equal(
      (await second.post('/auth/sign-in', { email: on.email, password: goodPassword })).status,
      200,
    )
    const pairs = [await on.tokens(on.email), await on.tokens(on.email)]
    const other = await on.member('other@example.org')
    assert.equal(await liveSessions(on, on.accountId), 4)
    const token = await on.ask()
    const resetter = on.browser()
    const answer = await resetter.post('/auth/password/reset', { token, password: otherPassword })
    assert.equal(answer.status, 204)
    assert.equal(resetter.cookies.has('__Host-Http-session'), false, 'a mailbox alone signs nobody in')
    assert.equal(await liveSessions(on, on.accountId), 0)
    for (const browser of [on.owner, second]) assert.equal((await browser.get('/auth/session')).status, 401)
    for (const { access_token, refresh_token } of pairs) {
      const bearer = { authorization: `Bearer ${access_token}` }
      await expectRefused(
        await on.program().get('/auth/session', bearer),
        { status: 401, code: 'session_ended' },
        'token',
      )
      const form = { grant_type: 'refresh_token', refresh_token }
      await expectRefused(
        await on.program().send('POST', '/oauth/token', { form }),
        { status: 400, code: 'invalid_grant' },
        'refresh',
      )
    }
    assert.equal((await other.browser.get('/auth/session')).status, 200)
    const told = (await on.house.mail.mailbox()).filter(
      ({ to, text }) => to === on.email && text.includes('/forgot'),
    )
    assert.equal(told.length, 1, 'the owner is told')
  })

  it('A-100: scanners that open links, as GET or HEAD and however often, use nothing up', async () => {
    const on = await scene(open)
    const reset = await on.ask()
    const signingUp = on.browser()
    await signingUp.post('/auth/sign-up', { email: 'new@example.org', password: goodPassword })
    const verify = await on.linkFor('new@example.org', 'verify')
    await on.house.mail.flush()
    const before = await contentsOf(on.db)
    for (const scanner of [on.program(), on.browser(), signingUp, on.owner]) {
      for (const path of [`/reset?token=${reset}`, `/verify?token=${verify}`]) {
        for (const method of ['GET', 'HEAD', 'GET', 'OPTIONS']) {
          const answer = await scanner.send(method, path)
          assert.ok(answer.status < 300, `${method} ${path}`)
          assert.deepEqual(answer.headers.getSetCookie(), [])
        }
      }
    }
    for (const path of ['/auth/verify-email', '/auth/password/reset']) {
      const answer = await on.program().get(`${path}?token=${verify}&password=x`)
      assert.deepEqual([answer.status, await codeOf(answer)], [405, 'method_wrong'])
    }
    assert.equal(await contentsOf(on.db), before)
    assert.equal((await signingUp.post('/auth/verify-email', { token: verify })).status, 200)
    assert.equal((await on.reset(reset)).status, 204)
  })
})
