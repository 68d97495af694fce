import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feedKey } from '@counterfoil/verifier'
import { altered } from '../testing/altered.ts'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { basic } from '../testing/feed-client.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'
import { readRefreshToken, writeRefreshToken } from '../tokens/refresh-token.ts'

const api = 'https://api.example'
const email = 'ada@example.org'

async function setUp(open: OpenTestDatabase) {
  const at = await openHouse(open, { policy: { audiences: [api] } })
  const { browser } = await at.member(email)
  const revoke = async (token: string, headers: Record<string, string> = {}, form = {}) => {
    const answer = await at.program().send('POST', '/oauth/revoke', { form: { token, ...form }, headers })
    const text = await answer.text()
    return { status: answer.status, error: text === '' ? null : JSON.parse(text).error }
  }
  return { at, browser, revoke, app: await at.tokens(email) }
}

const done = { status: 200, error: null }
const ended = ({ db }: TestHouse) =>
  db.selectFrom('feed_log').select(['kind', 'key']).orderBy('seq').execute()

async function isOver(
  at: TestHouse,
  { access_token, refresh_token }: { access_token: string; refresh_token: string },
) {
  const shown = await at.program().get('/auth/session', { authorization: `Bearer ${access_token}` })
  const form = { grant_type: 'refresh_token', refresh_token }
  const refreshed = await at.program().send('POST', '/oauth/token', { form })
  return shown.status === 401 && refreshed.status === 400
}

onEachEngine('revocation', (open) => {
  for (const kind of ['access_token', 'refresh_token'] as const) {
    test(`revoking an ${kind} ends its session, and with it both tokens, at once`, async () => {
      const { at, browser, revoke, app } = await setUp(open)
      assert.deepEqual(await revoke(app[kind]), done)
      assert.ok(await isOver(at, app))
      assert.deepEqual(await ended(at), [{ kind: 'session', key: feedKey('session', app.session.id) }])
      const event = await at.db
        .selectFrom('event')
        .select(['kind', 'detail'])
        .where('session_id', '=', app.session.id)
        .where('kind', '=', 'session_ended')
        .execute()
      assert.deepEqual(event, [{ kind: 'session_ended', detail: 'revoked' }])
      assert.equal((await browser.get('/auth/session')).status, 200, 'another session goes on')
      assert.deepEqual(await revoke(app[kind]), done, 'twice is no error')
      assert.equal((await ended(at)).length, 1)
    })
  }

  test('a refresh token that was replaced still ends its session, whatever the hint says', async () => {
    const { at, revoke, app } = await setUp(open)
    const form = { grant_type: 'refresh_token', refresh_token: app.refresh_token }
    const next = await (await at.program().send('POST', '/oauth/token', { form })).json()
    assert.deepEqual(await revoke(app.refresh_token, {}, { token_type_hint: 'access_token' }), done)
    assert.ok(await isOver(at, next))
  })

  test('what is unknown, forged, expired or another kind of thing is no error, and ends nothing', async () => {
    const { at, revoke, app } = await setUp(open)
    const read = readRefreshToken(at.machine.secrets, app.refresh_token) ?? assert.fail()
    const unknown = writeRefreshToken(at.machine.secrets, { ...read, sessionId: 'A'.repeat(22) })
    const [head, body, tag] = app.access_token.split('.')
    const forged = [altered(app.refresh_token), `cfr_${'A'.repeat(90)}`, 'cfr_', '', 'x']
    const others = [`${head}.${body}.`, `${head}..${tag}`, `${app.access_token}A`, 'A'.repeat(8192)]
    at.statements.length = 0
    for (const token of forged) assert.deepEqual(await revoke(token), done, token.slice(0, 12))
    assert.deepEqual(
      at.statements.filter((statement) => statement.includes('session')),
      [],
      'a forged refresh token never reaches the database',
    )
    for (const token of [unknown, ...others]) assert.deepEqual(await revoke(token), done, token.slice(0, 12))
    at.machine.clock.advance(300)
    assert.deepEqual(await revoke(app.access_token), done)
    assert.deepEqual(await ended(at), [])
  })

  test('a client may revoke only what it was given, and who shows a wrong proof nothing at all', async () => {
    const { at, revoke, app } = await setUp(open)
    const other = await at.house.clients.add('other')
    const authorization = basic(other.client_id, other.client_secret)
    for (const token of [app.access_token, app.refresh_token]) {
      assert.deepEqual(await revoke(token, { authorization }), { status: 400, error: 'unauthorized_client' })
      const wrong = { authorization: basic(other.client_id, 'A') }
      assert.deepEqual(await revoke(token, wrong), { status: 401, error: 'invalid_client' })
      assert.deepEqual(await revoke(token, {}, { client_id: 'x' }), { status: 401, error: 'invalid_client' })
    }
    assert.equal(await isOver(at, app), false)
  })

  test('a token of no session ends together with all that its client was given before, and the next one is good', async () => {
    const { at, revoke } = await setUp(open)
    const client = await at.house.clients.add('worker')
    const authorization = basic(client.client_id, client.client_secret)
    const issue = async (): Promise<string> => {
      const form = { grant_type: 'client_credentials', resource: api }
      const answer = await at.program().send('POST', '/oauth/token', { form, headers: { authorization } })
      return (await answer.json()).access_token
    }
    const isActive = async (token: string) => {
      const form = { token }
      const answer = await at
        .program()
        .send('POST', '/oauth/introspect', { form, headers: { authorization } })
      return (await answer.json()).active
    }
    const [first, second] = [await issue(), await issue()]
    const stranger = await at.house.clients.add('stranger')
    const theirs = { authorization: basic(stranger.client_id, stranger.client_secret) }
    assert.deepEqual(await revoke(first, theirs), { status: 400, error: 'unauthorized_client' })
    assert.deepEqual(await revoke(first), { status: 400, error: 'unauthorized_client' })
    assert.deepEqual([await isActive(first), await isActive(second)], [true, true])
    assert.deepEqual(await revoke(first, { authorization }), done)
    assert.deepEqual([await isActive(first), await isActive(second)], [false, false])
    const third = await issue()
    assert.equal(await isActive(third), true)
    assert.deepEqual(await revoke(second, { authorization }), done, 'over already: nothing is told twice')
    assert.equal(await isActive(third), true)
    assert.deepEqual(await ended(at), [{ kind: 'client', key: feedKey('client', client.client_id) }])
  })

  test('a client cannot make every verifier look again in a loop: after ten ends it waits, and its token is told to live', async () => {
    const { at, revoke } = await setUp(open)
    const client = await at.house.clients.add('worker')
    const authorization = basic(client.client_id, client.client_secret)
    const end = async () => {
      const form = { grant_type: 'client_credentials' }
      const answer = await at.program().send('POST', '/oauth/token', { form, headers: { authorization } })
      return revoke((await answer.json()).access_token, { authorization })
    }
    for (let round = 0; round < 10; round++) assert.deepEqual(await end(), done)
    assert.deepEqual(await end(), { status: 429, error: 'temporarily_unavailable' })
    assert.equal((await ended(at)).length, 10)
    at.machine.clock.advance(60)
    assert.deepEqual(await end(), done)
  })

  test('many who revoke one token at once end it once', async () => {
    const { at, revoke, app } = await setUp(open)
    const answers = await Promise.all(Array.from({ length: 8 }, () => revoke(app.refresh_token)))
    for (const answer of answers) assert.deepEqual(answer, done)
    assert.equal((await ended(at)).length, 1)
  })
})
