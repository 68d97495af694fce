import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  altered,
  goodPassword,
  onEachEngine,
  openHouse,
  otherPassword,
  type TestHouse,
} from 'counterfoil/house'
import { codeOf, contentsOf, expectRefused, faceOf, kindsOf } from './evidence.ts'

const failed = { status: 401, code: 'sign_in_failed' }
const heldBack = { status: 429, code: 'too_many_attempts' }

type Learned = Awaited<ReturnType<typeof faceOf>> & { hashing: string[]; statements: Record<string, number> }

/** What one answer gives away: itself, without what was typed and what is random, and the work that it took. */
async function learn(house: TestHouse, email: string, ask: () => Promise<Response>): Promise<Learned> {
  await house.house.mail.flush()
  house.machine.hashCalls.length = 0
  house.statements.length = 0
  const face = await faceOf(await ask())
  const statements = kindsOf(house.statements)
  // Mail leaves after the answer, whoever gets it.
  for (const kind of ['select outbox', 'update outbox', 'delete from outbox']) delete statements[kind]
  const hashing = house.machine.hashCalls.map(({ verb, cost }) => `${verb} ${cost}`)
  const headers = face.headers.map((line) => line.replace(/(__Host-Http-sign-up=)[A-Za-z0-9_-]{64}/, '$1…'))
  return { ...face, headers, body: face.body.replaceAll(email, '…'), hashing, statements }
}

type Try = { email: string; password?: string; address?: string; headers?: Record<string, string> }

function signIn(
  house: TestHouse,
  { email, password = otherPassword, address, headers }: Try,
): Promise<Response> {
  const json = { email, password, carrier: 'token' }
  return house
    .program()
    .send('POST', '/auth/sign-in', { json, ...(address && { address }), ...(headers && { headers }) })
}

async function statusesOf(answers: Iterable<Promise<Response>>): Promise<Record<number, number>> {
  const counts: Record<number, number> = {}
  for (const { status } of await Promise.all(answers)) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

onEachEngine('who has an account is nobody’s business', (open) => {
  it('A-79: an unknown address, a wrong password, an unproven and a disabled account get one answer at one cost', async () => {
    const house = await openHouse(open)
    const known = await house.member('known@example.org')
    const disabled = await house.member('disabled@example.org')
    await house.house.accounts.disable(disabled.accountId)
    const unproven = await house.member('unproven@example.org')
    await house.db
      .updateTable('account')
      .set({ verified_at: null })
      .where('id', '=', unproven.accountId)
      .execute()
    await house.browser().post('/auth/sign-up', { email: 'pending@example.org', password: goodPassword })
    const tries: [string, string][] = [
      ['known@example.org', otherPassword],
      ['nobody@example.org', goodPassword],
      ['disabled@example.org', goodPassword],
      ['disabled@example.org', otherPassword],
      ['unproven@example.org', goodPassword],
      ['unproven@example.org', otherPassword],
      ['pending@example.org', goodPassword],
    ]
    const doors = [
      (email: string, password: string) => house.browser().post('/auth/sign-in', { email, password }),
      (email: string, password: string) => signIn(house, { email, password }),
      (email: string, password: string) => house.browser().submit('/sign-in', { email, password }),
    ]
    const before = await contentsOf(house.db, ['event', 'limit_state'])
    for (const door of doors) {
      const learned: Learned[] = []
      for (const [email, password] of tries)
        learned.push(await learn(house, email, () => door(email, password)))
      const [expected, ...others] = learned
      assert.equal(expected?.status, 401)
      assert.equal(expected.hashing.length, 1)
      for (const [index, other] of others.entries())
        assert.deepEqual(other, expected, tries[index + 1]?.join(' '))
    }
    assert.equal(await contentsOf(house.db, ['event', 'limit_state']), before)
    assert.equal((await signIn(house, { email: known.email, password: goodPassword })).status, 200)
  })

  it('A-80: signing up and asking for a reset answer and cost the same for known and unknown addresses', async () => {
    const house = await openHouse(open)
    await house.member('known@example.org')
    await house.browser().post('/auth/sign-up', { email: 'pending@example.org', password: goodPassword })
    const emails = ['known@example.org', 'nobody@example.org', 'pending@example.org']
    const doors = [
      (email: string) => house.browser().post('/auth/sign-up', { email, password: otherPassword }),
      (email: string) => house.browser().submit('/sign-up', { email, password: otherPassword }),
      (email: string) => house.browser().post('/auth/password/forgot', { email }),
      (email: string) => house.browser().submit('/forgot', { email }),
    ]
    const accounts = () => house.db.selectFrom('account').selectAll().execute()
    const before = await accounts()
    for (const door of doors) {
      const [known, nobody, pending] = [
        await learn(house, emails[0] ?? '', () => door(emails[0] ?? '')),
        await learn(house, emails[1] ?? '', () => door(emails[1] ?? '')),
        await learn(house, emails[2] ?? '', () => door(emails[2] ?? '')),
      ]
      assert.ok(known.status < 300)
      assert.deepEqual(nobody, known)
      assert.deepEqual(pending, known)
    }
    assert.deepEqual(await accounts(), before)
    const mailed = (await house.house.mail.mailbox()).map(({ to, subject }) => `${to}: ${subject}`)
    const kinds = (email: string) => new Set(mailed.filter((line) => line.startsWith(email))).size
    assert.deepEqual(emails.map(kinds), [3, 1, 1], 'the mail says it, to whoever owns the mailbox')
  })

  it('A-81: a disabled account is not told apart, gets no link, and cannot be taken up again', async () => {
    const house = await openHouse(open)
    const { accountId, email } = await house.member('disabled@example.org')
    await house.member('active@example.org')
    await house.house.accounts.disable(accountId)
    const mailsBefore = (await house.house.mail.mailbox()).filter(({ to }) => to === email).length
    const forgot = (address: string) => house.browser().post('/auth/password/forgot', { email: address })
    const asked = await learn(house, email, () => forgot(email))
    assert.deepEqual(asked, await learn(house, 'active@example.org', () => forgot('active@example.org')))
    assert.equal((await house.house.mail.mailbox()).filter(({ to }) => to === email).length, mailsBefore)
    await assert.rejects(house.linkFor(email, 'reset'), /no mail/)
    assert.ok(await house.linkFor('active@example.org', 'reset'))
    const again = { email, password: otherPassword }
    assert.equal((await house.browser().post('/auth/sign-up', again)).status, 202)
    await expectRefused(await signIn(house, { email }), failed, 'the new password')
    await house.house.accounts.enable(accountId)
    assert.equal((await signIn(house, { email, password: goodPassword })).status, 200)
  })
})

onEachEngine('guessing is slow', (open) => {
  it('A-82: ten failures an account, then one a minute, from however many networks; a right password counts for nothing', async () => {
    const house = await openHouse(open)
    const { email } = await house.member()
    let caller = 0
    const from = () => `198.51.${Math.floor(caller / 250)}.${(caller++ % 250) + 1}`
    for (let round = 0; round < 12; round++)
      assert.equal((await signIn(house, { email, password: goodPassword, address: from() })).status, 200)
    for (let round = 0; round < 10; round++)
      await expectRefused(await signIn(house, { email, address: from() }), failed, `attempt ${round}`)
    house.machine.hashCalls.length = 0
    for (const password of [otherPassword, goodPassword]) {
      const answer = await signIn(house, { email, password, address: from() })
      assert.equal(answer.headers.get('retry-after'), '60')
      await expectRefused(answer, heldBack, password)
    }
    assert.deepEqual(house.machine.hashCalls, [], 'and no work for who is held back')
    house.machine.clock.advance(60)
    await expectRefused(await signIn(house, { email, address: from() }), failed, 'one a minute')
    await expectRefused(await signIn(house, { email, address: from() }), heldBack, 'and no second')
    house.machine.clock.advance(60)
    assert.equal((await signIn(house, { email, password: goodPassword, address: from() })).status, 200)
    const reached = await house.db
      .selectFrom('event')
      .select('kind')
      .where('kind', '=', 'limit_reached')
      .execute()
    assert.ok(reached.length >= 1, 'the operator hears of it')
  })

  it('A-82: attempts that come all at once cannot outrun the count', async () => {
    const house = await openHouse(open)
    const { email } = await house.member()
    house.machine.hashCalls.length = 0
    const attempts = Array.from({ length: 40 }, (_, at) =>
      signIn(house, { email, address: `203.0.113.${at + 1}` }),
    )
    await expectBounded(house, await statusesOf(attempts))
    house.machine.clock.advance(600)
    const right = Array.from({ length: 8 }, (_, at) =>
      signIn(house, { email, password: goodPassword, address: `203.0.113.${at + 1}` }),
    )
    assert.deepEqual(await statusesOf(right), { 200: 8 })
  })

  it('A-83: one password over many accounts is stopped by the network that it comes from', async () => {
    const house = await openHouse(open)
    const { email } = await house.member()
    const spray = (count: number, address: (at: number) => string, headers?: Record<string, string>) =>
      statusesOf(
        Array.from({ length: count }, (_, at) => {
          return signIn(house, {
            email: `somebody-${at}@example.org`,
            address: address(at),
            ...(headers && { headers }),
          })
        }),
      )
    assert.deepEqual(await spray(60, () => '192.0.2.1'), { 401: 60 })
    const forwarded = { 'x-forwarded-for': '10.1.2.3', forwarded: 'for=10.1.2.3' }
    assert.deepEqual(await spray(30, () => '::ffff:192.0.2.1', forwarded), { 401: 30 })
    assert.deepEqual(await spray(20, () => '::FFFF:c000:0201'), { 401: 10, 429: 10 })
    const answer = await signIn(house, { email, password: goodPassword, address: '192.0.2.1' })
    assert.equal(answer.headers.get('retry-after'), '36')
    await expectRefused(answer, heldBack, 'nobody else from there either, without a known device')
    assert.equal((await signIn(house, { email, password: goodPassword, address: '192.0.2.2' })).status, 200)
    house.machine.clock.advance(36)
    assert.deepEqual(await spray(2, () => '192.0.2.1'), { 401: 1, 429: 1 })
    const reached = await house.db
      .selectFrom('event')
      .selectAll()
      .where('kind', '=', 'limit_reached')
      .execute()
    assert.ok(
      reached.some(({ network }) => network === '192.0.2.1'),
      'the operator hears which network',
    )
  })

  it('A-83: whoever has an IPv6 /64 has one network and not 2^64', async () => {
    const house = await openHouse(open, { policy: { attemptsPerNetwork: 20 } })
    const spray = (count: number, prefix: string) =>
      statusesOf(
        Array.from({ length: count }, (_, at) =>
          signIn(house, { email: `x${at}@example.org`, address: `${prefix}::${at.toString(16)}:1` }),
        ),
      )
    assert.deepEqual(await spray(30, '2001:db8:0:1'), { 401: 20, 429: 10 })
    assert.deepEqual(await spray(5, '2001:db8:0:2'), { 401: 5 })
  })

  it('A-82: signing up and asking for resets are counted per network, and mails per address', async () => {
    const house = await openHouse(open, { policy: { signUpsPerNetwork: 5, mailsPerAddress: 2 } })
    const ask = (path: string, at: number, address: string) => {
      const json = { email: `p${at}@example.org`, password: goodPassword }
      return house.program().send('POST', path, { json, address })
    }
    for (const path of ['/auth/sign-up', '/auth/password/forgot']) {
      const asked = Array.from({ length: 8 }, (_, at) => ask(path, at, '192.0.2.9'))
      assert.deepEqual(await statusesOf(asked), { 202: 5, 429: 3 }, path)
      assert.equal((await ask(path, 9, '192.0.2.10')).status, 202)
    }
    const { email } = await house.member()
    for (let at = 0; at < 6; at++)
      assert.equal(
        (
          await house
            .program()
            .send('POST', '/auth/password/forgot', { json: { email }, address: `192.0.3.${at}` })
        ).status,
        202,
      )
    await house.house.mail.flush()
    const mails = (await house.house.mail.mailbox()).filter(({ to }) => to === email)
    assert.equal(
      mails.length,
      3,
      'one to prove it and two to come back: it is not flooded, and nobody is told',
    )
  })

  it('A-84: guessing from elsewhere does not lock out a device from which the owner has signed in', async () => {
    const house = await openHouse(open)
    const { browser, email } = await house.member()
    const thief = await house.member('thief@example.org')
    const office = '192.0.2.77'
    for (let at = 0; at < 10; at++) await signIn(house, { email, address: office })
    for (let at = 0; at < 95; at++) await signIn(house, { email: `n${at}@example.org`, address: office })
    const credentials = { json: { email, password: goodPassword }, address: office }
    const stranger = await house.browser().send('POST', '/auth/sign-in', credentials)
    await expectRefused(stranger, heldBack, 'a device that nobody knows')
    const elsewhere = await house
      .browser()
      .send('POST', '/auth/sign-in', { ...credentials, address: '192.0.2.78' })
    await expectRefused(elsewhere, heldBack, 'the account is held back everywhere else')
    browser.cookies.delete('__Host-Http-session')
    assert.equal((await browser.send('POST', '/auth/sign-in', credentials)).status, 200)
    const theirs = await thief.browser.send('POST', '/auth/sign-in', credentials)
    assert.equal(theirs.status, 429, 'a device of another account is a stranger')
    const device = browser.cookies.get('__Host-Http-device') ?? ''
    assert.ok(device.length > 40)
    const forged = { cookie: `__Host-Http-device=${altered(device)}` }
    assert.equal((await signIn(house, { email, password: goodPassword, headers: forged })).status, 429)
  })

  it('A-84: a known device has a counter of its own, so a stolen device cookie is no licence to guess', async () => {
    const house = await openHouse(open)
    const { browser, email } = await house.member()
    const headers = { cookie: `__Host-Http-device=${browser.cookies.get('__Host-Http-device')}` }
    house.machine.hashCalls.length = 0
    const guesses = Array.from({ length: 15 }, (_, at) =>
      signIn(house, { email, headers, address: `192.0.2.${at}` }),
    )
    await expectBounded(house, await statusesOf(guesses))
    for (let at = 0; at < 15; at++) await signIn(house, { email, headers, address: `192.0.2.${at}` })
    assert.equal(house.machine.hashCalls.length, 10, 'ten in all, then one a minute')
    assert.equal(
      (await signIn(house, { email, password: goodPassword })).status,
      200,
      'and the owner elsewhere is not held back',
    )
  })
})

/** What is not checked is held back or asked to come again; of what is checked there are ten at the most. */
async function expectBounded(house: TestHouse, statuses: Record<string, number>): Promise<void> {
  const { 401: failed = 0, 429: held = 0, 503: busy = 0, ...others } = statuses
  assert.deepEqual(others, {})
  assert.ok(failed > 0 && failed <= 10 && held + busy > 0, JSON.stringify(statuses))
  assert.equal(house.machine.hashCalls.length, failed)
}

onEachEngine('addresses and the way back', (open) => {
  it('A-89: an address has one form: ASCII in lower case; what only looks like it is refused, and tags are kept', async () => {
    const house = await openHouse(open)
    const { email, accountId } = await house.member('mike.strasse@example.org')
    for (const typed of ['MIKE.STRASSE@EXAMPLE.ORG', 'Mike.Strasse@Example.org', `  ${email}\t`]) {
      const answer = await signIn(house, { email: typed, password: goodPassword })
      assert.equal(answer.status, 200, typed)
      assert.equal((await answer.json()).account.id, accountId)
    }
    await house
      .browser()
      .post('/auth/sign-up', { email: 'MIKE.Strasse@example.org', password: otherPassword })
    assert.equal((await house.db.selectFrom('account').selectAll().execute()).length, 1)
    const before = await contentsOf(house.db)
    const lookAlikes = [
      'm\u0131ke.strasse@example.org',
      'mi\u212ae.strasse@example.org',
      'mike.stra\u00dfe@example.org',
      'm\u0130ke.strasse@example.org',
      'mike.\u017ftrasse@example.org',
      'mike.strasse@ex\u0430mple.org',
      'mike.strasse\uff20example.org',
      'mike.strasse@example\u3002org',
      'mike\u200d.strasse@example.org',
      'mike.strasse@example.org\0',
      'mike.strasse@example.org,thief@evil.example',
      'mike.strasse@example.org\nbcc:thief@evil.example',
      '"mike.strasse"@example.org',
      'mike.strasse@example.org>',
      'thief@evil.example <mike.strasse@example.org>',
    ]
    const asks: [string, object][] = [
      ['/auth/sign-in', { password: goodPassword }],
      ['/auth/sign-up', { password: goodPassword }],
      ['/auth/password/forgot', {}],
    ]
    for (const lookAlike of lookAlikes) {
      for (const [path, rest] of asks) {
        const answer = await house.browser().post(path, { email: lookAlike, ...rest })
        assert.equal(answer.status, 422, `${path} ${lookAlike}`)
        assert.equal(await codeOf(answer), 'email_invalid')
      }
    }
    assert.equal(await contentsOf(house.db), before, 'and nobody is mailed')
    const tagged = await house.member('mike.strasse+bank@example.org')
    assert.notEqual(tagged.accountId, accountId)
    await house.browser().post('/auth/password/forgot', { email: 'mike.strasse+other@example.org' })
    await house.browser().post('/auth/password/forgot', { email: 'MIKE.strasse@example.org' })
    await assert.rejects(house.linkFor('mike.strasse+other@example.org', 'reset'), /no mail/)
    assert.ok(await house.linkFor(email, 'reset'), 'the stored form is mailed to')
  })

  it('A-96: signing in leads to a path of ours, whatever was asked for', async () => {
    const house = await openHouse(open)
    const { browser, email } = await house.member()
    const foreign = [
      '//evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      '/\t/evil.example',
      '/\n/evil.example',
      '\t//evil.example',
      ' //evil.example',
      'https:evil.example',
      'https://evil.example',
      'https://localhost:3000@evil.example',
      '@evil.example',
      '/.//\\evil.example\\',
      'javascript:alert(1)',
      'JaVaScRiPt:alert(1)',
      'data:text/html,x',
      '/ \u0435vil.example',
      '/\u2028evil',
      'evil',
      '',
      `/${'a'.repeat(3000)}`,
      '/\0',
      'http:/evil.example',
      '///evil.example',
      '/\r\nset-cookie: a=b',
    ]
    for (const next of foreign) {
      const asked = await browser.submit('/sign-in', { email, password: goodPassword, next })
      assert.deepEqual([asked.status, asked.headers.get('location')], [303, '/account'], next)
      const signedIn = await browser.get(`/sign-in?next=${encodeURIComponent(next)}`)
      assert.deepEqual([signedIn.status, signedIn.headers.get('location')], [303, '/account'], next)
    }
    for (const next of ['/account?notice=x', '/', '/%2f%2fevil.example', '/a//b', '/@evil.example']) {
      const asked = await browser.submit('/sign-in', { email, password: goodPassword, next })
      assert.equal(asked.headers.get('location'), next)
      assert.equal(new URL(next, house.issuer).origin, house.issuer, 'a browser stays with us')
    }
    const failure = await house
      .browser()
      .submit('/sign-in', { email, password: otherPassword, next: '//evil.example' })
    assert.equal(failure.status, 401)
    assert.doesNotMatch(await failure.text(), /(?:href|action|src)="[^"]*evil/)
  })
})
