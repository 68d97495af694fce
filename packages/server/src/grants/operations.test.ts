import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedKey } from '@counterfoil/verifier'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { giveGrant, type Worker, workerAt } from '../testing/grants.ts'
import { openHouse, otherPassword, type TestHouse } from '../testing/house.ts'

const api = 'https://api.example'

async function setUp(open: OpenTestDatabase) {
  const at = await openHouse(open, { policy: { audiences: [api] } })
  const owner = await at.member()
  const worker = await workerAt(at)
  return { at, worker, ...owner }
}

const ended = ({ db }: TestHouse) =>
  db.selectFrom('feed_log').select(['kind', 'key']).orderBy('seq').execute()

async function resetPassword(at: TestHouse, email: string) {
  await at.program().post('/auth/password/forgot', { email })
  const token = await at.linkFor(email, 'reset')
  assert.equal(
    (await at.program().post('/auth/password/reset', { token, password: otherPassword })).status,
    204,
  )
}

onEachEngine('grants', (open) => {
  test('somebody who is here gives one, sees it with its last use, and withdraws it', async () => {
    const { at, worker, browser, accountId } = await setUp(open)
    const answer = await browser.post('/auth/grants', worker.terms())
    assert.equal(answer.status, 201)
    const now = at.machine.clock.now()
    const { id, ...given } = await answer.json()
    assert.match(id, /^[\w-]{22}$/)
    const shown = {
      ...{ client_id: worker.id, client_name: 'Monthly statements', scope: 'statements:read' },
      ...{ audience: at.issuer, purpose: 'Send you a statement each month' },
      ...{ created_at: now, expires_at: now + 86_400, last_used_at: null as number | null },
      ...{ on_sign_out: 'keep', on_password_reset: 'end' },
    }
    assert.deepEqual(given, shown)
    at.machine.clock.advance(60)
    assert.equal((await worker.exchange(id)).status, 200)
    const listed = await (await browser.get('/auth/grants')).json()
    assert.deepEqual(listed, { grants: [{ id, ...shown, last_used_at: now + 60 }] })
    assert.equal((await browser.send('DELETE', `/auth/grants/${id}`)).status, 204)
    assert.deepEqual(await (await browser.get('/auth/grants')).json(), { grants: [] })
    assert.deepEqual(await ended(at), [{ kind: 'grant', key: feedKey('grant', id) }])
    assert.equal((await browser.send('DELETE', `/auth/grants/${id}`)).status, 204, 'twice is no error')
    assert.equal((await ended(at)).length, 1)
    const events = await at.db
      .selectFrom('event')
      .select(['kind', 'account_id', 'client_id'])
      .where('grant_id', '=', id)
      .orderBy('at')
      .execute()
    const who = { account_id: accountId, client_id: worker.id }
    assert.deepEqual(
      events.sort((a, b) => (a.kind < b.kind ? -1 : 1)),
      ['grant_exchanged', 'grant_given', 'grant_withdrawn'].map((kind) => ({ kind, ...who })),
    )
  })

  const unfit: [name: string, terms: (worker: Worker) => object, status: number, code: string][] = [
    ['a client that nobody registered', () => ({ client_id: 'nobody' }), 422, 'grant_client_unfit'],
    ['the built-in client', () => ({ client_id: 'first-party' }), 422, 'grant_client_unfit'],
    ['a name that is none', () => ({ client_id: 'a\u0000b' }), 422, 'grant_client_unfit'],
    ['no scope', () => ({ scope: '' }), 400, 'scope_invalid'],
    ['more scope than the client may have', () => ({ scope: 'statements:read admin' }), 400, 'scope_invalid'],
    ['a scope that is not of its form', () => ({ scope: 'statements:read  x' }), 400, 'scope_invalid'],
    [
      'an audience that policy does not name',
      () => ({ audience: 'https://evil.example' }),
      400,
      'target_invalid',
    ],
    ['an audience with a slash more', () => ({ audience: `${api}/` }), 400, 'target_invalid'],
    ['more than ninety days', () => ({ expires_in: 90 * 86_400 + 1 }), 422, 'grant_too_long'],
    ['no time at all', () => ({ expires_in: 0 }), 400, 'input_invalid'],
    ['time without end', () => ({ expires_in: 1e300 }), 400, 'input_invalid'],
    ['a purpose of nothing', () => ({ purpose: '' }), 400, 'input_invalid'],
    ['a purpose of a blank', () => ({ purpose: ' ' }), 400, 'input_invalid'],
    ['a purpose that turns the text round', () => ({ purpose: 'pay \u202e1000' }), 400, 'input_invalid'],
    ['a purpose of two lines', () => ({ purpose: 'one\ntwo' }), 400, 'input_invalid'],
    ['half a character', () => ({ purpose: 'a\ud800' }), 400, 'input_invalid'],
    ['a word that is neither keep nor end', () => ({ on_sign_out: 'maybe' }), 400, 'input_invalid'],
  ]
  test('what nobody can approve is refused, and nothing is given', async () => {
    const { at, worker, browser } = await setUp(open)
    for (const [name, change, status, code] of unfit) {
      const answer = await browser.post('/auth/grants', { ...worker.terms(), ...change(worker) })
      assert.deepEqual([answer.status, (await answer.json()).code], [status, code], name)
    }
    const { client_id } = await at.house.clients.addWithoutSecret('app', { jwks: null, scope: 'read' })
    const toPublic = await browser.post('/auth/grants', worker.terms({ client_id, scope: 'read' }))
    assert.equal((await toPublic.json()).code, 'grant_client_unfit')
    assert.deepEqual(await at.db.selectFrom('account_grant').selectAll().execute(), [])
  })

  test('it needs a proof of the last five minutes, from a page of our own', async () => {
    const { at, worker, browser, password, email } = await setUp(open)
    const forged = await browser.send('POST', '/auth/grants', {
      json: worker.terms(),
      headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    })
    assert.equal((await forged.json()).code, 'forged_request')
    assert.equal((await at.program().post('/auth/grants', worker.terms())).status, 401)
    at.machine.clock.advance(301)
    const late = await browser.post('/auth/grants', worker.terms())
    assert.deepEqual([late.status, (await late.json()).code], [401, 'reauthentication_required'])
    await browser.post('/auth/reauthenticate', { password })
    assert.equal((await browser.post('/auth/grants', worker.terms())).status, 201)
    const { access_token } = await at.tokens(email)
    const authorization = `Bearer ${access_token}`
    assert.equal((await at.program().post('/auth/grants', worker.terms(), { authorization })).status, 201)
  })

  test('another account sees none of it and withdraws none of it', async () => {
    const { at, worker, browser } = await setUp(open)
    const id = await giveGrant(browser, worker.terms())
    const { browser: other } = await at.member('eve@example.org')
    assert.deepEqual(await (await other.get('/auth/grants')).json(), { grants: [] })
    for (const one of [id, 'A'.repeat(22), 'x', "a'b"]) {
      const answer = await other.send('DELETE', `/auth/grants/${one}`)
      assert.deepEqual([answer.status, (await answer.json()).code], [404, 'grant_unknown'])
    }
    assert.equal((await worker.exchange(id)).status, 200)
  })

  test('an account has as many as policy says, and those that are over do not count', async () => {
    const at = await openHouse(open, { policy: { grantsPerAccount: 2 } })
    const { browser } = await at.member()
    const worker = await workerAt(at)
    const first = await giveGrant(browser, worker.terms())
    await giveGrant(browser, worker.terms({ expires_in: 60 }))
    const many = await Promise.all(
      Array.from({ length: 4 }, () => browser.post('/auth/grants', worker.terms())),
    )
    for (const answer of many) assert.equal((await answer.json()).code, 'grants_full')
    await browser.send('DELETE', `/auth/grants/${first}`)
    at.machine.clock.advance(60)
    const racing = await Promise.all(
      Array.from({ length: 6 }, () => browser.post('/auth/grants', worker.terms())),
    )
    assert.deepEqual(racing.map(({ status }) => status).sort(), [201, 201, 409, 409, 409, 409])
  })

  test('it ends with what it stands on, and says to its own worker in which way', async () => {
    const ends: [
      name: string,
      code: string | null,
      end: (on: Awaited<ReturnType<typeof setUp>>) => Promise<unknown>,
    ][] = [
      ['signing out', null, ({ browser }) => browser.post('/auth/sign-out')],
      [
        'a new password',
        null,
        ({ browser, password }) =>
          browser.post('/auth/password/change', { current: password, new: otherPassword }),
      ],
      [
        'a new key of the worker',
        null,
        ({ at, worker }) => at.house.clients.replaceKeys(worker.id, worker.key.jwks),
      ],
      ['a reset', 'grant_over', ({ at, email }) => resetPassword(at, email)],
      ['disablement', 'grant_over', ({ at, accountId }) => at.house.accounts.disable(accountId)],
      [
        'disablement that was taken back',
        'grant_over',
        async ({ at, accountId }) => {
          await at.house.accounts.disable(accountId)
          await at.house.accounts.enable(accountId)
        },
      ],
      [
        'an end of everybody',
        'grant_over',
        ({ at }) => at.db.updateTable('feed_head').set({ seq: 99, everyone_end: 99 }).execute(),
      ],
      ['time', 'grant_expired', async ({ at }) => at.machine.clock.advance(86_400)],
      [
        'an operator',
        'grant_withdrawn',
        async ({ at }) => {
          const [grant] = await at.house.grants.list(null)
          assert.equal(await at.house.grants.withdrawAny(grant?.id ?? ''), true)
          assert.equal(await at.house.grants.withdrawAny(grant?.id ?? ''), false)
        },
      ],
    ]
    for (const [name, code, end] of ends) {
      const on = await setUp(open)
      const id = await giveGrant(on.browser, on.worker.terms())
      const before = await on.worker.exchange(id)
      await end(on)
      const after = await on.worker.exchange(id)
      const expected = code === null ? [200, undefined, undefined] : [400, 'invalid_grant', code]
      assert.deepEqual([after.status, after.body.error, after.body.code], expected, name)
      if (code === null || code === 'grant_expired') continue
      const shown = await on.at.program().get('/auth/session', { authorization: `Bearer ${before.token}` })
      assert.equal(shown.status, 401, name)
    }
  })

  test('one that was made to outlives a reset, but not what had ended it before', async () => {
    const { at, worker, browser, email, accountId } = await setUp(open)
    const kept = await giveGrant(browser, worker.terms({ on_password_reset: 'keep' }))
    const dropped = await giveGrant(browser, worker.terms())
    const { token } = await worker.exchange(kept)
    await resetPassword(at, email)
    assert.equal((await worker.exchange(kept)).status, 200)
    assert.equal((await worker.exchange(dropped)).body.code, 'grant_over')
    const shown = await at.program().get('/auth/session', { authorization: `Bearer ${token}` })
    assert.equal(shown.status, 401, 'what was handed out before the reset is over all the same')
    await at.house.accounts.disable(accountId)
    await at.house.accounts.enable(accountId)
    await resetPassword(at, email)
    assert.equal((await worker.exchange(kept)).body.code, 'grant_over')
  })

  test('one that ends at sign-out says so in its tokens, and ends with that session in every way', async () => {
    const terms = { on_sign_out: 'end' } as const
    const ends: [name: string, end: (on: Awaited<ReturnType<typeof setUp>>) => Promise<unknown>][] = [
      ['signing out', ({ browser }) => browser.post('/auth/sign-out')],
      ['being idle', async ({ at }) => at.machine.clock.advance(15 * 86_400)],
    ]
    for (const [name, end] of ends) {
      const on = await setUp(open)
      const id = await giveGrant(on.browser, on.worker.terms({ ...terms, expires_in: 30 * 86_400 }))
      const { token } = await on.worker.exchange(id)
      const headers = { authorization: `Bearer ${token}` }
      assert.equal((await (await on.at.program().get('/auth/session', headers)).json()).session, null)
      await end(on)
      assert.equal((await on.worker.exchange(id)).body.code, 'grant_over', name)
      assert.equal((await on.at.program().get('/auth/session', headers)).status, 401, name)
    }
  })

  test('a withdrawal that somebody waits for is answered once every verifier knows, also the second time', async () => {
    const { at, worker, browser } = await setUp(open)
    const id = await giveGrant(browser, worker.terms())
    for (let round = 0; round < 2; round++) {
      const answer = await browser.send('DELETE', `/auth/grants/${id}?wait=applied`)
      assert.equal(answer.status, 200)
      const { verifiers, confirmed } = await answer.json()
      assert.equal(verifiers, confirmed)
    }
    assert.equal((await worker.exchange(id)).body.code, 'grant_withdrawn')
    assert.ok((await ended(at)).length <= 2)
  })
})
