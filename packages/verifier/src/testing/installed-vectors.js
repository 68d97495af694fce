// The public vectors, judged by the package as it is installed: plain JavaScript, on whatever runs it. Given the folder of
// the vectors; prints how many cases came out as they should, and fails at the first that did not. What the doors do not show
// (the lines of a stream, the id of a cookie) is left to the tests of the sources.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  admit,
  ageOf,
  callerOf,
  carriesSessionCookie,
  createChecker,
  createProofCheck,
  createView,
  feedKey,
  guard,
  isGrantOver,
  keysOf,
  look,
  parseAccessToken,
  parseKeySet,
  proofOf,
  proveAccessToken,
  Refusal,
  readCredential,
  refuse,
  requireScheme,
  stamp,
  stepView,
} from '@counterfoil/verifier'

const [, , folder] = process.argv
const counts = {}
const read = (name) => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))

async function outcome(work) {
  try {
    return { result: await work() }
  } catch (error) {
    if (error instanceof Refusal) return { refusal: error.code }
    throw error
  }
}

async function each(name, cases, judge) {
  for (const one of cases) {
    await judge(one, `${name}: ${one.name}`)
    counts[name] = (counts[name] ?? 0) + 1
  }
}

const tokens = read('tokens')
await each('tokens', tokens.cases, async (given, about) => {
  const { issuer, audience, now } = tokens
  const keys = parseKeySet(tokens.jwks)
  const found = await outcome(async () => {
    const unproven = parseAccessToken(given.token)
    const key = keys.get(unproven.kid) ?? refuse('credential_invalid')
    const skewSeconds = given.skew_seconds ?? 0
    const { subject, sessionId, scopes, expiresAt, confirmation } = await proveAccessToken(unproven, {
      ...{ key, issuer, audience, now, skewSeconds },
    })
    return { sub: subject, sid: sessionId, scopes, exp: expiresAt, jkt: confirmation }
  })
  if (given.claims === undefined) return assert.deepEqual(found, { refusal: given.refusal }, about)
  const { sub, sid, scopes, exp, jkt } = given.claims
  assert.deepEqual(found, { result: { sub, sid, scopes, exp, jkt } }, about)
})

const proofs = read('proofs')
await each('proofs', proofs.cases, async (given, about) => {
  const { issuer, audience, now, origin } = proofs
  const memory = createProofCheck({ entries: 100 })
  async function judge(dpop) {
    const { kind, token } = readCredential({ authorization: given.authorization, cookie: null })
    const unproven = parseAccessToken(token)
    const key = parseKeySet(proofs.jwks).get(unproven.kid)
    const { confirmation } = await proveAccessToken(unproven, { key, issuer, audience, now })
    requireScheme(kind, confirmation)
    const headers = new Headers(dpop === null ? {} : { dpop })
    const { header, ...target } = proofOf({ method: given.method, url: given.target, headers }, origin)
    const isOurNonce = given.nonces === undefined ? null : (nonce) => given.nonces.includes(nonce)
    const proof = await memory.check(header, { ...target, token, now, isOurNonce })
    memory.use(proof, confirmation, now)
    return confirmation
  }
  for (const earlier of given.after ?? []) await judge(earlier)
  const found = await outcome(() => judge(given.dpop))
  assert.deepEqual(
    found,
    given.refusal === undefined ? { result: given.jkt } : { refusal: given.refusal },
    about,
  )
})

await each('key-sets', read('key-sets').cases, ({ jwks, kids }, about) => {
  const keys = parseKeySet(JSON.stringify(jwks))
  assert.deepEqual(keys && [...keys.keys()], kids, about)
})

await each('feed-keys', read('feed-keys').cases, ({ kind, id, key }) => assert.equal(feedKey(kind, id), key))

await each('credentials', read('credentials').cases, async (given, about) => {
  const { authorization, cookie, credential, refusal } = given
  const found = await outcome(() => readCredential({ authorization, cookie }))
  assert.deepEqual(found, refusal === undefined ? { result: credential } : { refusal }, about)
})

const guarded = read('guard')
await each('guard', guarded.cases, async ({ method, headers, asks_for_cookie, accepted }, about) => {
  const request = {
    ...{ method, secFetchSite: headers['sec-fetch-site'] ?? null, origin: headers.origin ?? null },
    ...{
      upgrade: headers.upgrade !== undefined,
      carriesCookie: carriesSessionCookie(headers.cookie ?? null),
    },
    ...{
      asksForCookie: asks_for_cookie,
      ownOrigin: guarded.own_origin,
      allowedOrigins: guarded.allowed_origins,
    },
  }
  const found = await outcome(() => guard(request))
  assert.deepEqual(found, accepted ? { result: undefined } : { refusal: 'forged_request' }, about)
})

const entriesOf = (entries) => entries.map(([position, kind, key, age]) => ({ position, kind, key, age }))

function eventOf(event) {
  if (event.kind === 'snapshot') {
    const { kind, ...snapshot } = event
    return { kind, snapshot: { ...snapshot, entries: entriesOf(event.entries) } }
  }
  if (event.kind !== 'revoked') return event
  const { kind, epoch, entries, wants_ack: wantsAck } = event
  return { kind, epoch, entries: entriesOf(entries), wantsAck }
}

function asked(effect) {
  if (effect.kind === 'log') return `log ${effect.from}-${effect.to}`
  if (effect.kind === 'ack') return `ack ${effect.position}`
  return effect.kind === 'reconnect' ? `reconnect ${effect.link}` : effect.kind
}

await each('freshness', read('freshness').cases, ({ steps }, about) => {
  const view = createView({ mono: steps[0].mono, wall: steps[0].wall })
  for (const { mono, wall, event, asks, age_ms: bounds } of steps) {
    if (event !== undefined) {
      assert.deepEqual(stepView(view, eventOf(event), { mono, wall }).map(asked), asks, about)
      continue
    }
    const age = ageOf(view, { mono, wall })
    const isRight =
      bounds === null ? age === Number.POSITIVE_INFINITY : age >= bounds.at_least && age <= bounds.at_most
    assert.ok(isRight, `${about}: ${age}`)
  }
})

const verdicts = read('verdicts')
await each('verdicts', verdicts.cases, (given, about) => {
  const listed = { ...verdicts.statements[given.statement], ...given.changes }
  const { carrier, account, session, scopes, actor, actors, grant } = listed
  const statement = {
    ...{ account, session, rights: { carrier, confirmation: null, scopes, actor, actors, grant } },
    ...{ authenticatedAt: listed.authenticated_at, clientId: listed.client_id, cookieId: listed.cookie_id },
    ...{ keyId: listed.key_id, asOf: listed.as_of, readStart: listed.read_start, end: listed.end },
  }
  const found = verdictOf(given, statement)
  const caller = given.verdict === 'accept' ? verdicts.callers[given.statement] : null
  assert.deepEqual(found, { verdict: given.verdict, caller }, about)
})

function verdictOf({ feed, now, asked_ms_ago: askedAgo, max_stale_ms: maxStale }, statement) {
  const at = (ago) => ({ mono: 1e9 - ago, wall: now * 1000 - ago })
  const checker = createChecker({ now: at(1e6), entries: 10 })
  const { view } = checker
  let askedAt = 0
  const moments = [
    [feed.age_ms, () => stepView(view, { kind: 'opened', link: 1, nonce: 'n' }, at(feed.age_ms))],
    [askedAgo, () => (askedAt = stamp(view.steady, at(askedAgo)))],
  ]
  for (const [ago, happen] of moments.sort(([one], [other]) => (other ?? 0) - (one ?? 0)))
    if (ago !== null) happen()
  const { epoch, applied: head, window } = feed
  stepView(view, { kind: 'hello', link: 1, nonce: 'n', hub: 'h', at: 0, epoch, head }, at(0))
  const snapshot = { epoch, position: head, window, entries: entriesOf(feed.entries) }
  stepView(view, { kind: 'snapshot', snapshot }, at(0))
  stepView(view, { kind: 'heartbeat', link: 1, hub: 'h', epoch, head, a: 0, wall: now * 1000 }, at(0))
  const isCookie = statement.cookieId !== null
  const of = { carried: isCookie ? 'cookies' : 'tokens', credential: 'it' }
  const keys = keysOf(statement)
  const { kind, entry } = admit(checker, { ...of, statement, keys, askedAt }, at(0))
  if (kind === 'admitted') {
    const { kind: verdict } = look(checker, { ...of, maxStale: maxStale ?? Number.POSITIVE_INFINITY }, at(0))
    return { verdict, caller: verdict === 'accept' ? callerOf(entry) : null }
  }
  if (kind === 'expired' && window === 0) return { verdict: 'ask', caller: null }
  if (isCookie) return { verdict: kind === 'dead' ? 'absent' : 'read_again', caller: null }
  if (kind !== 'expired')
    return { verdict: isGrantOver(view, keys) ? 'grant_ended' : 'session_ended', caller: null }
  return { verdict: now >= statement.end ? 'token_expired' : 'feed_stale', caller: null }
}

console.log(JSON.stringify(counts))
