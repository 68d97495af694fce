import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Adopt, Adoptable } from '../contract.ts'
import {
  type Agent,
  goodPassword,
  onEachEngine,
  openHouse,
  otherPassword,
  type TestHouse,
} from '../testing/index.ts'

const later = 4_000_000_000
const own = { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' }

type Old = Map<string, Adoptable>

/** The other system: sessions by the value of a cookie `sid`, or of `Authorization: Old`. */
function oldSystem(): { old: Old; adopt: Adopt } {
  const old: Old = new Map()
  const adopt: Adopt = ({ headers }) => {
    const value =
      /(?:^|; )sid=(\w+)/.exec(headers.get('cookie') ?? '')?.[1] ??
      /^Old (\w+)$/.exec(headers.get('authorization') ?? '')?.[1]
    if (value === 'broken') throw new Error('the old store is away')
    return (value !== undefined && old.get(value)) || null
  }
  return { old, adopt }
}

/** An account whose session is somewhere else: here it has none. */
async function moved(at: TestHouse, old: Old, name = 'ada'): Promise<{ id: string; email: string }> {
  const account = await at.house.accounts.create(at.db, { email: `${name}@example.org`, isVerified: true })
  assert.ok(account)
  old.set(`old${name}`, { account: account.id, credential: `sess:${name}`, expiresAt: later })
  return account
}

const byCookie = (agent: Agent, value: string, json: object = {}) =>
  agent.send('POST', '/auth/adopt', { json, headers: { cookie: `sid=${value}` } })
const byHeader = (agent: Agent, value: string) =>
  agent.send('POST', '/auth/adopt', {
    json: { carrier: 'token' },
    headers: { authorization: `Old ${value}` },
  })

async function codeOf(answer: Response): Promise<string> {
  return `${answer.status} ${(await answer.json()).code ?? ''}`
}

const sessionsOf = ({ db }: TestHouse) => db.selectFrom('session').selectAll().execute()

onEachEngine('an old credential', (open) => {
  async function start(options: { policy?: object } = {}) {
    const { old, adopt } = oldSystem()
    return { at: await openHouse(open, { adopt, ...options }), old }
  }

  it('is exchanged for a session by cookie, and by token', async () => {
    const { at, old } = await start()
    const ada = await moved(at, old)
    await moved(at, old, 'grace')
    const browser = at.browser()
    const answer = await byCookie(browser, 'oldada')
    assert.equal(answer.status, 200)
    assert.deepEqual((await answer.json()).account, { id: ada.id, email: ada.email })
    assert.equal((await (await browser.get('/auth/session')).json()).carrier, 'cookie')
    const tokens = await (await byHeader(at.program(), 'oldgrace')).json()
    const seen = await at.program().get('/auth/session', { authorization: `Bearer ${tokens.access_token}` })
    assert.equal((await seen.json()).account.email, 'grace@example.org')
    const claims = JSON.parse(Buffer.from(tokens.access_token.split('.')[1], 'base64url').toString())
    assert.deepEqual([claims.auth_time, claims.amr], [0, ['adopted']])
  })

  it('is good for one session, however many show it at once', async () => {
    const { at, old } = await start()
    await moved(at, old)
    const shown = Array.from({ length: 64 }, () => byHeader(at.program(), 'oldada'))
    const codes = await Promise.all((await Promise.all(shown)).map(codeOf))
    assert.deepEqual(codes.filter((code) => code === '200 ').length, 1, codes.join())
    assert.equal((await sessionsOf(at)).length, 1)
    assert.equal(await codeOf(await byHeader(at.program(), 'oldada')), '401 adoption_refused')
  })

  it('is no fresh proof, until the password is given', async () => {
    const { at, old } = await start()
    const { browser, email, accountId } = await at.member()
    await browser.post('/auth/sign-out')
    old.set('mine', { account: accountId, credential: 'one', expiresAt: later })
    assert.equal((await byCookie(browser, 'mine')).status, 200)
    const caller = await (await browser.get('/auth/session')).json()
    assert.equal(caller.authenticated_at, 0)
    assert.throws(
      () => at.house.demand({ ...caller, scopes: [] }, { freshWithinSeconds: 4_000_000 }),
      /reauthentication_required|again/i,
    )
    assert.equal((await browser.post('/auth/reauthenticate', { password: goodPassword })).status, 200)
    const [session] = (await sessionsOf(at)).filter(({ ended_at }) => ended_at === null)
    assert.deepEqual([session?.amr, email], ['pwd', 'ada@example.org'])
  })

  const ends: [
    what: string,
    end: (at: TestHouse, owner: { id: string; email: string; browser: Agent }) => Promise<unknown>,
  ][] = [
    ['disabled', ({ house }, { id }) => house.accounts.disable(id)],
    [
      'disabled and enabled again',
      async ({ house }, { id }) => {
        await house.accounts.disable(id)
        await house.accounts.enable(id)
      },
    ],
    [
      'given another password',
      (_, { browser }) =>
        browser.post('/auth/password/change', { current: goodPassword, new: otherPassword }),
    ],
    [
      'reset by mail',
      async (at, { email, browser }) => {
        await browser.post('/auth/password/forgot', { email })
        const token = await at.linkFor(email, 'reset')
        return browser.post('/auth/password/reset', { token, password: otherPassword })
      },
    ],
    ['told to end all other sessions', (_, { browser }) => browser.post('/auth/sessions/end-others')],
  ]
  it('A-95: is worth nothing once its account was disabled, proven anew, or told to end all others', async () => {
    const { at, old } = await start()
    for (const [turn, [what, end]] of ends.entries()) {
      const { browser, email, accountId: id } = await at.member(`ada.${turn}@example.org`)
      old.set('stolen', { account: id, credential: `one of ${turn}`, expiresAt: later })
      await end(at, { id, email, browser })
      const before = (await sessionsOf(at)).length
      assert.equal(await codeOf(await byHeader(at.program(), 'stolen')), '401 adoption_refused', what)
      assert.equal((await sessionsOf(at)).length, before, what)
    }
    assert.deepEqual(await at.db.selectFrom('old_credential').selectAll().execute(), [])
  })

  it('is refused in one way, whatever is wrong with it', async () => {
    const { at, old } = await start()
    const ada = await moved(at, old)
    const unproven = await at.house.accounts.create(at.db, { email: 'joan@example.org', isVerified: false })
    old.set('unproven', { account: unproven?.id ?? '', credential: 'two', expiresAt: later })
    old.set('nobody', { account: 'nobody', credential: 'three', expiresAt: later })
    old.set('strangers', { email: 'stranger@example.org', credential: 'four', expiresAt: later })
    old.set('over', { account: ada.id, credential: 'five', expiresAt: at.machine.clock.now() })
    for (const value of ['unproven', 'nobody', 'strangers', 'over', 'unheardof'])
      assert.equal(await codeOf(await byHeader(at.program(), value)), '401 adoption_refused', value)
    assert.deepEqual(await sessionsOf(at), [])
  })

  it('of an address is the one of the account with that address', async () => {
    const { at, old } = await start()
    await moved(at, old)
    old.set('byaddress', { email: 'Ada@Example.org', credential: 'two', expiresAt: later })
    const answer = await byHeader(at.program(), 'byaddress')
    assert.equal((await answer.json()).account.email, 'ada@example.org')
  })

  it('is not used up by a hook that throws, or answers nonsense', async () => {
    const { at, old } = await start()
    const ada = await moved(at, old)
    const wrong: unknown[] = [
      {},
      { account: ada.id },
      { account: ada.id, email: ada.email, credential: 'x', expiresAt: later },
      { account: ada.id, credential: '', expiresAt: later },
      { account: ada.id, credential: 'x', expiresAt: later * 1000 },
      { account: ada.id, credential: 'x', expiresAt: '2030-01-01' },
      { account: ada.id, credential: 7, expiresAt: later },
      'ada',
      undefined,
    ]
    for (const [turn, answered] of wrong.entries()) old.set(`wrong${turn}`, answered as Adoptable)
    for (const value of ['broken', ...wrong.map((_, turn) => `wrong${turn}`)]) {
      const answer = await byHeader(at.program(), value)
      const text = await answer.text()
      // `undefined` of a map is nobody there.
      assert.equal(answer.status, value === 'wrong8' ? 401 : 500, `${value}: ${text}`)
      assert.doesNotMatch(text, /old store|expiresAt/)
    }
    assert.deepEqual(await at.db.selectFrom('old_credential').selectAll().execute(), [])
    assert.equal((await byHeader(at.program(), 'oldada')).status, 200)
  })

  it('A-16: is shown by nobody but pages of our own, and takes no place of a session', async () => {
    const { at, old } = await start()
    await moved(at, old)
    const cookie = { cookie: 'sid=oldada' }
    const evil = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const sibling = { origin: 'http://evil.localhost:3000', 'sec-fetch-site': 'same-site' }
    for (const carrier of ['cookie', 'token'])
      for (const from of [evil, sibling, { origin: 'null' }, {}]) {
        const answer = await at
          .program()
          .send('POST', '/auth/adopt', { json: { carrier }, headers: { ...cookie, ...from } })
        assert.equal(await codeOf(answer), '403 forged_request', JSON.stringify([carrier, from]))
        assert.deepEqual(answer.headers.getSetCookie(), [])
      }
    for (const from of [evil, sibling, {}])
      assert.equal((await at.house.adopt({ method: 'GET', headers: { ...cookie, ...from } })).status, 403)
    const { browser } = await at.member('grace@example.org')
    const session = browser.cookies.get('__Host-Http-session') ?? ''
    const both = { cookie: `__Host-Http-session=${session}; sid=oldada` }
    const planted = await at.program().send('POST', '/auth/adopt', { json: {}, headers: { ...both, ...own } })
    assert.equal(await codeOf(planted), '401 adoption_refused')
    assert.equal((await (await browser.get('/auth/session')).json()).account.email, 'grace@example.org')
    assert.deepEqual(await at.db.selectFrom('old_credential').selectAll().execute(), [])
  })

  it('that came with a navigation is exchanged in the process, if that came from our own pages or from nobody’s', async () => {
    const { at, old } = await start()
    await moved(at, old)
    await moved(at, old, 'grace')
    const typed = await at.house.adopt({
      method: 'GET',
      url: '/',
      headers: { cookie: 'sid=oldada', 'sec-fetch-site': 'none' },
    })
    assert.equal(typed.status, 200)
    assert.match(typed.headers.getSetCookie().join(), /__Host-Http-session=/)
    const headers = new Headers({ authorization: 'Old oldgrace' })
    const program = await at.house.adopt({ headers }, { carrier: 'token' })
    assert.equal((await program.json()).token_type, 'Bearer')
  })

  it('that is not taken counts against the network, and a right one does not', async () => {
    const { at, old } = await start({ policy: { attemptsPerNetwork: 3 } })
    await moved(at, old)
    for (let turn = 0; turn < 3; turn++) {
      old.set(`wrong${turn}`, { account: 'nobody', credential: `wrong${turn}`, expiresAt: later })
      assert.equal(await codeOf(await byHeader(at.program(), `wrong${turn}`)), '401 adoption_refused')
    }
    assert.equal(await codeOf(await byHeader(at.program(), 'oldada')), '429 too_many_attempts')
    const elsewhere = {
      json: { carrier: 'token' },
      headers: { authorization: 'Old oldada' },
      address: '192.0.2.7',
    }
    assert.equal((await at.program().send('POST', '/auth/adopt', elsewhere)).status, 200)
  })

  it('is remembered until it ends by itself, and no longer', async () => {
    const { at, old } = await start()
    const ada = await moved(at, old)
    const expiresAt = at.machine.clock.now() + 3600
    old.set('hour', { account: ada.id, credential: 'hour', expiresAt })
    assert.equal((await byHeader(at.program(), 'hour')).status, 200)
    await at.house.chores.forget()
    assert.equal((await at.db.selectFrom('old_credential').selectAll().execute()).length, 1)
    at.machine.clock.advance(3600)
    await at.house.chores.forget()
    assert.deepEqual(await at.db.selectFrom('old_credential').selectAll().execute(), [])
    assert.equal(await codeOf(await byHeader(at.program(), 'hour')), '401 adoption_refused')
  })

  it('leaves no trace of itself', async () => {
    const { at, old } = await start()
    const ada = await moved(at, old)
    old.set('secret', { account: ada.id, credential: 'averysecretvalue', expiresAt: later })
    assert.equal((await byHeader(at.program(), 'secret')).status, 200)
    const rows = await Promise.all([
      at.db.selectFrom('old_credential').selectAll().execute(),
      at.db.selectFrom('event').selectAll().execute(),
      sessionsOf(at),
    ])
    assert.doesNotMatch(JSON.stringify(rows), /averysecretvalue/)
  })

  it('is asked for nowhere where no application moves in', async () => {
    const at = await openHouse(open)
    assert.equal((await at.browser().post('/auth/adopt', {})).status, 404)
  })
})
