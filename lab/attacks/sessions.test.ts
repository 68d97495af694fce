import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { it } from 'node:test'
import { sessionCookieName as name } from '@counterfoil/verifier'
import {
  type Agent,
  goodPassword,
  onEachEngine,
  openHouse,
  otherPassword,
  type TestHouse,
} from 'counterfoil/house'
import { everyAttackIsReal } from './at-textbook.ts'
import { contentsOf } from './evidence.ts'
import {
  cacheHandsItOver,
  copyOutlivesTheOldPassword,
  pendingSignUpIsSomebody,
  plantedCookieIsKept,
  signingOutEndsNothing,
  tableOpensSessions,
  tokenIsTakenFromAnywhere,
  tokenOfTheOtherPlaceIsTaken,
} from './sessions-at-textbook.ts'

const cookieOf = (agent: Agent) => agent.cookies.get(name) ?? ''
const carrying = (value: string) => ({ cookie: `${name}=${value}` })

/** Whom a session cookie of this value signs in: an address, or nobody. */
async function whoIs(home: TestHouse, value: string): Promise<string | null> {
  const answer = await home.program().get('/auth/session', carrying(value))
  if (answer.status === 401) return null
  assert.equal(answer.status, 200)
  return (await answer.json()).account.email
}

async function refresh(home: TestHouse, refreshToken: string): Promise<Response> {
  return home.program().submit('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken })
}

onEachEngine('stolen, planted and guessed sessions', (open) => {
  it('A-23: a session planted before sign-in is replaced, and is nobody afterwards', async () => {
    await plantedCookieIsKept('A-23', 'sign-in')
    const home = await openHouse(open)
    const { email, password } = await home.member()
    const signIns = [
      (agent: Agent) => agent.post('/auth/sign-in', { email, password }),
      (agent: Agent) => agent.submit('/sign-in', { email, password }),
    ]
    const names = ['by-form', 'by-script']
    for (const signIn of signIns) {
      const { browser: mallory, email: planter } = await home.member(`mallory-${names.pop()}@example.org`)
      const planted = cookieOf(mallory)
      const invented = randomBytes(48).toString('base64url')
      for (const value of [planted, invented]) {
        const browser = home.browser()
        browser.cookies.set(name, value)
        assert.equal(await whoIs(home, value), value === planted ? planter : null)
        assert.ok([200, 303].includes((await signIn(browser)).status))
        assert.notEqual(cookieOf(browser), value)
        assert.equal(await whoIs(home, cookieOf(browser)), email)
        assert.equal(await whoIs(home, value), null)
      }
    }
  })

  it('A-23: a session planted before a mailbox is proven is replaced as well', async () => {
    await plantedCookieIsKept('A-23', 'sign-up')
    const home = await openHouse(open)
    const { browser: mallory } = await home.member('mallory@example.org')
    const browser = home.browser()
    browser.cookies.set(name, cookieOf(mallory))
    const email = 'ada@example.org'
    await browser.post('/auth/sign-up', { email, password: goodPassword })
    const token = await home.linkFor(email, 'verify')
    assert.equal((await browser.submit('/verify', { token })).status, 303)
    assert.equal(await whoIs(home, cookieOf(browser)), email)
    assert.equal(await whoIs(home, cookieOf(mallory)), null)
  })

  it('A-24: every new proof and every change of password gives the cookie a new value, and the old one dies', async () => {
    await copyOutlivesTheOldPassword('A-24', 'cookie')
    const home = await openHouse(open)
    const { browser, email } = await home.member()
    const steps: [string, () => Promise<Response>][] = [
      ['a new proof', () => browser.post('/auth/reauthenticate', { password: goodPassword })],
      [
        'a password',
        () => browser.post('/auth/password/change', { current: goodPassword, new: otherPassword }),
      ],
      ['by form', () => browser.submit('/account/password', { current: otherPassword, new: goodPassword })],
      ['a sign-in on top', () => browser.post('/auth/sign-in', { email, password: goodPassword })],
    ]
    const seen = [cookieOf(browser)]
    for (const [about, step] of steps) {
      assert.ok([200, 303].includes((await step()).status), about)
      assert.equal(await whoIs(home, cookieOf(browser)), email, about)
      for (const old of seen) assert.equal(await whoIs(home, old), null, about)
      assert.ok(!seen.includes(cookieOf(browser)), about)
      seen.push(cookieOf(browser))
    }
    const failed = await browser.post('/auth/reauthenticate', { password: 'not the one, I am afraid' })
    assert.equal(failed.status, 403)
    assert.equal(await whoIs(home, cookieOf(browser)), email, 'a proof that failed changes nothing')
  })

  it('A-24: tokens from before a new proof or a new password cannot be refreshed after it', async () => {
    await copyOutlivesTheOldPassword('A-24', 'token')
    const home = await openHouse(open)
    const { email } = await home.member()
    const steps: [string, object][] = [
      ['/auth/reauthenticate', { password: goodPassword }],
      ['/auth/password/change', { current: goodPassword, new: otherPassword }],
    ]
    for (const [path, body] of steps) {
      const before = await home.tokens(email)
      const bearer = { authorization: `Bearer ${before.access_token}` }
      const after = await (await home.program().post(path, body, bearer)).json()
      assert.notEqual(after.refresh_token, before.refresh_token)
      assert.equal((await refresh(home, after.refresh_token)).status, 200, path)
      assert.equal((await refresh(home, before.refresh_token)).status, 400, path)
      if (path.endsWith('change'))
        assert.equal((await home.program().get('/auth/session', bearer)).status, 401)
    }
  })

  it('A-25: a credential in the address, a form or another header is ignored', async () => {
    await tokenIsTakenFromAnywhere('A-25')
    const home = await openHouse(open)
    const { browser, email, accountId } = await home.member()
    const { access_token, session } = await home.tokens(email)
    const program = home.program()
    const names = [
      name,
      'session',
      'sid',
      'session_id',
      'JSESSIONID',
      'PHPSESSID',
      'access_token',
      'token',
      'bearer_token',
    ]
    const headers = [
      'x-session-id',
      'x-auth-token',
      'x-access-token',
      'cookie2',
      'proxy-authorization',
      'set-cookie',
    ]
    for (const value of [cookieOf(browser), access_token, session.id]) {
      for (const field of names) {
        for (const path of [
          `/auth/session?${field}=${value}`,
          `/auth/session#${field}=${value}`,
          `/account?${field}=${value}`,
        ]) {
          const { status } = await program.get(path)
          assert.equal(status, path.startsWith('/account') ? 303 : 401, path.slice(0, 40))
        }
        assert.equal((await program.get(`/auth/session;${field}=${value}`)).status, 404)
        assert.equal((await program.submit('/account/sessions/end-others', { [field]: value })).status, 303)
        assert.equal(
          (await program.post('/auth/reauthenticate', { password: goodPassword, [field]: value })).status,
          401,
        )
      }
      for (const header of headers) {
        const sent = { [header]: header === 'proxy-authorization' ? `Bearer ${value}` : `${name}=${value}` }
        assert.equal((await program.get('/auth/session', sent)).status, 401, header)
      }
    }
    assert.equal((await program.get('/auth/session', carrying(cookieOf(browser)))).status, 200)
    assert.equal(
      (await program.get('/auth/session', { authorization: `Bearer ${access_token}` })).status,
      200,
    )
    assert.equal((await home.house.sessions.list(accountId)).length, 2, 'and nothing was ended')
  })

  it('A-27: whoever reads the whole database can sign in with nothing in it', async () => {
    await tableOpensSessions('A-27')
    const home = await openHouse(open)
    const { browser, email } = await home.member()
    const pair = await home.tokens(email)
    await home.program().post('/auth/password/forgot', { email })
    const pending = home.browser()
    await pending.post('/auth/sign-up', { email: 'grace@example.org', password: otherPassword })
    const links = [await home.linkFor(email, 'reset'), await home.linkFor('grace@example.org', 'verify')]
    const dump = await contentsOf(home.db)

    const secrets = [...browser.cookies.values(), ...pending.cookies.values(), pair.access_token, ...links]
    const parts = pair.refresh_token.replace(/^cfr_/, '')
    for (const secret of [...secrets, parts, goodPassword, otherPassword]) {
      const bytes = Buffer.from(secret, 'base64url')
      const random = [bytes.subarray(0, 32), bytes.subarray(-48, -16)].filter(({ length }) => length === 32)
      const spellings = random.flatMap((part) => [
        part.toString('base64url'),
        part.toString('base64'),
        part.toString('hex'),
      ])
      for (const spelling of [secret, ...spellings])
        assert.ok(!dump.includes(spelling), 'a secret lies in the database')
    }

    const found = new Set(dump.match(/[A-Za-z0-9_.$/+=-]{16,}/g))
    assert.ok(found.size > 10)
    const program = home.program()
    for (const value of found) {
      assert.equal(await whoIs(home, value), null)
      assert.notEqual((await program.get('/auth/session', { authorization: `Bearer ${value}` })).status, 200)
      assert.equal((await refresh(home, value)).status, 400)
      assert.equal(
        (await program.post('/auth/password/reset', { token: value, password: otherPassword })).status,
        410,
      )
      const verified = await program.post('/auth/verify-email', { token: value, carrier: 'token' })
      assert.equal(verified.status, 410)
    }
    assert.equal(await whoIs(home, cookieOf(browser)), email)
    assert.equal((await refresh(home, pair.refresh_token)).status, 200)
  })

  it('A-28: signing out while a new cookie is being made leaves neither alive', async () => {
    await signingOutEndsNothing('A-28', 'cookie')
    const home = await openHouse(open)
    const { browser, email } = await home.member()
    const old = cookieOf(browser)
    const elsewhere = home.browser()
    elsewhere.cookies.set(name, old)
    home.machine.beforeHash = async () => {
      home.machine.beforeHash = null
      assert.equal((await elsewhere.post('/auth/sign-out')).status, 204)
    }
    const answer = await browser.post('/auth/reauthenticate', { password: goodPassword })
    assert.equal(home.machine.beforeHash, null, 'the two did cross')
    assert.notEqual(answer.status, 200)
    for (const value of [old, cookieOf(browser)]) assert.equal(await whoIs(home, value), null)
    const again = home.browser()
    await again.post('/auth/sign-in', { email, password: goodPassword })
    const before = cookieOf(again)
    assert.equal((await again.post('/auth/reauthenticate', { password: goodPassword })).status, 200)
    assert.notEqual(cookieOf(again), before, 'uncrossed, it works')
  })

  it('A-28: ending a session while it is being refreshed and used leaves no live token', async () => {
    await signingOutEndsNothing('A-28', 'token')
    const home = await openHouse(open)
    const { browser, email } = await home.member()
    let refreshed = 0
    // Who comes first is the machine's to say: it goes on until a refresh was.
    for (let round = 0; round < 8 || (refreshed === 0 && round < 200); round++) {
      const pair = await home.tokens(email)
      const bearer = { authorization: `Bearer ${pair.access_token}` }
      const end = () =>
        round % 2 === 0
          ? browser.send('DELETE', `/auth/sessions/${pair.session.id}`)
          : home.program().post('/auth/sign-out', undefined, bearer)
      const [first, , ended, ...rest] = await Promise.all([
        refresh(home, pair.refresh_token),
        home.program().get('/auth/session', bearer),
        end(),
        refresh(home, pair.refresh_token),
        refresh(home, pair.refresh_token),
      ])
      assert.equal(ended.status, 204)
      const handed = [pair]
      for (const answer of [first, ...rest]) if (answer.status === 200) handed.push(await answer.json())
      refreshed += handed.length - 1
      for (const { access_token, refresh_token } of handed) {
        const shown = await home.program().get('/auth/session', { authorization: `Bearer ${access_token}` })
        assert.equal(shown.status, 401)
        assert.equal((await refresh(home, refresh_token)).status, 400)
      }
    }
    assert.ok(refreshed > 0, 'at least once the refresh came first')
    assert.equal(await whoIs(home, cookieOf(browser)), email)
  })

  it('A-29: credentials of one deployment are worth nothing at another, even with the same secret', async () => {
    await tokenOfTheOtherPlaceIsTaken('A-29')
    for (const rootSecret of [new Uint8Array(32).fill(7), new Uint8Array(32).fill(9)]) {
      const home = await openHouse(open, { issuer: 'http://a.localhost:3000' })
      const other = await openHouse(open, { issuer: 'http://b.localhost:3000', rootSecret })
      const { browser, email } = await home.member()
      await other.member(email)
      const pair = await home.tokens(email)
      await home.program().post('/auth/password/forgot', { email })
      const token = await home.linkFor(email, 'reset')
      const bearer = { authorization: `Bearer ${pair.access_token}` }
      const reset = { token, password: otherPassword }
      assert.equal(await whoIs(other, cookieOf(browser)), null)
      assert.equal((await other.program().get('/auth/session', bearer)).status, 401)
      assert.equal((await refresh(other, pair.refresh_token)).status, 400)
      assert.equal((await other.program().post('/auth/password/reset', reset)).status, 410)

      assert.equal(await whoIs(home, cookieOf(browser)), email)
      assert.equal((await home.program().get('/auth/session', bearer)).status, 200)
      assert.equal((await refresh(home, pair.refresh_token)).status, 200)
      assert.equal((await home.program().post('/auth/password/reset', reset)).status, 204)
    }
  })

  it('A-34: a pending sign-up is no session, and none of its secrets opens anything but its own door', async () => {
    await pendingSignUpIsSomebody('A-34')
    const home = await openHouse(open)
    const { browser: member } = await home.member()
    const pending = home.browser()
    const [email, password] = ['grace@example.org', otherPassword]
    assert.equal((await pending.post('/auth/sign-up', { email, password })).status, 202)
    assert.equal(cookieOf(pending), '')
    for (const path of ['/auth/session', '/auth/sessions'])
      assert.equal((await pending.get(path)).status, 401)
    assert.equal((await pending.get('/account')).status, 303)
    assert.equal((await pending.post('/auth/reauthenticate', { password })).status, 401)
    assert.equal((await pending.post('/auth/sign-in', { email, password })).status, 401)

    // The cookies of one purpose under the name of another, and the link of the mail as a credential.
    const token = await home.linkFor(email, 'verify')
    const half = [...pending.cookies.values(), member.cookies.get('__Host-Http-device') ?? '', token]
    assert.equal(half.length, 3)
    home.statements.length = 0
    for (const value of half) assert.equal(await whoIs(home, value), null)
    assert.deepEqual(home.statements, [], 'made for another purpose, so the store is not even asked')
    for (const value of half) {
      assert.equal(
        (await home.program().get('/auth/session', { authorization: `Bearer ${value}` })).status,
        401,
      )
      assert.equal((await refresh(home, `cfr_${value}`)).status, 400)
    }
    const stranger = home.browser()
    stranger.cookies.set('__Host-Http-sign-up', cookieOf(member))
    assert.equal(
      (await stranger.post('/auth/verify-email', { token })).status,
      422,
      'not the browser that signed up',
    )
    assert.equal(stranger.cookies.has(name), false)
    assert.equal((await stranger.post('/auth/verify-email', { token, password })).status, 200)
    assert.equal(await whoIs(home, cookieOf(stranger)), email)
  })

  it("A-35: a cache between people and the server never hands one person's answer to the next", async () => {
    await cacheHandsItOver('A-35', behindSharedCache)
    const home = await openHouse(open)
    const { browser: ada } = await home.member()
    const { browser: mallory } = await home.member('mallory@example.org')
    const careless = async (request: Request) => {
      const answer = await home.house.fetch(request)
      answer.headers.delete('cache-control')
      return answer
    }
    for (const fetch of [home.house.fetch, careless]) {
      const cached = behindSharedCache(fetch)
      const leaks: string[] = []
      for (const { method, path } of home.house.routes.filter((route) => route.method === 'GET')) {
        const asked = (agent: Agent) => {
          const headers = { ...carrying(cookieOf(agent)), accept: 'text/html' }
          return new Request(new URL(path, home.issuer), { method, headers })
        }
        const mine = await (await cached(asked(ada))).text()
        const theirs = await (await cached(asked(mallory))).text()
        const direct = await (await home.house.fetch(asked(mallory))).text()
        if (theirs === mine && theirs !== direct) leaks.push(path)
      }
      // Without the header the same walk does leak, so it would be seen.
      assert.deepEqual(leaks, fetch === careless ? ['/auth/session', '/auth/sessions', '/account'] : [])
    }
  })
})

/** A greedy shared cache: keeps whatever is not forbidden, by address and what `Vary` names. */
function behindSharedCache(fetch: (request: Request) => Promise<Response>) {
  const kept = new Map<string, { response: Response; vary: string[]; values: (string | null)[] }>()
  return async (request: Request): Promise<Response> => {
    const entry = kept.get(request.url)
    const fits = entry?.vary.every((header, at) => request.headers.get(header) === entry.values[at])
    if (entry && fits) return entry.response.clone()
    const response = await fetch(request)
    if (/no-store|private/.test(response.headers.get('cache-control') ?? '')) return response
    const vary = (response.headers.get('vary') ?? '').split(',').filter((header) => header !== '')
    const values = vary.map((header) => request.headers.get(header))
    kept.set(request.url, { response: response.clone(), vary, values })
    return response
  }
}

everyAttackIsReal('sessions.test.ts')
