import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { workerAt } from '../testing/grants.ts'
import { openHouse, otherPassword } from '../testing/house.ts'

const scopes = { 'statements:read': 'Read your statements' }

async function setUp(open: OpenTestDatabase) {
  const at = await openHouse(open, { policy: { scopes } })
  const owner = await at.member()
  const worker = await workerAt(at)
  const ask = async (given = {}) => {
    const address = await at.house.grants.request({ ...worker.terms(), ...given })
    return { path: address.slice(at.issuer.length), request: address.replace(/^.*=/, '') }
  }
  return { at, worker, ask, ...owner }
}

onEachEngine('the page that asks', (open) => {
  test('says in words who, what for, what, where and until when, and asks for nothing else', async () => {
    const { at, browser, ask, email } = await setUp(open)
    const { path } = await ask({ purpose: '<b>Send</b> & go' })
    const answer = await browser.get(path)
    assert.equal(answer.status, 200)
    assert.match(answer.headers.get('content-security-policy') ?? '', /frame-ancestors 'none'/)
    const markup = await answer.text()
    for (const words of ['Monthly statements', 'Read your statements', 'On this site', email, '16 Jan 2027'])
      assert.ok(markup.includes(words), words)
    assert.ok(markup.includes('&lt;b&gt;Send&lt;/b&gt; &amp; go'))
    assert.doesNotMatch(markup, /type="password"/)
    assert.deepEqual(
      await at.db.selectFrom('account_grant').selectAll().execute(),
      [],
      'looking gives nothing',
    )
  })

  test('sends whoever is signed out to sign in, and back', async () => {
    const { at, ask } = await setUp(open)
    const { path } = await ask()
    const answer = await at.browser().get(path)
    assert.deepEqual(
      [answer.status, answer.headers.get('location')],
      [303, `/sign-in?next=${encodeURIComponent(path)}`],
    )
  })

  test('gives one grant for one press, however often it is pressed, and tells the application its id', async () => {
    const { browser, worker, ask } = await setUp(open)
    const { request } = await ask({ return_to: '/bank?tab=jobs' })
    const pressed = await Promise.all(
      Array.from({ length: 3 }, () => browser.submit('/grants/new', { request })),
    )
    const places = new Set(pressed.map(({ headers }) => headers.get('location')))
    assert.equal(places.size, 1)
    const [place] = places
    const id = /^\/bank\?tab=jobs&grant=([\w-]{22})$/.exec(place ?? '')?.[1] ?? assert.fail(String(place))
    assert.equal((await worker.exchange(id)).status, 200)
    await browser.send('DELETE', `/auth/grants/${id}`)
    const again = await browser.submit('/grants/new', { request })
    assert.equal(again.status, 410, 'and not again once it was withdrawn')
  })

  test('asks for the password where it was not proven lately, and hands out a new cookie with the grant', async () => {
    const { at, browser, password, ask } = await setUp(open)
    const { path, request } = await ask()
    at.machine.clock.advance(301)
    assert.match(await (await browser.get(path)).text(), /type="password"/)
    const without = await browser.submit('/grants/new', { request })
    assert.deepEqual([without.status, without.headers.getSetCookie()], [401, []])
    assert.match(await without.text(), /type="password"/)
    const wrong = await browser.submit('/grants/new', { request, password: otherPassword })
    assert.equal(wrong.status, 403)
    assert.ok(!(await wrong.text()).includes(otherPassword))
    assert.equal((await at.house.grants.list(null)).length, 0)
    const right = await browser.submit('/grants/new', { request, password })
    assert.deepEqual([right.status, right.headers.get('location')], [303, '/account?notice=grant-given'])
    assert.equal((await at.house.grants.list(null)).length, 1)
    assert.equal((await browser.get('/auth/session')).status, 200)
  })

  test('whose password was right and whose list is full is told so, and stays signed in', async () => {
    const at = await openHouse(open, { policy: { grantsPerAccount: 1 } })
    const { browser, password } = await at.member()
    const worker = await workerAt(at)
    await browser.post('/auth/grants', worker.terms())
    const request = (await at.house.grants.request(worker.terms())).replace(/^.*=/, '')
    const full = await browser.submit('/grants/new', { request, password })
    assert.equal(full.status, 409)
    assert.match(await full.text(), /as many grants as it may/)
    assert.equal((await browser.get('/auth/session')).status, 200)
  })

  test('is nobody’s but ours: changed, made up, late, or asked of another account it gives nothing', async () => {
    const { at, browser, ask, accountId } = await setUp(open)
    const { request } = await ask()
    const [body = '', tag = ''] = request.split('.')
    const changed = Buffer.from(body, 'base64url').toString().replace('statements:read', 'statements:write')
    const forged = [
      ...['', 'x', '.', `${body}.`, `.${tag}`, `${body}.${tag}.`, `${body}.${tag}x`, 'a'.repeat(9000)],
      `${Buffer.from(changed).toString('base64url')}.${tag}`,
    ]
    for (const one of forged) {
      assert.equal((await browser.get(`/grants/new?request=${one}`)).status, 410, one)
      assert.equal((await browser.submit('/grants/new', { request: one })).status, 410, one)
    }
    const others = await ask({ account_id: 'A'.repeat(22) })
    assert.equal((await browser.get(others.path)).status, 409)
    assert.equal((await browser.submit('/grants/new', { request: others.request })).status, 409)
    assert.equal((await browser.get((await ask({ account_id: accountId })).path)).status, 200)
    at.machine.clock.advance(3600)
    assert.equal((await browser.get(`/grants/new?request=${request}`)).status, 410)
    assert.deepEqual(await at.db.selectFrom('account_grant').selectAll().execute(), [])
  })

  test('never leads to another site, whatever the application says', async () => {
    const { browser, ask } = await setUp(open)
    for (const return_to of ['//evil.example', 'https://evil.example', '/\\evil.example']) {
      const { path, request } = await ask({ return_to })
      assert.ok(!(await (await browser.get(path)).text()).includes('href="/' + '/'), return_to)
      const answer = await browser.submit('/grants/new', { request })
      assert.equal(answer.headers.get('location'), '/account?notice=grant-given', return_to)
    }
  })

  test('cannot be made for what nobody could approve', async () => {
    const { at, worker } = await setUp(open)
    await assert.rejects(at.house.grants.request(worker.terms({ scope: 'admin' })), { code: 'scope_invalid' })
    await assert.rejects(at.house.grants.request(worker.terms({ purpose: 'a\u0007' })), /purpose/)
  })
})

onEachEngine('the account page', (open) => {
  test('shows what acts for the account, with its last use, and takes it back at the press of a button', async () => {
    const { at, browser, worker } = await setUp(open)
    assert.doesNotMatch(await (await browser.get('/account')).text(), /Acts for you/)
    const { id } = await (await browser.post('/auth/grants', worker.terms())).json()
    assert.match(await (await browser.get('/account')).text(), /not used yet/)
    await worker.exchange(id)
    const markup = await (await browser.get('/account')).text()
    for (const words of ['Acts for you', 'Monthly statements', 'Send you a statement each month', 'just now'])
      assert.ok(markup.includes(words), words)
    const answer = await browser.submit('/account/grants/withdraw', { id })
    assert.equal(answer.headers.get('location'), '/account?notice=grant-withdrawn')
    assert.match(await (await browser.get('/account?notice=grant-withdrawn')).text(), /Taken back/)
    assert.equal((await worker.exchange(id)).body.code, 'grant_withdrawn')
    const { browser: other } = await at.member('eve@example.org')
    assert.equal((await other.submit('/account/grants/withdraw', { id })).status, 404)
  })
})
