// What an application does with the package as it is installed: plain JavaScript, on whatever Node runs it. The server
// is a few lines that speak its protocol. Prints `ok` and which of the two kinds of cryptography was used.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import {
  checkAccessToken,
  checkSignature,
  createVerifier,
  feedKey,
  parseJws,
  parseKeySet,
  Refusal,
} from '@counterfoil/verifier'
import { adapt } from '@counterfoil/verifier/express'
import * as fastify from '@counterfoil/verifier/fastify'
import * as hono from '@counterfoil/verifier/hono'
import * as next from '@counterfoil/verifier/next'
import * as node from '@counterfoil/verifier/node'
import { createWorker, isEndOfGrant } from '@counterfoil/verifier/worker'

const { subtle } = globalThis.crypto
const base64url = (data) => Buffer.from(data).toString('base64url')
const now = () => Math.floor(Date.now() / 1000)
const algorithms = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  RS256: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  Ed25519: { name: 'Ed25519' },
}
const signers = {}
const keys = []
for (const [alg, algorithm] of Object.entries(algorithms)) {
  const { privateKey, publicKey } = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  signers[alg] = (data) => subtle.sign(algorithm, privateKey, data)
  const { key_ops: _, ext: __, ...jwk } = await subtle.exportKey('jwk', publicKey)
  keys.push({ ...jwk, alg, kid: alg, use: 'sig' })
}

async function token(alg, session) {
  const claims = {
    iss: issuer,
    sub: 'acc',
    aud: issuer,
    iat: now(),
    exp: now() + 300,
    jti: session,
    sid: session,
  }
  const rest = { client_id: 'first-party', scope: '', auth_time: now(), amr: ['pwd'], as_of: 1 }
  const parts = [
    { typ: 'at+jwt', alg, kid: alg },
    { ...claims, ...rest },
  ]
  const input = parts.map((part) => base64url(JSON.stringify(part))).join('.')
  return `${input}.${base64url(await signers[alg](Buffer.from(input)))}`
}

const cookieBytes = globalThis.crypto.getRandomValues(new Uint8Array(48))
const cookie = base64url(cookieBytes)
let stream = null
let position = 1
const tell = (event, data) =>
  stream?.write(`id: ${position}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
const heartbeat = () => {
  const times = { a: performance.now(), wall: Date.now() }
  tell('heartbeat', { hub: 'hub', epoch: 1, head: position, ...times })
}

const answers = {
  '/.well-known/oauth-authorization-server': () => ({
    ...{ issuer, jwks_uri: `${issuer}/jwks`, introspection_endpoint: `${issuer}/introspect` },
    ...Object.fromEntries(
      ['stream', 'snapshot', 'log', 'ack', 'statement'].map((name) => [
        `feed_${name}_endpoint`,
        `${issuer}/${name}`,
      ]),
    ),
  }),
  '/jwks': () => ({ keys }),
  '/introspect': () => ({ active: true }),
  '/snapshot': () => ({ epoch: 1, position, window: 3900, entries: [] }),
  '/statement': async () => ({
    statement: {
      account: { id: 'acc', email: 'ada@example.org' },
      session: { id: 'ses_cookie', created_at: now(), last_seen_at: now(), device: '' },
      ...{
        client_id: 'first-party',
        authenticated_at: now(),
        as_of: position,
        read_start: now(),
        end: now() + 600,
      },
      cookie_id: base64url(await subtle.digest('SHA-256', cookieBytes.subarray(0, 32))),
    },
  }),
}
const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  if (pathname === '/stream') {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    stream = response
    const hello = {
      hub: 'hub',
      nonce: searchParams.get('nonce'),
      at: performance.now(),
      epoch: 1,
      head: position,
    }
    tell('hello', hello)
    return heartbeat()
  }
  const answer = answers[pathname]
  if (answer === undefined) return response.writeHead(204).end()
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(await answer()))
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://localhost:${server.address().port}`
const beat = setInterval(heartbeat, 300)

const client = { id: 'api', secret: 's e:cret' }
const verifier = await createVerifier({ issuer, audience: issuer, origin: 'https://api.example', client })
for (let round = 0; !verifier.status().connected; round++) {
  assert.ok(round < 6000)
  await new Promise((resolve) => setTimeout(resolve, 10))
}

const code = async (check) => {
  try {
    return (await check()) === null ? 'nobody' : 'accepted'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}
for (const alg of Object.keys(algorithms)) {
  const good = await token(alg, `ses_${alg}`)
  assert.equal((await verifier.verify(good)).session.id, `ses_${alg}`)
  assert.ok(!(verifier.verify(good) instanceof Promise))
  const forged = `${good.slice(0, -8)}AAAAAAAA`
  assert.equal(await code(() => verifier.verify(forged)), 'credential_invalid')
  position++
  const entries = [[position, 'session', feedKey('session', `ses_${alg}`), 0]]
  tell('revoked', { epoch: 1, entries, wants_ack: false })
  for (let round = 0; (await code(() => verifier.verify(good))) !== 'session_ended'; round++) {
    assert.ok(round < 6000)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
const headers = { cookie: `__Host-Http-session=${cookie}` }
assert.equal((await verifier.identify({ method: 'GET', headers })).account.email, 'ada@example.org')
assert.equal(await code(() => verifier.identify({ method: 'POST', headers })), 'forged_request')
assert.equal(await code(() => verifier.identify(new Request(issuer, { headers: {} }))), 'nobody')

const sent = {}
const response = {
  setHeader: (name, value) => Object.assign(sent, { [name]: value }),
  end: (body) => Object.assign(sent, { body }),
}
adapt(verifier).authenticate()({ method: 'POST', headers }, response, () => assert.fail('let through'))
assert.equal(response.statusCode, 403)
assert.equal(JSON.parse(sent.body).code, 'forged_request')
for (const other of [fastify, hono, next, node])
  assert.equal(typeof other.adapt(verifier).required, 'function')

// A worker, whose grant this server knows until it does not.
const { privateKey } = await subtle.generateKey(algorithms.ES256, true, ['sign', 'verify'])
const worker = await createWorker({
  issuer,
  client: { id: 'job', key: await subtle.exportKey('jwk', privateKey) },
})
answers['/oauth/token'] = () => ({ access_token: 'short', token_type: 'DPoP', expires_in: 300 })
const acting = worker.actFor('grant')
assert.equal(await acting.token(), 'short')
assert.match((await acting.headers('GET', issuer)).authorization, /^DPoP short$/)
answers['/oauth/token'] = () => ({ access_token: 'plain', token_type: 'Bearer', expires_in: 300 })
await assert.rejects(worker.actFor('other').token(), { code: 'exchange_refused' })
assert.equal(isEndOfGrant(new Error('anything')), false)

await verifier.close()
clearInterval(beat)
server.closeAllConnections()
server.close()
const good = await token('ES256', 'ses_1')
const jws = parseJws(good)
const found = checkSignature(parseKeySet({ keys }).get('ES256'), jws)
assert.equal(await found, true)
// A promise is never a yes: where there is only WebCrypto, the check that cannot wait takes nothing.
const expected = { keys: parseKeySet({ keys }), issuer, audience: issuer, now: now() }
const atOnce = await code(async () => checkAccessToken(good, expected))
assert.equal(atOnce, found instanceof Promise ? 'credential_invalid' : 'accepted')
console.log('ok', found instanceof Promise ? 'WebCrypto' : 'node:crypto')
