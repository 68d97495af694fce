import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { onEachEngine } from '../testing/engines.ts'
import { fuzz } from '../testing/fuzz.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'
import { firstToken, type ModelToken, present, refreshWorld } from '../testing/refresh-world.ts'

const rule = { repeatSeconds: 30, repeats: 5 }
const step = fc.record({
  /** 0 is the current token, 1 the one before, and so on. */
  age: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0) },
    { weight: 4, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.nat(4) },
  ),
  wait: fc.oneof({ weight: 5, arbitrary: fc.nat(8) }, { weight: 1, arbitrary: fc.nat(40) }),
  /** As many at the same moment. */
  atOnce: fc.integer({ min: 1, max: 3 }),
})

async function beginByToken(at: TestHouse, accountId: string): Promise<string> {
  const given = {
    accountId,
    carrier: 'token',
    device: 'a test',
    began: 0,
    amr: 'pwd',
    network: null,
    replaces: null,
  } as const
  const { id } = await at.db.transaction().execute((tx) => at.house.sessions.begin(tx, given))
  return (await at.house.carriers.handOut({ sessionId: id, carrier: 'token' })).tokens?.refresh_token ?? ''
}

async function refresh(at: TestHouse, refresh_token: string): Promise<string | null> {
  const form = { grant_type: 'refresh_token', refresh_token }
  const answer = await at.program().send('POST', '/oauth/token', { form })
  assert.ok(answer.status === 200 || answer.status === 400, String(answer.status))
  return answer.status === 200 ? (await answer.json()).refresh_token : null
}

onEachEngine('refreshing', (open) => {
  test('over any history, races included, the store does what the rule says and hands out the same successors', async (context) => {
    const at = await openHouse(open)
    const account = await at.db
      .transaction()
      .execute((tx) => at.house.accounts.create(tx, { email: 'ada@example.org', isVerified: true }))
    let refused = 0
    let raced = 0
    await fuzz(
      context,
      { inputs: fc.array(step, { minLength: 5, maxLength: 14 }), runs: 120 },
      async (history) => {
        const world = refreshWorld()
        const real = new Map([[firstToken.secret, await beginByToken(at, account?.id ?? '')]])
        const tokens: ModelToken[] = [firstToken]
        for (const { age, wait, atOnce } of history) {
          world.now += wait
          at.machine.clock.advance(wait)
          const token = tokens.at(-1 - age) ?? firstToken
          const shown = real.get(token.secret) ?? assert.fail()
          const expected = Array.from({ length: atOnce }, () => present(world, token, rule))
          const answers = await Promise.all(Array.from({ length: atOnce }, () => refresh(at, shown)))
          // Which of several is answered while the last one ends the session is chance; how many is not.
          const got = answers.filter((answer) => answer !== null)
          const due = expected.filter((next) => next !== null)
          assert.equal(got.length > 0, due.length > 0)
          if (atOnce === 1 || world.ended === null) assert.equal(got.length, due.length)
          assert.ok(new Set(got).size <= 1)
          if (atOnce > 1 && got.length > 1) raced++
          if (got.length === 0) refused++
          const [next] = due
          const [successor] = got
          if (next == null || successor == null) continue
          assert.equal(real.get(next.secret) ?? successor, successor, 'never a second pair')
          real.set(next.secret, successor)
          if (next.generation > (tokens.at(-1)?.generation ?? 0)) tokens.push(next)
        }
      },
    )
    assert.ok(refused > 20 && raced > 20, `${refused} refused, ${raced} raced`)
  })

  test('the answer to a refresh has the fields of RFC 6749 5.1, and the pair is about the same session', async () => {
    const at = await openHouse(open)
    const { email } = await at.member()
    const pair = await at.tokens(email)
    const form = { grant_type: 'refresh_token', refresh_token: pair.refresh_token }
    const answer = await (await at.program().send('POST', '/oauth/token', { form })).json()
    assert.deepEqual(Object.keys(answer).sort(), [
      'access_token',
      'expires_in',
      'refresh_token',
      'token_type',
    ])
    assert.deepEqual([answer.token_type, answer.expires_in], ['Bearer', 300])
    const caller = await at.house.carriers.identify(
      { kind: 'bearer', token: answer.access_token },
      { isPassive: () => true },
    )
    assert.equal(caller?.session?.id, pair.session.id)
  })

  test('a new proof replaces the refresh token: the old one is refused without ending, later it ends the session', async () => {
    const at = await openHouse(open)
    const { email, password } = await at.member()
    const pair = await at.tokens(email)
    const authorization = `Bearer ${pair.access_token}`
    const proven = await at.program().post('/auth/reauthenticate', { password }, { authorization })
    const next: typeof pair = await proven.json()
    assert.equal(await refresh(at, pair.refresh_token), null)
    const after = await refresh(at, next.refresh_token)
    assert.ok(after !== null)
    at.machine.clock.advance(30)
    assert.equal(await refresh(at, pair.refresh_token), null)
    assert.equal(await refresh(at, after), null)
  })

  test('a token from a time that the database has lost is refused, noted, and ends nothing', async () => {
    const at = await openHouse(open)
    const { email } = await at.member()
    const pair = await at.tokens(email)
    const before = await at.db
      .selectFrom('session')
      .selectAll()
      .where('id', '=', pair.session.id)
      .executeTakeFirstOrThrow()
    const second = (await refresh(at, pair.refresh_token)) ?? ''
    await at.db.updateTable('session').set(before).where('id', '=', pair.session.id).execute()
    assert.equal(await refresh(at, second), null)
    const kinds = (await at.db.selectFrom('event').select('kind').execute()).map(({ kind }) => kind)
    assert.ok(kinds.includes('refresh_from_the_future') && !kinds.includes('session_ended'))
    assert.ok((await refresh(at, pair.refresh_token)) !== null)
  })

  test('a refresh is one read and one write', async () => {
    const at = await openHouse(open)
    const { email } = await at.member()
    const pair = await at.tokens(email)
    at.statements.length = 0
    await refresh(at, pair.refresh_token)
    assert.deepEqual(
      at.statements.map((statement) => statement.split(' ')[0]),
      ['select', 'update'],
    )
  })
})
