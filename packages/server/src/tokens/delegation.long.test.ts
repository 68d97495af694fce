import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkAccessToken, parseKeySet } from '@counterfoil/verifier'
import { altered } from '../testing/altered.ts'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { accessTokenType, giveGrant, workerAt } from '../testing/grants.ts'
import { openHouse, type TestHouse } from '../testing/house.ts'
import { keyHolder } from '../testing/key-holder.ts'
import { archiveApi, callChain, ledgerApi, ordersApi, serviceAt, tokenFor } from '../testing/services.ts'
import { actOf, checkedRules, type ExchangeRule, extendChain } from './delegation.ts'

type Scene = Awaited<ReturnType<typeof setUp>>
type Person = Awaited<ReturnType<Scene['member']>>

async function setUp(open: OpenTestDatabase) {
  const at = await openHouse(open, { policy: callChain })
  const [orders, ledger, archive] = [
    await serviceAt(at, { id: 'orders', holder: keyHolder() }),
    await serviceAt(at, { id: 'ledger', holder: keyHolder() }),
    await serviceAt(at, { id: 'archive', holder: keyHolder() }),
  ]
  const asker = await at.house.clients.add('asker')
  const authorization = `Basic ${Buffer.from(`${asker.client_id}:${asker.client_secret}`).toString('base64')}`
  const introspect = async (token: string): Promise<Record<string, unknown>> => {
    const sent = { form: { token }, headers: { authorization } }
    return (await at.program().send('POST', '/oauth/introspect', sent)).json()
  }
  let people = 0
  const member = async () => ({ ...(await at.member(`p${++people}@example.org`)), holder: keyHolder() })
  return { at, orders, ledger, archive, member, introspect }
}

async function claimsOf(at: TestHouse, token: string, audience: string) {
  const { jwks } = await at.house.keys.ring()
  const keys = parseKeySet(jwks) ?? assert.fail()
  return checkAccessToken(token, { keys, issuer: at.issuer, audience, now: at.machine.clock.now() })
}

async function eventsOf({ db }: TestHouse, { kind, accountId }: { kind: string; accountId: string }) {
  const columns = ['account_id', 'client_id', 'detail', 'outcome'] as const
  return db
    .selectFrom('event')
    .select(columns)
    .where('kind', '=', kind)
    .where('account_id', '=', accountId)
    .execute()
}

const refusal = ({ status, body }: { status: number; body: Record<string, unknown> }) => [
  status,
  body.error,
  body.code,
]
const overOrForeign = [400, 'invalid_request', 'subject_invalid']

onEachEngine('a token is handed on down a call chain', (open) => {
  let opened: Promise<Scene> | null = null
  const scene = async () => {
    opened ??= setUp(open)
    const { member, ...given } = await opened
    return { ...given, member, person: await member() }
  }

  test('the same person and session, who calls and who called before, for the next service and no longer', async () => {
    const { at, orders, ledger, person, introspect } = await scene()
    const first = await tokenFor(at, person, ordersApi)
    const subject = await claimsOf(at, first, ordersApi)
    at.machine.clock.advance(100)
    const second = await orders.exchange(first, { resource: ledgerApi })
    assert.equal(second.status, 200)
    const { access_token: _, ...rest } = second.body
    const said = { token_type: 'DPoP', expires_in: 200, scope: '', issued_token_type: accessTokenType }
    assert.deepEqual(rest, said)
    const { tokenId, asOf, ...claims } = await claimsOf(at, second.token, ledgerApi)
    const { tokenId: before, asOf: then, ...same } = subject
    assert.deepEqual(claims, {
      ...{ ...same, audience: ledgerApi, clientId: 'orders', issuedAt: subject.issuedAt + 100 },
      ...{ actor: 'orders', actors: ['orders'], confirmation: orders.holder.thumbprint },
    })
    assert.ok(tokenId !== before && asOf >= then)
    const third = await ledger.exchange(second.token, { audience: archiveApi })
    const { actors, expiresAt, subject: whose, sessionId } = await claimsOf(at, third.token, archiveApi)
    assert.deepEqual(
      [actors, expiresAt, whose, sessionId],
      [['ledger', 'orders'], subject.expiresAt, subject.subject, subject.sessionId],
    )
    const told = await introspect(third.token)
    assert.deepEqual([told.active, told.act], [true, { sub: 'ledger', act: { sub: 'orders' } }])
    const row = (client_id: string, detail: string) => ({
      ...{ account_id: person.accountId, client_id, detail, outcome: 'done' },
    })
    const recorded = await eventsOf(at, { kind: 'token_exchanged', accountId: person.accountId })
    assert.deepEqual(
      recorded.sort((one, other) => String(other.client_id).localeCompare(String(one.client_id))),
      [row('orders', 'first-party'), row('ledger', 'orders')],
    )
  })

  test('A-108 never in a circle, and not by the same service twice', async () => {
    const { at, orders, ledger, archive, person } = await scene()
    const second = await orders.exchange(await tokenFor(at, person, ordersApi), { resource: ledgerApi })
    const third = await ledger.exchange(second.token, { resource: archiveApi })
    const fourth = await archive.exchange(third.token, { resource: ordersApi })
    assert.equal(fourth.status, 200)
    assert.deepEqual(refusal(await orders.exchange(fourth.token, { resource: ledgerApi })), overOrForeign)
    assert.deepEqual(
      (await eventsOf(at, { kind: 'token_misused', accountId: person.accountId })).map(
        ({ client_id, detail }) => [client_id, detail],
      ),
      [['orders', 'chain']],
    )
  })

  test('A-107 a grant’s token keeps its grant, and its words are narrowed and never widened', async () => {
    const { at, orders, person } = await scene()
    const worker = await workerAt(at, { scope: 'read secret' })
    const grant = await giveGrant(person.browser, worker.terms({ scope: 'read secret', audience: ordersApi }))
    const { token } = await worker.exchange(grant)
    const handed = await orders.exchange(token, { resource: ledgerApi }, null)
    assert.deepEqual([handed.body.token_type, handed.body.scope], ['Bearer', 'read'])
    const claims = await claimsOf(at, handed.token, ledgerApi)
    assert.deepEqual([claims.grant, claims.actors, claims.sessionId], [grant, ['orders', worker.id], null])
    for (const scope of ['secret', 'write', 'read write'])
      assert.deepEqual(refusal(await orders.exchange(token, { resource: ledgerApi, scope })), [
        ...[400, 'invalid_scope', 'scope_invalid'],
      ])
    const secret = await worker.exchange(grant, { scope: 'secret' })
    // Nothing is left that the service may have: none at all would read like the whole account.
    assert.equal((await orders.exchange(secret.token, { resource: ledgerApi })).body.error, 'invalid_scope')
    await person.browser.send('DELETE', `/auth/grants/${grant}`)
    assert.deepEqual(refusal(await orders.exchange(token, { resource: ledgerApi })), overOrForeign)
  })

  test('A-107 only what was made for that very service, for whom policy lets it call, by a service that policy names', async () => {
    const { at, orders, ledger, person, introspect } = await scene()
    const forOrders = await tokenFor(at, person, ordersApi)
    const forLedger = await tokenFor(at, person, ledgerApi)
    const { access_token: forIssuer, refresh_token: refresh } = await at.tokens(person.email)
    const own = await at.house.clients.add('own', { scope: 'read' })
    const basic = `Basic ${Buffer.from(`${own.client_id}:${own.client_secret}`).toString('base64')}`
    const form = { grant_type: 'client_credentials', resource: ordersApi }
    const alone = await at.program().send('POST', '/oauth/token', { form, headers: { authorization: basic } })
    const { access_token: ownToken } = await alone.json()
    const resource = ledgerApi
    const wrongTarget = [400, 'invalid_target', 'target_invalid']
    const stranger = await serviceAt(at, { id: 'stranger', holder: keyHolder() })
    const table: [name: string, answer: Promise<Parameters<typeof refusal>[0]>, expected: unknown[]][] = [
      ['another service’s token', orders.exchange(forLedger, { resource }), overOrForeign],
      ['a token for the server', orders.exchange(forIssuer, { resource }), overOrForeign],
      ['a refresh token', orders.exchange(refresh, { resource }), overOrForeign],
      ['a client’s own token', orders.exchange(ownToken, { resource }), overOrForeign],
      ['a forged one', orders.exchange(altered(forOrders), { resource }), overOrForeign],
      ['something else', orders.exchange('x', { resource }), overOrForeign],
      ['no place', orders.exchange(forOrders, {}), wrongTarget],
      [
        'a place that only others may call',
        orders.exchange(forOrders, { resource: archiveApi }),
        wrongTarget,
      ],
      ['its own place', orders.exchange(forOrders, { resource: ordersApi }), wrongTarget],
      ['the server', orders.exchange(forOrders, { resource: at.issuer }), wrongTarget],
      [
        'words from none',
        orders.exchange(forOrders, { resource, scope: 'read' }),
        [...[400, 'invalid_scope', 'scope_invalid']],
      ],
      [
        'a service that policy does not name',
        stranger.exchange(forOrders, { resource }),
        [...[400, 'unauthorized_client', 'client_unauthorized']],
      ],
      ['the next service, out of turn', ledger.exchange(forOrders, { resource: archiveApi }), overOrForeign],
      [
        'a bound token for a plain one',
        orders.exchange(forOrders, { resource }, null),
        [...[400, 'invalid_dpop_proof', 'proof_invalid']],
      ],
      [
        'an actor of its own',
        orders.exchange(forOrders, { resource, actor_token: forOrders }),
        [...[400, 'invalid_request', 'input_invalid']],
      ],
    ]
    for (const [name, answer, expected] of table) assert.deepEqual(refusal(await answer), expected, name)
    const misused = await eventsOf(at, { kind: 'token_misused', accountId: person.accountId })
    assert.deepEqual(misused.map(({ client_id, detail }) => `${client_id} ${detail}`).sort(), [
      'ledger another_audience',
      'orders another_audience',
      'orders another_audience',
    ])
    assert.equal((await introspect(forOrders)).active, true)
  })

  test('whoever shows others’ tokens is on record, and soon has to wait', async () => {
    const { at, archive, orders, person } = await scene()
    const foreign = await tokenFor(at, person, ledgerApi)
    const all = []
    for (let round = 0; round < 11; round++)
      all.push((await archive.exchange(foreign, { resource: ordersApi }, null)).status)
    assert.deepEqual(all, [...Array(10).fill(400), 429])
    const own = await tokenFor(at, person, ordersApi)
    assert.equal((await orders.exchange(own, { resource: ledgerApi })).status, 200)
  })

  test('A-58 a bound token that was stolen is worth nothing to whoever is not that service', async () => {
    const { at, person } = await scene()
    const stolen = await tokenFor(at, person, ordersApi)
    const form = {
      ...{ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: stolen },
      ...{ subject_token_type: accessTokenType, resource: ledgerApi },
    }
    for (const who of [{}, { client_id: 'orders' }, { client_id: 'orders', client_secret: 'guess' }]) {
      const answer = await at.program().submit('/oauth/token', { ...form, ...who })
      assert.deepEqual([answer.status, (await answer.json()).error], [401, 'invalid_client'])
    }
  })

  test('handed on while its person signs out, sixteen times at once: none of them is good afterwards', async () => {
    const { at, orders, person, introspect } = await scene()
    const first = await tokenFor(at, person, ordersApi)
    const racing = Array.from({ length: 16 }, () => orders.exchange(first, { resource: ledgerApi }))
    const [out, ...all] = await Promise.all([person.browser.post('/auth/sign-out'), ...racing])
    assert.ok(out.status < 300)
    for (const answer of all) {
      if (answer.status !== 200) assert.deepEqual(refusal(answer), overOrForeign)
      else assert.deepEqual(await introspect(answer.token), { active: false })
    }
  })

  test('revoking it ends what that service was given, and signs nobody out', async () => {
    const { at, orders, person, introspect } = await scene()
    const first = await tokenFor(at, person, ordersApi)
    const { token } = await orders.exchange(first, { resource: ledgerApi })
    const assertion = orders.key.assertion({
      clientId: 'orders',
      issuer: at.issuer,
      now: at.machine.clock.now(),
    })
    const form = {
      ...{ token, client_assertion: assertion },
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }
    assert.equal((await at.program().submit('/oauth/revoke', form)).status, 200)
    assert.deepEqual(await introspect(token), { active: false })
    assert.equal((await introspect(first)).active, true)
    assert.equal((await person.browser.get('/auth/session')).status, 200)
  })

  const ends: [what: string, end: (scene: Scene, person: Person) => Promise<unknown>][] = [
    ['the person signed out', (_, { browser }) => browser.post('/auth/sign-out')],
    ['the account was disabled', ({ at }, { accountId }) => at.house.accounts.disable(accountId)],
    ['other keys in the middle', ({ at, orders }) => at.house.clients.replaceKeys('orders', orders.key.jwks)],
    ['nobody in the middle any more', ({ at }) => at.house.clients.remove('orders')],
  ]
  test('it is over for the server too, and goes no further, with the person and with every service of the chain', async () => {
    const given = await scene()
    const { at, orders, ledger, introspect, member } = given
    for (const [what, end] of ends) {
      const person = await member()
      const second = await orders.exchange(await tokenFor(at, person, ordersApi), { resource: ledgerApi })
      const third = await ledger.exchange(second.token, { resource: archiveApi })
      assert.equal((await introspect(third.token)).active, true, what)
      await end(given, person)
      assert.deepEqual(await introspect(third.token), { active: false }, what)
      assert.deepEqual(refusal(await ledger.exchange(second.token, { resource: archiveApi })), overOrForeign)
    }
  })
})

test('a policy that hands on tokens of the issuer, or by the built-in client, does not start', () => {
  const given = { issuer: ordersApi, builtIn: 'first-party' }
  const start = (rule: ExchangeRule) => checkedRules([rule], given)
  assert.throws(() => start({ client: 'orders', from: ordersApi, to: [ledgerApi] }), /names the issuer/)
  assert.throws(() => start({ client: 'orders', from: ledgerApi, to: [ordersApi] }), /names the issuer/)
  assert.throws(() => start({ client: 'first-party', from: ledgerApi, to: [archiveApi] }), /proves nothing/)
})

test('a chain is as long as verifiers take, and names nobody twice', () => {
  assert.deepEqual(extendChain(['c', 'b', 'a'], 'd'), ['d', 'c', 'b', 'a'])
  assert.equal(extendChain(['d', 'c', 'b', 'a'], 'e'), null)
  assert.equal(extendChain(['c', 'b', 'a'], 'a'), null)
  assert.deepEqual(actOf(['b', 'a']), { sub: 'b', act: { sub: 'a' } })
  assert.equal(actOf([]), undefined)
})
