import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkedIssuer, reachable, readMetadata } from './metadata.ts'

const issuer = 'https://auth.example'
const good = {
  issuer,
  jwks_uri: `${issuer}/.well-known/jwks.json`,
  introspection_endpoint: `${issuer}/oauth/introspect`,
  feed_stream_endpoint: `${issuer}/feed/stream`,
  feed_snapshot_endpoint: `${issuer}/feed/snapshot`,
  feed_log_endpoint: `${issuer}/feed/log`,
  feed_ack_endpoint: `${issuer}/feed/ack`,
  feed_statement_endpoint: `${issuer}/feed/statement`,
}
const read = (changes: object) => readMetadata(JSON.stringify({ ...good, ...changes }), issuer)

test('good metadata give all addresses', () => {
  assert.deepEqual(read({ token_endpoint: 'https://elsewhere.example/' }), {
    kind: 'found',
    addresses: {
      keys: good.jwks_uri,
      feed: {
        introspection: good.introspection_endpoint,
        stream: good.feed_stream_endpoint,
        snapshot: good.feed_snapshot_endpoint,
        log: good.feed_log_endpoint,
        ack: good.feed_ack_endpoint,
        statement: good.feed_statement_endpoint,
      },
    },
  })
})

test('without one address of the feed there is none', () => {
  const found = read({ feed_ack_endpoint: undefined })
  assert.ok(found.kind === 'found' && found.addresses.feed === null)
})

const refused: [what: string, changes: object][] = [
  ['another issuer', { issuer: 'https://evil.example' }],
  ['an issuer with a slash', { issuer: `${issuer}/` }],
  ['no issuer', { issuer: undefined }],
  ['no keys', { jwks_uri: undefined }],
  ['keys on another host', { jwks_uri: 'https://evil.example/jwks.json' }],
  ['keys on another port', { jwks_uri: `${issuer}:444/jwks.json` }],
  ['keys over plain http', { jwks_uri: 'http://auth.example/jwks.json' }],
  ['keys on a sibling', { jwks_uri: 'https://auth.example.evil.example/jwks.json' }],
  ['a host that hides behind a user', { jwks_uri: 'https://auth.example@evil.example/jwks.json' }],
  ['a user before our host', { jwks_uri: 'https://user:secret@auth.example/jwks.json' }],
  ['a relative address', { jwks_uri: '/jwks.json' }],
  ['an address that is a number', { jwks_uri: 7 }],
  ['a feed on another host', { feed_stream_endpoint: 'https://evil.example/feed/stream' }],
  ['statements on another host', { feed_statement_endpoint: 'https://evil.example/feed/statement' }],
  ['introspection on another host', { introspection_endpoint: 'https://evil.example/' }],
  ['an address with a query', { feed_log_endpoint: `${issuer}/feed/log?to=9` }],
  ['an address that is null', { feed_ack_endpoint: null }],
]
for (const [what, changes] of refused) {
  test(`${what} is refused`, () => {
    const found = read(changes)
    assert.equal(found.kind, 'refused', JSON.stringify(found))
  })
}

test('what is no strict JSON object is refused', () => {
  for (const text of ['', '[]', '<html>', `{"issuer":"${issuer}","issuer":"${issuer}"}`])
    assert.equal(readMetadata(text, issuer).kind, 'refused')
})

test('an issuer is one bare origin, plain http only on this machine', () => {
  for (const fine of [
    'https://auth.example',
    'https://auth.example:8443',
    'http://localhost:3000',
    'http://a.localhost',
  ])
    assert.equal(checkedIssuer(fine), fine)
  for (const wrong of [
    'http://auth.example',
    'https://auth.example/',
    'https://auth.example/a',
    'HTTPS://auth.example',
  ])
    assert.throws(() => checkedIssuer(wrong), /bare origin/)
  for (const wrong of [
    '',
    'auth.example',
    'ftp://localhost',
    'http://notlocalhost',
    'https://u@auth.example',
  ])
    assert.throws(() => checkedIssuer(wrong), /bare origin/)
})

test('names of this machine are reached without a resolver, others as they are', () => {
  assert.equal(reachable('http://localhost:3000/a?b=c'), 'http://127.0.0.1:3000/a?b=c')
  assert.equal(reachable('http://bank.localhost:3000/'), 'http://127.0.0.1:3000/')
  for (const same of ['https://localhost/a', 'https://auth.example/a', 'http://localhost.example/'])
    assert.equal(reachable(same), same)
})
