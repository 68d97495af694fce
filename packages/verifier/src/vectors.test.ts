import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AccessTokenClaims, parseAccessToken, proveAccessToken } from './access-token.ts'
import { cookieIdOf } from './cookie-check.ts'
import { carriesSessionCookie, readCredential, sessionCookieName } from './credentials.ts'
import { type FeedKind, feedKey } from './feed.ts'
import { guard } from './guard.ts'
import type { JsonObject } from './json.ts'
import { parseKeySet } from './key-set.ts'
import { Refusal, refuse } from './refusal.ts'
import { createEventText, readEvents } from './server-sent-events.ts'
import { readOwnVectors } from './testing/own-vectors.ts'
import { readMessage, writeEntries } from './wire.ts'

/** What came of it, or the code of the refusal. */
function outcome<Result>(work: () => Result): { result: Result } | { refusal: string } {
  try {
    return { result: work() }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { refusal: error.code }
  }
}

/** The same for what may have to wait. */
async function outcomeOf<Result>(
  work: () => Promise<Result>,
): Promise<{ result: Result } | { refusal: string }> {
  const settled = await work().then(
    (result) => () => result,
    (error: unknown) => () => {
      throw error
    },
  )
  return outcome(settled)
}

type TokenFile = {
  issuer: string
  audience: string
  now: number
  jwks: JsonObject
  cases: { name: string; token: string; skew_seconds?: number; claims?: JsonObject; refusal?: string }[]
}
const tokens = readOwnVectors<TokenFile>('tokens', 90)

function shownClaims(claims: AccessTokenClaims) {
  const { issuer: iss, subject: sub, audience: aud, expiresAt: exp, issuedAt: iat, tokenId: jti } = claims
  const { clientId: client_id, sessionId: sid, scopes, authenticatedAt: auth_time, amr, asOf: as_of } = claims
  const { confirmation: jkt, actor, actors, grant } = claims
  const who = { actor, actors, grant }
  return { iss, sub, aud, exp, iat, jti, client_id, sid, scopes, auth_time, amr, as_of, jkt, ...who }
}

for (const { name, token, skew_seconds: skewSeconds = 0, claims, refusal } of tokens.cases) {
  test(`vector, token: ${name}: ${refusal ?? 'accepted'}`, async () => {
    const { issuer, audience, now } = tokens
    const keys = parseKeySet(tokens.jwks)
    assert.ok(keys !== null)
    const found = await outcomeOf(async () => {
      const unproven = parseAccessToken(token)
      const key = keys.get(unproven.kid) ?? refuse('credential_invalid')
      return shownClaims(await proveAccessToken(unproven, { key, issuer, audience, now, skewSeconds }))
    })
    assert.deepEqual(found, claims === undefined ? { refusal } : { result: claims })
  })
}

type KeySetFile = { cases: { name: string; jwks: JsonObject; kids: string[] | null }[] }
for (const { name, jwks, kids } of readOwnVectors<KeySetFile>('key-sets', 15).cases) {
  test(`vector, key set: ${name}: ${kids === null ? 'refused' : `[${kids}]`}`, () => {
    const keys = parseKeySet(JSON.stringify(jwks))
    assert.deepEqual(keys && [...keys.keys()], kids)
  })
}

type KeyFile = {
  cases: { kind: FeedKind; id: string; key: string }[]
  cookies: { cookie: string; cookie_id: string | null; key: string | null }[]
}
const feedKeys = readOwnVectors<KeyFile>('feed-keys', 10)
test('vectors, feed keys', () => {
  for (const { kind, id, key } of feedKeys.cases) assert.equal(feedKey(kind, id), key, `${kind} ${id}`)
})
test('vectors, ids of cookies and their keys', () => {
  assert.ok(feedKeys.cookies.length > 8)
  for (const { cookie, cookie_id, key } of feedKeys.cookies) {
    const id = cookieIdOf(cookie)
    assert.deepEqual([id, id && feedKey('cookie', id)], [cookie_id, key], cookie)
  }
})

type GuardFile = {
  own_origin: string
  allowed_origins: string[]
  cases: {
    name: string
    method: string
    headers: Record<string, string>
    asks_for_cookie: boolean
    accepted: boolean
  }[]
}
const guarded = readOwnVectors<GuardFile>('guard', 150)
for (const { name, method, headers, asks_for_cookie: asksForCookie, accepted } of guarded.cases) {
  test(`vector, guard: ${name}: ${accepted ? 'accepted' : 'forged_request'}`, () => {
    const request = {
      method,
      secFetchSite: headers['sec-fetch-site'] ?? null,
      origin: headers.origin ?? null,
      upgrade: headers.upgrade !== undefined,
      carriesCookie: carriesSessionCookie(headers.cookie ?? null),
      asksForCookie,
      ownOrigin: guarded.own_origin,
      allowedOrigins: guarded.allowed_origins,
    }
    const expected = accepted ? { result: undefined } : { refusal: 'forged_request' }
    assert.deepEqual(
      outcome(() => guard(request)),
      expected,
    )
  })
}

type CredentialFile = {
  cookie_name: string
  cases: {
    name: string
    authorization: string | null
    cookie: string | null
    credential?: JsonObject | null
    refusal?: string
  }[]
}
const credentials = readOwnVectors<CredentialFile>('credentials', 30)
test('the vectors speak of our cookie', () => assert.equal(credentials.cookie_name, sessionCookieName))
for (const { name, authorization, cookie, credential, refusal } of credentials.cases) {
  test(`vector, credential: ${name}`, () => {
    const found = outcome(() => readCredential({ authorization, cookie }))
    assert.deepEqual(found, refusal === undefined ? { result: credential } : { refusal })
  })
}

type StreamFile = { cases: { name: string; chunks: string[]; messages: JsonObject[]; fault: boolean }[] }

function readChunks(chunks: readonly string[]): { messages: unknown[]; fault: boolean } {
  const text = createEventText(1_000_000)
  const messages: unknown[] = []
  for (const chunk of chunks) {
    for (const { event, data, id } of readEvents(text, chunk) ?? []) {
      const message = readMessage(event, data)
      if (message === null) return { messages, fault: true }
      if (message.kind !== 'revoked') messages.push({ ...message, id })
      else {
        const { kind, epoch, wantsAck: wants_ack } = message
        messages.push({ kind, id, epoch, entries: writeEntries(message.entries), wants_ack })
      }
    }
  }
  return { messages, fault: false }
}

for (const { name, chunks, messages, fault } of readOwnVectors<StreamFile>('stream', 25).cases) {
  test(`vector, stream: ${name}`, () => assert.deepEqual(readChunks(chunks), { messages, fault }))
}
