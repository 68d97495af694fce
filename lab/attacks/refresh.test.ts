import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAuth } from 'counterfoil'
import {
  createAgent,
  goodPassword,
  type OpenTestDatabase,
  onEachEngine,
  openHouse,
  type TestHouse,
} from 'counterfoil/house'

type Pair = { access_token: string; refresh_token: string }
type Answer = { status: number; headers: Headers; body: Record<string, unknown>; pair: Pair | null }

async function refresh(at: TestHouse, token: string, more: Record<string, string> = {}): Promise<Answer> {
  const form = { grant_type: 'refresh_token', refresh_token: token, ...more }
  const { status, headers, ...answer } = await raw(at, form)
  const { access_token, refresh_token } = answer.body
  const isPair = typeof access_token === 'string' && typeof refresh_token === 'string'
  return { status, headers, body: answer.body, pair: isPair ? { access_token, refresh_token } : null }
}

async function raw(at: TestHouse, form: Record<string, string>) {
  const answer = await at.program().send('POST', '/oauth/token', { form })
  return {
    status: answer.status,
    headers: answer.headers,
    body: (await answer.json()) as Record<string, unknown>,
  }
}

const rotated = ({ pair, body }: Answer): Pair => pair ?? assert.fail(`refused: ${JSON.stringify(body)}`)
const works = async (at: TestHouse, token: string) =>
  (await at.program().get('/auth/session', { authorization: `Bearer ${token}` })).status === 200
const eventsOf = async ({ db }: TestHouse) =>
  (await db.selectFrom('event').select('kind').execute()).map(({ kind }) => kind)

/** RFC 6749 5.2: an error of the list, a description, our own code, nothing that could be a token, and no cache keeps it. */
function assertError(
  { status, headers, body }: Omit<Answer, 'pair'>,
  expected: { status: number; error: string },
): void {
  assert.deepEqual({ status, error: body.error }, expected)
  assert.deepEqual(Object.keys(body), ['error', 'error_description', 'code'])
  assert.match(String(body.code), /^[a-z_]+$/)
  assert.match(String(body.error_description), /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
  assert.equal(headers.get('content-type'), 'application/json')
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.equal(headers.has('www-authenticate'), status === 401)
}

const invalidGrant = { status: 400, error: 'invalid_grant' }

async function signedIn(open: OpenTestDatabase, policy?: object) {
  const at = await openHouse(open, policy === undefined ? {} : { policy })
  const { email, accountId, browser } = await at.member()
  return { at, email, accountId, browser, first: await at.tokens(email) }
}

/** Neither carrier of the session and none of its tokens are good for anything. */
async function assertDead(at: TestHouse, pairs: readonly Pair[]): Promise<void> {
  for (const { access_token, refresh_token } of pairs) {
    assert.equal(await works(at, access_token), false)
    assertError(await refresh(at, refresh_token), invalidGrant)
  }
}

onEachEngine('refresh tokens under attack', (open) => {
  test('A-101 a refresh token used again after its successor was used ends the session, with an event', async () => {
    const { at, first } = await signedIn(open)
    const second = rotated(await refresh(at, first.refresh_token))
    const third = rotated(await refresh(at, second.refresh_token))
    assert.ok(await works(at, third.access_token))
    assertError(await refresh(at, first.refresh_token), invalidGrant)
    assert.ok((await eventsOf(at)).includes('refresh_reused'))
    await assertDead(at, [first, second, third])
  })

  test('A-101 a refresh token used again after the repeat window ends the session, with an event', async () => {
    const { at, first } = await signedIn(open)
    const second = rotated(await refresh(at, first.refresh_token))
    at.machine.clock.advance(30)
    assertError(await refresh(at, first.refresh_token), invalidGrant)
    assert.ok((await eventsOf(at)).includes('refresh_reused'))
    await assertDead(at, [first, second])
  })

  test('A-101 misuse ends this session alone: the person’s other devices go on', async () => {
    const { at, first, email, browser } = await signedIn(open)
    const other = await at.tokens(email)
    await refresh(at, first.refresh_token)
    at.machine.clock.advance(30)
    await refresh(at, first.refresh_token)
    assert.ok(await works(at, other.access_token))
    assert.equal((await browser.get('/auth/session')).status, 200)
  })

  test('A-102 tabs that refresh at the same moment all get the one successor, and both live on', async () => {
    const { at, first } = await signedIn(open)
    let current: Pair = first
    for (let round = 0; round < 10; round++) {
      const { refresh_token } = current
      const answers = (await Promise.all([refresh(at, refresh_token), refresh(at, refresh_token)])).map(
        rotated,
      )
      assert.equal(new Set(answers.map((pair) => pair.refresh_token)).size, 1)
      for (const { access_token } of answers) assert.ok(await works(at, access_token))
      // A generation without a race breaks the row, as it does for people.
      at.machine.clock.advance(240)
      current = rotated(await refresh(at, answers[0]?.refresh_token ?? ''))
    }
    assert.equal((await eventsOf(at)).filter((kind) => kind.startsWith('refresh_')).length, 0)
  })

  test('A-102 five tabs at once still share one successor', async () => {
    const { at, first } = await signedIn(open)
    const tabs = await Promise.all(Array.from({ length: 5 }, () => refresh(at, first.refresh_token)))
    assert.equal(new Set(tabs.map((answer) => rotated(answer).refresh_token)).size, 1)
    const row = await at.db
      .selectFrom('session')
      .select(['refresh_generation', 'refresh_repeats'])
      .where('id', '=', first.session.id)
      .executeTakeFirst()
    assert.deepEqual(row, { refresh_generation: 2, refresh_repeats: 4 })
  })

  test('A-102 tabs that reach different nodes at the same moment get the one successor too', async () => {
    const { url } = await open()
    const secret = 'a root secret for two nodes, 32 bytes or more'
    const start = () => createAuth({ issuer: 'http://localhost:3000', database: url, secret })
    const nodes = [await start()]
    // A SQLite file has one node; PostgreSQL has as many as there are.
    if (url.startsWith('postgres')) nodes.push(await start(), await start())
    try {
      const agents = nodes.map(({ fetch }) =>
        createAgent(fetch, { origin: 'http://localhost:3000', kind: 'program' }),
      )
      const agentAt = (index: number) => agents[index % agents.length] ?? assert.fail()
      const person = { email: 'ada@example.org', password: goodPassword, carrier: 'token' }
      await agentAt(0).post('/auth/sign-up', person)
      const [mail] = await (await agentAt(0).get('/dev/mail', { accept: 'application/json' })).json()
      const token = /token=([\w-]+)/.exec(mail.text)?.[1]
      let pair: Pair = await (await agentAt(0).post('/auth/verify-email', { ...person, token })).json()
      for (let round = 0; round < 4; round++) {
        const form = { grant_type: 'refresh_token', refresh_token: pair.refresh_token }
        const answers = await Promise.all(
          [0, 1].map((tab) => agentAt(round + tab).send('POST', '/oauth/token', { form })),
        )
        const pairs: Pair[] = await Promise.all(answers.map((answer) => answer.json()))
        assert.deepEqual(
          answers.map(({ status }) => status),
          [200, 200],
        )
        assert.equal(pairs[0]?.refresh_token, pairs[1]?.refresh_token)
        for (const [index, { access_token }] of pairs.entries()) {
          const shown = await agentAt(index).get('/auth/session', { authorization: `Bearer ${access_token}` })
          assert.equal(shown.status, 200)
        }
        pair = pairs[0] ?? pair
      }
    } finally {
      for (const node of nodes) await node.close()
    }
  })

  test('A-103 a lost response that is tried again within 30 seconds gets the same successor, and goes on', async () => {
    const { at, first } = await signedIn(open)
    const lost = rotated(await refresh(at, first.refresh_token))
    at.machine.clock.advance(29)
    const again = rotated(await refresh(at, first.refresh_token))
    assert.equal(again.refresh_token, lost.refresh_token)
    assert.ok(await works(at, again.access_token))
    assert.ok(await works(at, rotated(await refresh(at, again.refresh_token)).access_token))
  })

  test('A-104 the thief refreshes first, then the victim: the session dies', async () => {
    const { at, first } = await signedIn(open)
    const stolen = first.refresh_token
    const thief = rotated(await refresh(at, stolen))
    at.machine.clock.advance(240)
    assertError(await refresh(at, first.refresh_token), invalidGrant)
    await assertDead(at, [thief, first])
  })

  test('A-104 the victim refreshes first, then the thief: the session dies', async () => {
    const { at, first } = await signedIn(open)
    const stolen = first.refresh_token
    const victim = rotated(await refresh(at, first.refresh_token))
    at.machine.clock.advance(240)
    assertError(await refresh(at, stolen), invalidGrant)
    await assertDead(at, [victim, first])
  })

  test('A-104 the thief runs ahead within the window: the victim’s next refresh ends the session', async () => {
    const { at, first } = await signedIn(open)
    const ahead = rotated(await refresh(at, rotated(await refresh(at, first.refresh_token)).refresh_token))
    assertError(await refresh(at, first.refresh_token), invalidGrant)
    await assertDead(at, [ahead])
  })

  test('A-105 after sign-out a refresh token is invalid_grant', async () => {
    const { at, first } = await signedIn(open)
    const authorization = `Bearer ${first.access_token}`
    assert.equal((await at.program().post('/auth/sign-out', {}, { authorization })).status, 204)
    await assertDead(at, [first])
  })

  test('A-105 after its account was disabled a refresh token is invalid_grant, and enabling revives nothing', async () => {
    const { at, first, accountId } = await signedIn(open)
    await at.house.accounts.disable(accountId)
    await assertDead(at, [first])
    await at.house.accounts.enable(accountId)
    await assertDead(at, [first])
  })

  test('A-105 a wrong client_id is invalid_client with 401, and the token is as good as before', async () => {
    const { at, first } = await signedIn(open)
    for (const client_id of ['another', '', 'FIRST-PARTY', 'first-party ', "' or 1=1 --"]) {
      assertError(await refresh(at, first.refresh_token, { client_id }), {
        status: 401,
        error: 'invalid_client',
      })
    }
    rotated(await refresh(at, first.refresh_token, { client_id: 'first-party' }))
  })

  test('A-105 a wider scope is invalid_scope, and the token is as good as before', async () => {
    const { at, first } = await signedIn(open)
    for (const scope of ['admin', 'read write', ' ', '*']) {
      assertError(await refresh(at, first.refresh_token, { scope }), { status: 400, error: 'invalid_scope' })
    }
    rotated(await refresh(at, first.refresh_token, { scope: '' }))
  })

  test('A-105 every malformed token request is an error in OAuth’s own form', async () => {
    const { at } = await signedIn(open)
    const requests: [form: Record<string, string>, error: string][] = [
      [{}, 'invalid_request'],
      [{ grant_type: 'refresh_token' }, 'invalid_request'],
      [{ grant_type: 'refresh_token', refresh_token: '' }, 'invalid_grant'],
      [{ grant_type: 'refresh_token', refresh_token: 'cfr_' }, 'invalid_grant'],
      [{ grant_type: 'password', username: 'ada', password: 'x' }, 'unsupported_grant_type'],
      [{ grant_type: 'REFRESH_TOKEN', refresh_token: 'x' }, 'unsupported_grant_type'],
    ]
    for (const [form, error] of requests) assertError(await raw(at, form), { status: 400, error })
    const json = await at.program().post('/oauth/token', { grant_type: 'refresh_token' })
    assertError(
      { status: json.status, headers: json.headers, body: await json.json() },
      { status: 415, error: 'invalid_request' },
    )
  })

  test('A-105 the answer to a refresh is never cached, and neither sets nor reads a cookie', async () => {
    const { first, browser } = await signedIn(open)
    const form = { grant_type: 'refresh_token', refresh_token: first.refresh_token }
    const answer = await browser.send('POST', '/oauth/token', {
      form,
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.deepEqual(answer.headers.getSetCookie(), [])
  })

  test('A-106 a thief who walks in step with the victim is found within the budget’s generations', async () => {
    for (const order of ['victim first', 'thief first', 'taking turns']) {
      const { at, first } = await signedIn(open)
      let victim: Pair = first
      let thief: Pair = first
      let generations = 0
      let isFound = false
      while (!isFound && generations < 20) {
        generations++
        const thiefLeads = order === 'thief first' || (order === 'taking turns' && generations % 2 === 0)
        const lead = await refresh(at, thiefLeads ? thief.refresh_token : victim.refresh_token)
        at.machine.clock.advance(3)
        const follow = await refresh(at, thiefLeads ? victim.refresh_token : thief.refresh_token)
        isFound = lead.pair === null || follow.pair === null
        if (lead.pair === null || follow.pair === null) break
        victim = thiefLeads ? follow.pair : lead.pair
        thief = thiefLeads ? lead.pair : follow.pair
        at.machine.clock.advance(280)
      }
      assert.ok(isFound && generations <= 5, `${order}: ${generations} generations`)
      assert.ok((await eventsOf(at)).includes('refresh_repeats_exhausted'))
      await assertDead(at, [victim, thief])
    }
  })

  test('A-105 a refresh that races a sign-out or a disablement never leaves anyone with tokens that work', async () => {
    for (let round = 0; round < 12; round++) {
      const { at, first, accountId } = await signedIn(open)
      const end =
        round % 2 === 0
          ? () => at.house.accounts.disable(accountId)
          : () => at.program().post('/auth/sign-out', {}, { authorization: `Bearer ${first.access_token}` })
      const early = Array.from({ length: round % 4 }, () => refresh(at, first.refresh_token))
      const ending = end()
      const late = Array.from({ length: 2 }, () => refresh(at, first.refresh_token))
      const answers = await Promise.all([...early, ...late])
      await ending
      const pairs = answers.flatMap(({ pair }) => (pair === null ? [] : [pair]))
      await assertDead(at, [first, ...pairs])
    }
  })

  test('A-105 no refresh moves the end of a session or widens what it may do', async () => {
    const { at, first } = await signedIn(open)
    const born = await at.db
      .selectFrom('session')
      .select(['expires_at', 'authenticated_at', 'amr'])
      .where('id', '=', first.session.id)
      .executeTakeFirst()
    let pair: Pair = first
    for (let count = 0; count < 6; count++) {
      at.machine.clock.advance(3 * 24 * 3600)
      pair = rotated(await refresh(at, pair.refresh_token))
      const claims = JSON.parse(Buffer.from(pair.access_token.split('.')[1] ?? '', 'base64url').toString())
      assert.deepEqual(
        [claims.scope, claims.auth_time, claims.sid],
        ['', born?.authenticated_at, first.session.id],
      )
    }
    const now = await at.db
      .selectFrom('session')
      .select(['expires_at', 'authenticated_at', 'amr'])
      .where('id', '=', first.session.id)
      .executeTakeFirst()
    assert.deepEqual(now, born)
    at.machine.clock.advance(13 * 24 * 3600)
    await assertDead(at, [pair])
  })
})
