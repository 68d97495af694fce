import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  feedKey,
  readLog,
  readSnapshot,
  readStatement,
  readStatements,
  sessionCookieName,
} from '@counterfoil/verifier'
import { onEachEngine } from '../testing/engines.ts'
import { basic, feedClient } from '../testing/feed-client.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'

/** Ends as many sessions of one account, one after the other, and answers their ids in that order. */
async function endSessions(at: TestHouse, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let made = 0; made < count; made++) {
    const { session } = await at.tokens('ada@example.org')
    await at.house.sessions.endAny(session.id, 'test')
    ids.push(session.id)
  }
  return ids
}

const codeOf = async (answer: Response) => `${answer.status} ${(await answer.json()).code}`

onEachEngine('the feed over HTTP', (open) => {
  test('a snapshot lists what has ended, under its position, and one that is known already is not sent again', async () => {
    const at = await openHouse(open)
    await at.member()
    const client = await feedClient(at)
    const ids = await endSessions(at, 3)
    at.machine.clock.advance(10)
    const answer = await client.get('/feed/snapshot?window=330')
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    const etag = answer.headers.get('etag') ?? ''
    const snapshot = readSnapshot(await answer.text())
    assert.deepEqual(snapshot, {
      ...at.house.feed.hub.reached(),
      window: 330,
      entries: ids.map((id, index) => ({
        position: index + 1,
        kind: 'session',
        key: feedKey('session', id),
        age: 10,
      })),
    })
    const again = await client.get('/feed/snapshot?window=330', { 'if-none-match': etag })
    assert.deepEqual([again.status, again.headers.get('etag'), await again.text()], [304, etag, ''])
    const wider = await client.get('/feed/snapshot?window=331', { 'if-none-match': etag })
    assert.equal(wider.status, 200)
    await endSessions(at, 1)
    const newer = await client.get('/feed/snapshot?window=330', { 'if-none-match': etag })
    assert.deepEqual([newer.status, (await newer.json()).position], [200, 4])
  })

  test('the log of a later life is given by its own positions, far beyond those of the first', async () => {
    const at = await openHouse(open)
    await at.member()
    const client = await feedClient(at)
    await endSessions(at, 1)
    await at.db.updateTable('feed_epoch').set({ identity: 'another copy' }).execute()
    at.machine.clock.advance(5)
    const ids = await endSessions(at, 2)
    await at.house.chores.poll()
    const { epoch, position } = at.house.feed.hub.reached()
    assert.ok(position > 1e15)
    const answer = await client.get(`/feed/log?from=${position - 1}&to=${position}`)
    const found = readLog(await answer.text())
    assert.deepEqual(
      [answer.status, found?.epoch, found?.entries.map(({ key }) => key)],
      [200, epoch, ids.map((id) => feedKey('session', id))],
    )
  })

  test('a snapshot of a window leaves out what is older, but no signing key that was taken back', async () => {
    const at = await openHouse(open)
    await at.member()
    const client = await feedClient(at)
    await at.house.keys.rotate('compromised')
    await endSessions(at, 1)
    at.machine.clock.advance(400)
    await endSessions(at, 1)
    const kinds = async (window: number) => {
      const { entries } =
        readSnapshot(await (await client.get(`/feed/snapshot?window=${window}`)).text()) ?? {}
      return entries?.map(({ kind, age }) => `${kind} ${age}`)
    }
    assert.deepEqual(await kinds(330), ['key 400', 'session 0'])
    assert.deepEqual(await kinds(3900), ['key 400', 'session 400', 'session 0'])
  })

  const badWindows = ['0', '-1', '3901', '1.5', 'x', '', '1e9']
  test(`a window is a whole number from 1 to 3900; ${badWindows.join(', ')} are none`, async () => {
    const at = await openHouse(open)
    const client = await feedClient(at)
    for (const window of badWindows)
      assert.equal(
        await codeOf(await client.get(`/feed/snapshot?window=${window}`)),
        '400 input_invalid',
        window,
      )
    for (const window of ['?window=1', '?window=3900', ''])
      assert.equal((await client.get(`/feed/snapshot${window}`)).status, 200, window)
    assert.equal((await (await client.get('/feed/snapshot')).json()).window, 3900)
  })

  test('the log answers what lies between two positions, and 410 for what it never had or keeps no more', async () => {
    const at = await openHouse(open)
    await at.member()
    const client = await feedClient(at)
    const ids = await endSessions(at, 3)
    const between = async (from: number, to: number) => {
      const answer = await client.get(`/feed/log?from=${from}&to=${to}`)
      if (answer.status !== 200) return codeOf(answer)
      return readLog(await answer.text())?.entries.map(({ position, key }) => `${position} ${key}`)
    }
    const keys = ids.map((id, index) => `${index + 1} ${feedKey('session', id)}`)
    assert.deepEqual(await between(1, 3), keys)
    assert.deepEqual(await between(2, 2), keys.slice(1, 2))
    assert.deepEqual(await between(3, 2), [])
    for (const [from, to] of [
      [1, 4],
      [4, 4],
      [0, 1],
    ] as const)
      assert.equal(await between(from, to), '410 log_forgotten', `${from} ${to}`)
    at.machine.clock.advance(2 * 3600 + 1)
    await endSessions(at, 4)
    assert.equal(await between(1, 7), '410 log_forgotten')
    assert.equal(await between(3, 4), '410 log_forgotten')
    assert.equal((await between(4, 7))?.length, 4)
  })

  test('positions are whole numbers, both of them given', async () => {
    const at = await openHouse(open)
    const client = await feedClient(at)
    for (const query of [
      '',
      '?from=1',
      '?to=1',
      '?from=&to=',
      '?from=-1&to=1',
      '?from=1.5&to=2',
      '?from=x&to=1',
    ])
      assert.equal(await codeOf(await client.get(`/feed/log${query}`)), '400 input_invalid', query)
  })

  test('a statement says what a cookie stands for, read now, and nothing once it is over', async () => {
    const at = await openHouse(open)
    const { browser, email, accountId } = await at.member()
    const client = await feedClient(at)
    const cookie = browser.cookies.get(sessionCookieName) ?? ''
    const ask = async (value: string) => {
      const answer = await client.post('/feed/statement', { cookie: value })
      assert.equal(answer.status, 200)
      return readStatement(await answer.text())
    }
    const now = at.machine.clock.now()
    await at.house.accounts.disable((await at.member('bob@example.org')).accountId)
    const { session } = await (await browser.get('/auth/session')).json()
    const cookieId = at.machine.secrets.hash(
      at.machine.secrets.open('cookie', cookie, 32) ?? new Uint8Array(),
    )
    const statement = await ask(cookie)
    assert.deepEqual(statement?.account, { id: accountId, email })
    assert.equal(statement?.session?.id, session.id)
    const { clientId, keyId, asOf, readStart, end } = statement ?? {}
    assert.deepEqual(
      { clientId, cookieId: statement?.cookieId, keyId, asOf, readStart, end },
      { clientId: 'first-party', cookieId, keyId: null, asOf: 1, readStart: now, end: now + 3600 },
    )
    assert.equal(await ask(`${cookie.slice(0, 63)}${cookie.endsWith('A') ? 'B' : 'A'}`), null)
    assert.equal(await ask(''), null)
    assert.equal((await client.post('/feed/statement', { cookie: 'A'.repeat(257) })).status, 400)
    await browser.post('/auth/sign-out')
    assert.equal(await ask(cookie), null)
  })

  test('about several cookies there is a statement each, in their order, and what is made up costs no reading', async () => {
    const at = await openHouse(open)
    const client = await feedClient(at)
    const people = [await at.member(), await at.member('bob@example.org')]
    const [ada = '', bob = ''] = people.map(({ browser }) => browser.cookies.get(sessionCookieName))
    const asked = async (cookies: readonly string[]) => {
      const answer = await client.post('/feed/statement', { cookies })
      return readStatements(await answer.text(), cookies.length)?.map((one) => one?.account.email ?? null)
    }
    const madeUp = Array.from({ length: 97 }, (_, index) => Buffer.alloc(48, index).toString('base64url'))
    const found = await asked([ada, ...madeUp, bob, ada])
    assert.deepEqual(found, [people[0]?.email, ...madeUp.map(() => null), people[1]?.email, people[0]?.email])
    const before = at.statements.length
    assert.deepEqual(
      await asked(madeUp),
      madeUp.map(() => null),
    )
    const reads = at.statements.slice(before).filter((sql) => sql.includes('"session"'))
    assert.deepEqual(reads, [])
    for (const cookies of [[], [...madeUp, ada, ada, ada, ada], [ada, 7], 'x', [ada, 'A'.repeat(257)]])
      assert.equal((await client.post('/feed/statement', { cookies })).status, 400)
  })

  test('asking about a cookie elsewhere is a sign of life', async () => {
    const at = await openHouse(open, { policy: { sessionIdleSeconds: 3600 } })
    const { browser } = await at.member()
    const client = await feedClient(at)
    const cookie = browser.cookies.get(sessionCookieName) ?? ''
    for (let round = 0; round < 5; round++) {
      at.machine.clock.advance(1800)
      const statement = readStatement(await (await client.post('/feed/statement', { cookie })).text())
      // Half the idle time, so that asking again at its end finds the session alive.
      assert.equal(statement?.end, at.machine.clock.now() + 1800, String(round))
      await at.house.chores.touches()
    }
    at.machine.clock.advance(3600)
    assert.equal(await (await client.post('/feed/statement', { cookie })).text(), '{"statement":null}')
  })

  test('nothing of the feed is for anybody who is no client, and refusals come as problems', async () => {
    const at = await openHouse(open)
    const { browser } = await at.member()
    const { id, secret } = await feedClient(at)
    const { access_token: token } = await at.tokens('ada@example.org')
    const listening = `?verifier=${'v'.repeat(22)}&nonce=${'n'.repeat(22)}&max_stale=20`
    const routes: [method: string, path: string, json?: object][] = [
      ['GET', `/feed/stream${listening}`],
      ['GET', '/feed/snapshot'],
      ['GET', '/feed/log?from=1&to=1'],
      ['POST', '/feed/ack', { verifier: 'v'.repeat(22), position: 0 }],
      ['POST', '/feed/statement', { cookie: browser.cookies.get(sessionCookieName) }],
    ]
    const strangers: (string | null)[] = [
      null,
      `Bearer ${token}`,
      basic(id, `${secret}A`),
      basic('first-party', ''),
      basic('first-party', secret),
      `${basic(id, secret)}, ${basic(id, secret)}`,
    ]
    for (const [method, path, json] of routes) {
      for (const authorization of strangers) {
        const sent = { ...(json && { json }), ...(authorization && { headers: { authorization } }) }
        const answer = await browser.send(method, path, sent)
        assert.equal(answer.headers.get('www-authenticate'), 'Basic realm="counterfoil"')
        assert.equal(answer.headers.get('content-type'), 'application/problem+json')
        assert.equal(await codeOf(answer), '401 client_invalid', `${path} ${authorization}`)
      }
    }
    assert.deepEqual(
      await at.db.selectFrom('feed_verifier').select('id').where('max_stale', '>', 0).execute(),
      [],
    )
  })
})
