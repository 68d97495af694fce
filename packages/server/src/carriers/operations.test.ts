import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedKey, Refusal, sessionCookieName } from '@counterfoil/verifier'
import fc from 'fast-check'
import { onEachEngine } from '../testing/engines.ts'
import { fuzz } from '../testing/fuzz.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'

const cookie = (value: string) => ({ kind: 'cookie', value }) as const
const isActive = { isPassive: () => false }
const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
const base64url = (length: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: length, maxLength: length })

const feedRows = ({ db }: TestHouse) =>
  db.selectFrom('feed_log').select(['kind', 'key']).orderBy('seq').execute()
const hashOf = ({ machine }: TestHouse, value: string) =>
  machine.secrets.hash(machine.secrets.open('cookie', value, 32) ?? assert.fail('not a cookie of ours'))

onEachEngine('carriers', (open) => {
  test('a cookie is a new value at every sign-in and every new proof', async () => {
    const at = await openHouse(open)
    const { browser, email, password } = await at.member()
    const seen = [browser.cookies.get(sessionCookieName) ?? '']
    const proofs: [path: string, json: object][] = [
      ['/auth/reauthenticate', { password }],
      ['/auth/sign-in', { email, password }],
      ['/auth/reauthenticate', { password }],
      ['/auth/password/change', { current: password, new: 'nine brown bears under the bridge' }],
    ]
    for (const [path, json] of proofs) {
      const before = seen.at(-1) ?? ''
      assert.equal((await browser.post(path, json)).status, 200)
      const now = browser.cookies.get(sessionCookieName) ?? ''
      assert.equal(now.length, 64)
      assert.ok(!seen.includes(now), path)
      assert.equal(await at.house.carriers.identify(cookie(before), isActive), null)
      assert.ok((await at.house.carriers.identify(cookie(now), isActive)) !== null)
      seen.push(now)
    }
  })

  test('a replaced cookie is in the feed as a key of its own, and its session goes on', async () => {
    const at = await openHouse(open)
    const { browser, password, accountId } = await at.member()
    const old = browser.cookies.get(sessionCookieName) ?? ''
    const before = await at.house.carriers.identify(cookie(old), isActive)
    await browser.post('/auth/reauthenticate', { password })
    assert.deepEqual(await feedRows(at), [{ kind: 'cookie', key: feedKey('cookie', hashOf(at, old)) }])
    const after = await at.house.carriers.identify(
      cookie(browser.cookies.get(sessionCookieName) ?? ''),
      isActive,
    )
    assert.deepEqual([after?.session?.id, after?.account.id], [before?.session?.id, accountId])
  })

  test('of many that prove the same session anew at once one cookie is left, and every replaced one is in the feed', async () => {
    const at = await openHouse(open)
    const { browser } = await at.member()
    const first = browser.cookies.get(sessionCookieName) ?? ''
    const { session } = await (await browser.get('/auth/session')).json()
    const tries = await Promise.allSettled(
      Array.from({ length: 6 }, () =>
        at.house.carriers.handOut({ sessionId: session.id, carrier: 'cookie' }),
      ),
    )
    const values = tries.flatMap((tried) =>
      tried.status === 'fulfilled' ? [/=([\w-]{64});/.exec(tried.value.cookie ?? '')?.[1] ?? ''] : [],
    )
    for (const tried of tries) {
      if (tried.status === 'rejected')
        assert.ok(tried.reason instanceof Refusal && tried.reason.code === 'session_ended')
    }
    const callers = await Promise.all(
      values.map((value) => at.house.carriers.identify(cookie(value), isActive)),
    )
    assert.equal(callers.filter((caller) => caller !== null).length, 1)
    // Every value that was replaced is told, whichever of them won when: none lives on in somebody's cache.
    const replaced = [first, ...values.filter((_, index) => callers[index] === null)]
    const told = (await feedRows(at)).map(({ key }) => key)
    const keyOf = (value: string) => feedKey('cookie', hashOf(at, value))
    assert.deepEqual(told.sort(), replaced.map(keyOf).sort())
  })

  test('a session that has ended is handed nothing', async () => {
    const at = await openHouse(open)
    const { browser } = await at.member()
    const { session } = await (await browser.get('/auth/session')).json()
    await at.house.sessions.endAny(session.id, 'test')
    for (const id of [session.id, 'AAAAAAAAAAAAAAAAAAAAAA']) {
      await assert.rejects(
        at.house.carriers.handOut({ sessionId: id, carrier: 'cookie' }),
        (error) => error instanceof Refusal && error.code === 'session_ended',
      )
    }
  })

  test('the database holds a hash of the cookie, and nothing that could be sent as one', async () => {
    const at = await openHouse(open)
    const { browser } = await at.member()
    const value = browser.cookies.get(sessionCookieName) ?? ''
    const rows = await at.db.selectFrom('session').selectAll().execute()
    assert.deepEqual(
      rows.map(({ cookie_hash }) => cookie_hash),
      [hashOf(at, value)],
    )
    const random = Buffer.from(value, 'base64url').subarray(0, 32)
    const text = JSON.stringify(rows)
    for (const form of [value, value.slice(0, 42), random.toString('hex'), random.toString('base64')]) {
      assert.ok(!text.includes(form))
    }
    for (const column of Object.values(rows[0] ?? {})) {
      assert.equal(await at.house.carriers.identify(cookie(String(column)), isActive), null)
    }
  })

  test('cookies that we did not make are absent, without one question to the store', async (context) => {
    const at = await openHouse(open)
    const { browser } = await at.member()
    const genuine = browser.cookies.get(sessionCookieName) ?? ''
    const inputs = fc.oneof(
      base64url(64),
      base64url(43).map((random) => random + genuine.slice(43)),
      base64url(21).map((tag) => genuine.slice(0, 43) + tag),
      fc
        .tuple(fc.nat(63), fc.constantFrom(...alphabet))
        .map(([at, unit]) => genuine.slice(0, at) + unit + genuine.slice(at + 1)),
      fc.nat(63).map((length) => genuine.slice(0, length)),
      fc.string({ unit: 'binary', maxLength: 100 }),
    )
    at.statements.length = 0
    await fuzz(context, { inputs }, async (value) => {
      if (value !== genuine) assert.equal(await at.house.carriers.identify(cookie(value), isActive), null)
    })
    assert.deepEqual(at.statements, [])
    assert.equal((await browser.get('/auth/session')).status, 200)
    assert.equal(at.statements.length, 1)
  })

  test('a cookie is no token, a token is no cookie, and a refresh token shows no session', async () => {
    const at = await openHouse(open)
    const { browser, email } = await at.member()
    const pair = await at.tokens(email)
    const value = browser.cookies.get(sessionCookieName) ?? ''
    for (const token of [value, pair.refresh_token]) {
      await assert.rejects(at.house.carriers.identify({ kind: 'bearer', token }, isActive), (error) => {
        return error instanceof Refusal && error.code === 'credential_invalid'
      })
    }
    for (const text of [pair.access_token, pair.refresh_token, pair.refresh_token.slice(4)]) {
      assert.equal(await at.house.carriers.identify(cookie(text), isActive), null)
    }
    await assert.rejects(
      at.house.carriers.identify({ kind: 'dpop', token: pair.access_token }, isActive),
      Refusal,
    )
  })
})
