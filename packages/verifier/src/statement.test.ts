import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AccessTokenClaims, checkAccessToken } from './access-token.ts'
import { feedKey } from './feed.ts'
import { cookieRights, keysOf, type Statement, statementOf } from './statement.ts'
import { audience, es256Key, issuer, keySetOf, now, signToken } from './testing/signed.ts'

const claimsOf = (changes: Record<string, unknown> = {}): AccessTokenClaims =>
  checkAccessToken(signToken({ claims: changes }), { keys: keySetOf(es256Key), issuer, audience, now })

test('a genuine token is a statement of its own: read when it was issued, ended when it expires', () => {
  const { rights, session, account, clientId, ...times } = statementOf(claimsOf(), 'kid')
  assert.deepEqual(rights, {
    carrier: 'bearer',
    confirmation: null,
    scopes: ['read', 'write'],
    actor: null,
    actors: [],
    grant: null,
  })
  assert.deepEqual([account, session?.id, clientId], [{ id: 'acc_1', email: null }, 'ses_1', 'first-party'])
  const expected = { cookieId: null, keyId: 'kid', asOf: 7, readStart: now, end: now + 300 }
  assert.deepEqual(times, { authenticatedAt: now - 60, ...expected })
})

test('a token that is bound to a key says so in its carrier', () => {
  const { rights } = statementOf(claimsOf({ cnf: { jkt: 'x'.repeat(43) } }), 'kid')
  assert.deepEqual([rights.carrier, rights.confirmation], ['dpop', 'x'.repeat(43)])
})

test('with a client’s own token the client is the one who acts, so that nobody takes it for a user who is present', () => {
  const own = { sub: 'worker', client_id: 'worker', sid: undefined, auth_time: 0 }
  assert.equal(statementOf(claimsOf(own), 'kid').rights.actor, 'worker')
  assert.equal(statementOf(claimsOf({ ...own, sid: 'ses_1' }), 'kid').rights.actor, null)
  const granted = { sid: undefined, grant: 'gra_1', act: { sub: 'worker' } }
  assert.equal(statementOf(claimsOf(granted), 'kid').rights.actor, 'worker')
})

const scopes: [
  name: string,
  statement: Statement,
  keys: Record<string, [kind: Parameters<typeof feedKey>[0], id: string] | null>,
][] = [
  [
    'a token of a session',
    statementOf(claimsOf(), 'kid'),
    {
      session: ['session', 'ses_1'],
      cookie: null,
      grant: null,
      account: ['account', 'acc_1'],
      client: ['client', 'first-party'],
      key: ['key', 'kid'],
    },
  ],
  [
    'a token of a grant that outlives its session',
    statementOf(
      claimsOf({ client_id: 'worker', sid: undefined, grant: 'gra_1', act: { sub: 'worker' } }),
      'kid',
    ),
    {
      session: null,
      cookie: null,
      grant: ['grant', 'gra_1'],
      account: ['account', 'acc_1'],
      client: ['client', 'worker'],
      key: ['key', 'kid'],
    },
  ],
  [
    'a token of a grant that ends with its session',
    statementOf(claimsOf({ client_id: 'worker', grant: 'gra_1', act: { sub: 'worker' } }), 'kid'),
    {
      session: ['session', 'ses_1'],
      cookie: null,
      grant: ['grant', 'gra_1'],
      account: ['account', 'acc_1'],
      client: ['client', 'worker'],
      key: ['key', 'kid'],
    },
  ],
  [
    'a cookie',
    { ...statementOf(claimsOf(), 'kid'), rights: cookieRights, cookieId: 'coo_1', keyId: null },
    {
      session: ['session', 'ses_1'],
      cookie: ['cookie', 'coo_1'],
      grant: null,
      account: ['account', 'acc_1'],
      client: ['client', 'first-party'],
      key: null,
    },
  ],
]
for (const [name, statement, expected] of scopes) {
  test(`${name} ends with each of: ${Object.keys(expected)
    .filter((scope) => expected[scope] !== null)
    .join(', ')}`, () => {
    const keys = Object.entries(expected).map(([scope, of]) => [scope, of && feedKey(...of)])
    assert.deepEqual(keysOf(statement), { ...Object.fromEntries(keys), actors: [] })
  })
}

test('a delegated token ends with each client that it came through, and holds a list of its own for nobody else', () => {
  const chain = { sub: 'ledger', act: { sub: 'orders', act: { sub: 'worker' } } }
  const { rights, ...statement } = statementOf(claimsOf({ client_id: 'ledger', act: chain }), 'kid')
  assert.deepEqual([rights.actor, rights.actors], ['ledger', ['ledger', 'orders', 'worker']])
  const { client, actors } = keysOf({ rights, ...statement })
  assert.deepEqual(
    [client, ...actors],
    ['ledger', 'orders', 'worker'].map((id) => feedKey('client', id)),
  )
  const plain = () => keysOf(statementOf(claimsOf(), 'kid')).actors
  assert.equal(plain(), plain())
})
