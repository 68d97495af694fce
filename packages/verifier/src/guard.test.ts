import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type GuardedRequest, guard, provesSameOrigin } from './guard.ts'
import { Refusal } from './refusal.ts'
import { fuzz } from './testing/fuzz.ts'

const own = 'https://bank.example'
const friend = 'https://app.example'
const foreign = 'https://evil.example'

const withCookie: GuardedRequest = {
  method: 'POST',
  secFetchSite: null,
  origin: null,
  upgrade: false,
  carriesCookie: true,
  asksForCookie: false,
  ownOrigin: own,
  allowedOrigins: [friend, 'null', '*'],
}
const signIn = { ...withCookie, carriesCookie: false, asksForCookie: true }
const bare = { ...withCookie, carriesCookie: false }

function isAccepted(request: GuardedRequest): boolean {
  try {
    guard(request)
    return true
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    assert.equal(error.code, 'forged_request')
    assert.equal(error.status, 403)
    return false
  }
}

const yes = true
const no = false
// Evidence, and what follows: for requests with our cookie or asking for one; for those without; for WebSockets with
// our cookie; and whether it proves our own pages.
const rules: [
  site: string | null,
  origin: string | null,
  guarded: boolean,
  without: boolean,
  socket: boolean,
  proof: boolean,
][] = [
  ['same-origin', own, yes, yes, yes, yes],
  ['same-origin', null, yes, yes, no, yes],
  ['same-origin', 'null', yes, yes, no, yes],
  ['same-origin', friend, yes, yes, no, no],
  ['same-origin', foreign, no, no, no, no],
  ['none', own, yes, yes, yes, yes],
  ['none', null, yes, yes, no, yes],
  ['none', 'null', yes, yes, no, yes],
  ['none', foreign, no, no, no, no],
  ['same-site', own, no, no, no, no],
  ['same-site', null, no, no, no, no],
  ['same-site', 'null', no, no, no, no],
  ['same-site', friend, yes, yes, no, no],
  ['same-site', foreign, no, no, no, no],
  ['cross-site', own, no, no, no, no],
  ['cross-site', null, no, no, no, no],
  ['cross-site', 'null', no, no, no, no],
  ['cross-site', friend, yes, yes, no, no],
  ['cross-site', foreign, no, no, no, no],
  [null, own, yes, yes, yes, yes],
  [null, null, no, yes, no, no],
  [null, 'null', no, yes, no, no],
  [null, friend, no, yes, no, no],
  [null, foreign, no, no, no, no],
]
for (const [secFetchSite, origin, guarded, without, socket, proof] of rules) {
  const evidence = { secFetchSite, origin }
  test(`site ${secFetchSite}, Origin ${origin}: cookie ${guarded}, without ${without}, WebSocket ${socket}`, () => {
    assert.equal(isAccepted({ ...withCookie, ...evidence }), guarded)
    assert.equal(isAccepted({ ...signIn, ...evidence }), guarded)
    assert.equal(isAccepted({ ...bare, ...evidence }), without)
    assert.equal(isAccepted({ ...withCookie, ...evidence, method: 'GET', upgrade: true }), socket)
    assert.equal(isAccepted({ ...withCookie, ...evidence, method: 'CONNECT' }), socket)
    assert.equal(provesSameOrigin({ ...withCookie, ...evidence }), proof)
  })
}

const unknownSites = [
  ...['', ' ', 'Same-Origin', 'SAME-ORIGIN', 'same-origin ', ' same-origin', 'same-origin, cross-site'],
  ...[
    'same-origin,same-origin',
    '"same-origin"',
    'same_origin',
    'null',
    'undefined',
    'same-origin;v=1',
    'nonе',
  ],
]
for (const secFetchSite of unknownSites) {
  test(`Sec-Fetch-Site "${secFetchSite}" says nothing: the Origin decides`, () => {
    assert.equal(isAccepted({ ...withCookie, secFetchSite }), false)
    assert.equal(isAccepted({ ...withCookie, secFetchSite, origin: 'null' }), false)
    assert.equal(isAccepted({ ...withCookie, secFetchSite, origin: own }), true)
    assert.equal(isAccepted({ ...withCookie, secFetchSite, origin: foreign }), false)
  })
}

const nearlyOwn = [
  ...[
    '',
    ' ',
    `${own} `,
    `${own}/`,
    `${own}:443`,
    `${own}:8443`,
    `${own}.evil.example`,
    `${own}@evil.example`,
  ],
  ...['http://bank.example', 'https://bankXexample', 'https://evil-bank.example', 'https://www.bank.example'],
  ...[
    'bank.example',
    '//bank.example',
    own.toUpperCase(),
    `${own}, ${own}`,
    `${own}\n`,
    'https://bаnk.example',
    'Null',
  ],
]
for (const origin of nearlyOwn) {
  test(`Origin "${origin}" is foreign, even where Sec-Fetch-Site says same-origin`, () => {
    for (const secFetchSite of [null, 'same-origin', 'none', 'same-site', 'cross-site', 'unknown']) {
      assert.equal(isAccepted({ ...withCookie, secFetchSite, origin }), false)
      assert.equal(isAccepted({ ...bare, secFetchSite, origin }), false)
      assert.equal(provesSameOrigin({ ...withCookie, secFetchSite, origin }), false)
    }
  })
}

test('safe methods pass whatever the evidence, and only exactly these', () => {
  const worst = { ...withCookie, secFetchSite: 'cross-site', origin: foreign, asksForCookie: true }
  for (const method of ['GET', 'HEAD', 'OPTIONS']) assert.equal(isAccepted({ ...worst, method }), true)
  const unsafe = [
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'TRACE',
    'CONNECT',
    'QUERY',
    'PROPFIND',
    'get',
    'Get',
    'GET ',
    '',
    'HEAD\n',
  ]
  for (const method of unsafe) assert.equal(isAccepted({ ...worst, method }), false, method)
})

test('an upgrade without our cookie needs no proof, but no evidence against it either', () => {
  const socket = { ...bare, method: 'GET', upgrade: true }
  assert.equal(isAccepted(socket), true)
  assert.equal(isAccepted({ ...socket, origin: foreign }), false)
  assert.equal(isAccepted({ ...socket, secFetchSite: 'cross-site' }), false)
})

test('an own origin of "null" is matched by nothing', () => {
  assert.equal(isAccepted({ ...withCookie, ownOrigin: 'null', origin: 'null' }), false)
})

test('the operator is told why, and an endless header is cut', () => {
  assert.throws(
    () =>
      guard({ ...withCookie, origin: `https://${'x'.repeat(100_000)}`, secFetchSite: 'y'.repeat(100_000) }),
    (error) =>
      error instanceof Refusal &&
      /foreign origin/.test(error.detail ?? '') &&
      (error.detail ?? '').length < 500,
  )
})

const anyRequest: fc.Arbitrary<GuardedRequest> = fc.record({
  method: fc.constantFrom(
    'GET',
    'HEAD',
    'OPTIONS',
    'POST',
    'DELETE',
    'TRACE',
    'CONNECT',
    'post',
    'get',
    'BREW',
  ),
  secFetchSite: fc.oneof(
    fc.constantFrom(null, 'same-origin', 'none', 'same-site', 'cross-site'),
    fc.string(),
  ),
  origin: fc.oneof(fc.constantFrom(null, 'null', own, friend, foreign, `${own}/`), fc.string()),
  upgrade: fc.boolean(),
  carriesCookie: fc.boolean(),
  asksForCookie: fc.boolean(),
  ownOrigin: fc.constantFrom(own, 'http://localhost:8080'),
  allowedOrigins: fc.constantFrom([], [friend], [friend, 'null']),
})

test('every request is accepted or refused, and acceptance has a reason', async (t) => {
  const seen = { safe: 0, guarded: 0, unguarded: 0, refused: 0 }
  await fuzz(t, anyRequest, (request) => {
    const { method, origin, secFetchSite: site, upgrade, ownOrigin, allowedOrigins } = request
    const accepted = isAccepted(request)
    const cookie = request.carriesCookie || request.asksForCookie
    const ours = origin === ownOrigin
    const listed = origin !== null && origin !== 'null' && allowedOrigins.includes(origin)
    if (!upgrade && ['GET', 'HEAD', 'OPTIONS'].includes(method)) {
      assert.ok(accepted)
      seen.safe++
      return
    }
    if (!accepted) {
      seen.refused++
      // With the cookie away, only evidence refuses.
      if (!cookie) assert.ok(origin !== null || site === 'same-site' || site === 'cross-site')
      return
    }
    assert.ok(origin === null || origin === 'null' || ours || listed)
    if (site === 'same-site' || site === 'cross-site') assert.ok(listed)
    if (!cookie) {
      seen.unguarded++
      return
    }
    seen.guarded++
    if (upgrade || method === 'CONNECT') assert.ok(ours)
    assert.ok(ours || listed || site === 'same-origin' || site === 'none')
    // Less to protect never means more to refuse.
    assert.ok(isAccepted({ ...request, carriesCookie: false, asksForCookie: false }))
  })
  t.diagnostic(JSON.stringify(seen))
  for (const count of Object.values(seen)) assert.ok(count > 200, JSON.stringify(seen))
})
