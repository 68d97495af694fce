import assert from 'node:assert/strict'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Hono } from 'hono'
import type { Caller } from './caller.ts'
import { authenticate as forExpress } from './express.ts'
import { authenticate as forFastify } from './fastify.ts'
import { type CallerVariables, authenticate as forHono } from './hono.ts'
import { authorizationOf, type IncomingRequest } from './incoming.ts'
import type { RouteOptions } from './limit.ts'
import { refuse } from './refusal.ts'

const caller: Caller = {
  account: { id: 'acc_1', email: null },
  session: null,
  carrier: 'bearer',
  scopes: [],
  actor: null,
  grant: null,
  authenticated_at: 1,
}

/** Judges by the token's own word. */
const verifier = {
  async identify(request: IncomingRequest, route?: RouteOptions): Promise<Caller | null> {
    const said = authorizationOf(request)
    if (said === 'Bearer good') return caller
    if (said === 'Bearer old') refuse('token_expired', 'a detail that stays here')
    if (said === 'Bearer stale') refuse('feed_stale')
    if (said === 'Bearer forged') refuse('forged_request')
    if (said === 'Bearer critical') return route?.critical === true ? caller : null
    if (said?.includes(',')) refuse('credential_ambiguous')
    if (said === 'Bearer broken') throw new Error('it broke')
    return null
  },
}

type Seen = { status: number; headers: Headers; body: string }
type Ask = (authorization: string | null) => Promise<Seen>

async function seen(response: Response): Promise<Seen> {
  return { status: response.status, headers: response.headers, body: await response.text() }
}

const askHono: Ask = async (authorization) => {
  const app = new Hono<{ Variables: CallerVariables }>()
  app.use(forHono(verifier, { critical: true }))
  app.get('/', (c) => c.json(c.get('caller')))
  app.onError((error, c) => c.text(error.message, 500))
  return seen(await app.request('/', { headers: authorization === null ? {} : { authorization } }))
}

const askNode: Ask = async (authorization) => {
  const judge = forExpress(verifier, { critical: true })
  const server = createServer((request: IncomingRequest & { caller?: Caller | null }, response) => {
    void judge(request, response, (error) => {
      if (error !== undefined) response.statusCode = 500
      response.end(error instanceof Error ? error.message : JSON.stringify(request.caller))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const headers: Record<string, string> = authorization === null ? {} : { authorization }
    return await seen(await fetch(`http://127.0.0.1:${port}`, { headers }))
  } finally {
    server.close()
  }
}

/** What Fastify does with a hook, in a few lines. */
const askFastify: Ask = async (authorization) => {
  const answer = { status: 200, headers: {} as Record<string, string>, body: '' }
  const reply = {
    code(status: number) {
      answer.status = status
      return reply
    },
    headers(values: Record<string, string>) {
      answer.headers = values
      return reply
    },
    send(body: string) {
      answer.body = body
      return reply
    },
  }
  const request: { raw: IncomingRequest; caller?: Caller | null } = {
    raw: { method: 'GET', headers: authorization === null ? {} : { authorization } },
  }
  try {
    const replied = await forFastify(verifier, { critical: true })(request, reply)
    if (replied === undefined) answer.body = JSON.stringify(request.caller)
  } catch (error) {
    answer.status = 500
    answer.body = String(error instanceof Error ? error.message : error)
  }
  return { ...answer, headers: new Headers(answer.headers) }
}

const frameworks: [name: string, ask: Ask][] = [
  ['Hono', askHono],
  ['node:http', askNode],
  ['Fastify', askFastify],
]

for (const [name, ask] of frameworks) {
  test(`${name}: a route sees the caller, or that there is none`, async () => {
    for (const good of ['Bearer good', 'Bearer critical']) {
      const answer = await ask(good)
      assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, caller])
    }
    assert.equal((await ask(null)).body, 'null')
  })

  test(`${name}: a refusal is answered with its status, its code and nothing of its detail`, async () => {
    const refusals: [authorization: string, status: number, code: string, retryAfter: string | null][] = [
      ['Bearer old', 401, 'token_expired', null],
      ['Bearer stale', 503, 'feed_stale', '1'],
      ['Bearer forged', 403, 'forged_request', null],
    ]
    for (const [authorization, status, code, retryAfter] of refusals) {
      const answer = await ask(authorization)
      assert.equal(answer.status, status)
      assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
      assert.equal(answer.headers.get('cache-control'), 'no-store')
      assert.equal(answer.headers.get('retry-after'), retryAfter)
      const challenge = status === 401 ? 'Bearer realm="counterfoil", error="invalid_token"' : null
      assert.equal(answer.headers.get('www-authenticate'), challenge)
      const { title, ...rest } = JSON.parse(answer.body) as Record<string, unknown>
      assert.deepEqual(rest, { type: 'about:blank', status, code })
      assert.doesNotMatch(answer.body, /detail/)
    }
  })

  test(`${name}: what is broken is the framework's to answer`, async () => {
    const answer = await ask('Bearer broken')
    assert.deepEqual([answer.status, answer.body], [500, 'it broke'])
  })
}

test('a route that requires a caller refuses nobody with a challenge that names no error', async () => {
  const app = new Hono<{ Variables: CallerVariables }>()
  app.use(forHono(verifier, { required: true }))
  app.get('/', (c) => c.text('in'))
  const answer = await seen(await app.request('/'))
  assert.equal(answer.status, 401)
  assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="counterfoil"')
  assert.match(answer.body, /"credential_missing"/)
})

test('over a socket, two Authorization headers are two', async () => {
  const judge = forExpress(verifier)
  const server = createServer((request, response) => {
    void judge(request, response, () => response.end('in'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = ['Host', 'x', 'Authorization', 'Bearer good', 'Authorization', 'Bearer other']
    send({ host: '127.0.0.1', port, headers }, (answer) => resolve(answer.resume().statusCode))
      .on('error', reject)
      .end()
  })
  server.close()
  assert.equal(status, 400)
})
