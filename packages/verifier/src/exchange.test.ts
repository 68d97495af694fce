import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { checkSignature } from './cryptography.ts'
import { createExchange, readExchanged } from './exchange.ts'
import { parseJws, readPayload } from './jws.ts'
import { parseKeySet } from './key-set.ts'
import { Refusal } from './refusal.ts'
import { handMachine } from './testing/machine.ts'
import { es256Key } from './testing/signed.ts'
import { isEndOfGrant } from './worker-refusal.ts'
import { createSigner, importSigner } from './worker-signing.ts'

const issuer = 'https://auth.example'
const privateJwk = es256Key.secret.export({ format: 'jwk' })
const bound = { access_token: 'token', token_type: 'DPoP', expires_in: 300 }
const asked = { grantId: 'gra_1', scope: 'statement.read', resource: null }

async function refusalOf(work: () => unknown): Promise<Refusal> {
  try {
    await work()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new assert.AssertionError({ message: 'not refused' })
}

const said = (status: number, body: object | string, retryAfter: string | null = null) => ({
  ...{ status, retryAfter },
  text: typeof body === 'string' ? body : JSON.stringify(body),
})

test('a bound token and its life are taken from the answer', () => {
  assert.deepEqual(readExchanged(said(200, bound)), { token: 'token', lifeSeconds: 300 })
})

const refused: [what: string, answer: Parameters<typeof readExchanged>[0], code: string, isEnd: boolean][] = [
  ['a withdrawal', said(400, { error: 'invalid_grant', code: 'grant_withdrawn' }), 'grant_withdrawn', true],
  ['an expiry', said(400, { error: 'invalid_grant', code: 'grant_expired' }), 'grant_expired', true],
  ['an end above it', said(400, { error: 'invalid_grant', code: 'grant_over' }), 'grant_over', true],
  [
    'no grant of this worker',
    said(400, { error: 'invalid_grant', code: 'grant_unknown' }),
    'grant_unknown',
    true,
  ],
  ['an end without a code', said(400, { error: 'invalid_grant' }), 'grant_ended', true],
  ['a code that is not known', said(400, { error: 'invalid_grant', code: 'grant_new' }), 'grant_ended', true],
  ['a code of something else', said(400, { error: 'invalid_grant', code: 'toString' }), 'grant_ended', true],
  [
    'another code that is ours and no end',
    said(400, { error: 'invalid_grant', code: 'server_unavailable' }),
    'grant_ended',
    true,
  ],
  ['a key that is not taken', said(401, { error: 'invalid_client' }), 'client_invalid', false],
  ['a client that may not', said(400, { error: 'unauthorized_client' }), 'client_unauthorized', false],
  ['more scope', said(400, { error: 'invalid_scope' }), 'scope_invalid', false],
  ['another resource', said(400, { error: 'invalid_target' }), 'target_invalid', false],
  ['a request that is not understood', said(400, { error: 'invalid_request' }), 'exchange_refused', false],
  ['a token that is not bound', said(200, { ...bound, token_type: 'Bearer' }), 'exchange_refused', false],
  ['no answer', null, 'server_unavailable', false],
  ['too much at once', said(503, { error: 'temporarily_unavailable' }), 'server_unavailable', false],
  ['a limit', said(429, { error: 'temporarily_unavailable' }), 'server_unavailable', false],
  ['a fault', said(500, { error: 'server_error' }), 'server_unavailable', false],
  ['a page of a proxy', said(502, '<h1>Bad gateway</h1>'), 'server_unavailable', false],
  ['a page of a proxy that says no', said(403, '<h1>Forbidden</h1>'), 'server_unavailable', false],
  [
    'an end in a problem of somebody else',
    said(400, { code: 'grant_withdrawn' }),
    'server_unavailable',
    false,
  ],
  ['a redirect', said(302, ''), 'server_unavailable', false],
  ['a page with 200', said(200, '<h1>Welcome</h1>'), 'server_unavailable', false],
  ['a token without an end', said(200, { ...bound, expires_in: 0 }), 'server_unavailable', false],
]
for (const [what, answer, code, isEnd] of refused) {
  test(`${what} is ${code}, ${isEnd ? 'and the grant is over' : 'and says nothing of the grant'}`, async () => {
    const refusal = await refusalOf(() => readExchanged(answer))
    assert.equal(refusal.code, code)
    assert.equal(isEndOfGrant(refusal), isEnd)
    assert.equal(refusal.retryAfterSeconds !== null, code === 'server_unavailable')
  })
}

test('the server says when to come back', async () => {
  for (const [header, seconds] of [
    ['17', 17],
    ['tomorrow', 1],
  ] as const) {
    const refusal = await refusalOf(() => readExchanged(said(503, {}, header)))
    assert.equal(refusal.retryAfterSeconds, seconds)
  }
})

async function scene(answer: (form: URLSearchParams, init: RequestInit) => Response | null) {
  const machine = handMachine((_, init) => answer(new URLSearchParams(String(init.body)), init))
  const [identity, binding] = await Promise.all([importSigner(privateJwk), createSigner()])
  const exchange = createExchange({ issuer, clientId: 'worker', identity, binding, machine })
  return { machine, exchange, binding }
}

const claimsOf = (jws: string | null) => {
  const parsed = parseJws(jws ?? '')
  assert.ok(parsed)
  return { jws: parsed, header: parsed.header, claims: readPayload(parsed) ?? {} }
}

test('an exchange shows the id of the grant, an assertion by the worker and a proof by another key', async () => {
  const forms: URLSearchParams[] = []
  const { machine, exchange, binding } = await scene((form) => {
    forms.push(form)
    return Response.json(bound)
  })
  assert.deepEqual(await exchange(asked), { token: 'token', lifeSeconds: 300 })
  const [form] = forms
  assert.ok(form)
  const { client_assertion, ...rest } = Object.fromEntries(form)
  assert.deepEqual(rest, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: 'gra_1',
    subject_token_type: 'urn:counterfoil:token-type:grant',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    scope: 'statement.read',
  })
  const assertion = claimsOf(client_assertion ?? null)
  const now = Math.floor(machine.now().wall / 1000)
  const { jti, ...claims } = assertion.claims
  assert.deepEqual(claims, { iss: 'worker', sub: 'worker', aud: issuer, iat: now, exp: now + 60 })
  assert.equal(typeof jti, 'string')
  const named = parseKeySet(
    JSON.stringify({ keys: [{ ...es256Key.jwk, kid: String(assertion.header.kid) }] }),
  )
  const key = named?.get(String(assertion.header.kid))
  assert.ok(key && checkSignature(key, assertion.jws) === true)
  const proof = claimsOf(new Headers(machine.requests[0]?.init.headers).get('dpop'))
  assert.deepEqual(proof.header.jwk, { ...binding.publicJwk, __proto__: null })
  assert.notEqual(JSON.stringify(proof.header.jwk), JSON.stringify(es256Key.jwk))
  assert.equal(proof.claims.htu, `${issuer}/oauth/token`)
  assert.equal(machine.requests[0]?.init.redirect, 'manual')
})

test('a nonce is taken up, with a new assertion and a new proof, and kept for the next time', async () => {
  const ids: unknown[] = []
  const { machine, exchange } = await scene((form, init) => {
    const proof = claimsOf(new Headers(init.headers).get('dpop'))
    ids.push(proof.claims.jti, claimsOf(form.get('client_assertion')).claims.jti)
    const isKnown = proof.claims.nonce === 'n1'
    const headers = { 'dpop-nonce': 'n1' }
    return isKnown
      ? Response.json(bound, { headers })
      : Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers })
  })
  await exchange(asked)
  await exchange(asked)
  assert.equal(machine.requests.length, 3)
  assert.equal(new Set(ids).size, 6)
})

test('a server that always wants another nonce is asked three times and no more', async () => {
  let count = 0
  const { exchange } = await scene(() =>
    Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers: { 'dpop-nonce': `n${++count}` } }),
  )
  assert.equal((await refusalOf(() => exchange(asked))).code, 'exchange_refused')
  assert.equal(count, 3)
})

test('a connection that breaks is tried three times; one that is silent is given up after ten seconds', async () => {
  let count = 0
  const broken = await scene(() => {
    count++
    return null
  })
  assert.equal((await refusalOf(() => broken.exchange(asked))).code, 'server_unavailable')
  assert.equal(count, 3)

  const hanging = handMachine(
    (_, { signal }) =>
      new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted')))
      }),
  )
  const [identity, binding] = await Promise.all([importSigner(privateJwk), createSigner()])
  const exchange = createExchange({ issuer, clientId: 'worker', identity, binding, machine: hanging })
  const found = refusalOf(() => exchange(asked))
  while (hanging.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await hanging.pass(10_000)
  assert.equal((await found).code, 'server_unavailable')
  assert.equal(hanging.requests.length, 1)
})

test('an answer without an end is not read to its end', async () => {
  const endless = () => {
    const chunk = new Uint8Array(32_768).fill(32)
    return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }))
  }
  const { exchange } = await scene(endless)
  assert.equal((await refusalOf(() => exchange(asked))).code, 'server_unavailable')
})

const keys: [what: string, key: unknown][] = [
  ['nothing', ''],
  ['a text', 'secret words'],
  ['a public key', es256Key.jwk],
  ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }],
  ['a key on another curve', { ...privateJwk, crv: 'P-384' }],
  ['a key for another algorithm', { ...privateJwk, alg: 'HS256' }],
  ['half of a private key', { ...privateJwk, d: 'AAAA' }],
]
for (const [what, key] of keys) {
  test(`${what} is no key of a worker, and the error holds nothing of it`, async () => {
    const error: unknown = await importSigner(key as string).catch((fault: unknown) => fault)
    assert.ok(error instanceof Error)
    assert.match(error.message, /^client\.key is no private JWK/)
    for (const secret of ['secret words', 'c2VjcmV0', String(privateJwk.d)])
      assert.ok(!inspect(error, { depth: 9 }).includes(secret))
  })
}

test('a key is taken as an object and as text, under its own name or its thumbprint, and is not shown', async () => {
  for (const given of [
    privateJwk,
    JSON.stringify(privateJwk),
    { ...privateJwk, alg: 'ES256', key_ops: ['sign'] },
  ]) {
    const signer = await importSigner(given)
    assert.equal(signer.kid.length, 43)
    assert.ok(!inspect(signer, { depth: 9, showHidden: true }).includes(String(privateJwk.d)))
  }
  assert.equal((await importSigner({ ...privateJwk, kid: 'mine' })).kid, 'mine')
})
