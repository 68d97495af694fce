import assert from 'node:assert/strict'
import { createServer, type RequestListener, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import express from 'express'
import Fastify from 'fastify'
import { type Context, Hono } from 'hono'
import type { Checks } from './adapter.ts'
import type { Caller } from './caller.ts'
import { adapt as forExpress } from './express.ts'
import { adapt as forFastify } from './fastify.ts'
import { type CallerVariables, adapt as forHono } from './hono.ts'
import { authorizationOf } from './incoming.ts'
import type { RouteOptions } from './limit.ts'
import { adapt as forNext } from './next.ts'
import { adapt as forNode, type Judgeable } from './node.ts'
import { refuse } from './refusal.ts'
import { demand } from './required.ts'

const caller: Caller = {
  account: { id: 'acc_1', email: null },
  session: null,
  carrier: 'bearer',
  scopes: [],
  actor: null,
  grant: null,
  authenticated_at: 1,
}

/** Judges by the token's own word; one that is `late` is judged later. */
function judgeWord(said: string | null, route?: RouteOptions): Caller | null {
  if (said === 'Bearer good') return caller
  if (said === 'Bearer old') refuse('token_expired', 'a detail that stays here')
  if (said === 'Bearer stale') refuse('feed_stale')
  if (said === 'Bearer forged') refuse('forged_request')
  if (said === 'Bearer critical') return route?.critical === true ? caller : null
  if (said?.includes(',')) refuse('credential_ambiguous')
  if (said === 'Bearer broken') throw new Error('it broke')
  return null
}

const atOnce: Checks<RouteOptions> = {
  check: (request, route) => judgeWord(authorizationOf(request), route),
  demand: (found, requirements = {}) => demand(found, requirements, () => 1000),
  guard: () => undefined,
}
const later: Checks<RouteOptions> = {
  ...atOnce,
  check: async (request, route) => judgeWord(authorizationOf(request), route),
}

const bothSchemes = 'Bearer realm="counterfoil", DPoP realm="counterfoil", algs="ES256 Ed25519 RS256"'

type Seen = { status: number; headers: Headers; body: string }
type Ask = (authorization: string | null, path?: string) => Promise<Seen>
type Framework = (checks: Checks<RouteOptions>) => Promise<Ask>
const critical = { critical: true } as const

async function seen(response: Response): Promise<Seen> {
  return { status: response.status, headers: response.headers, body: await response.text() }
}

const headersOf = (authorization: string | null) => (authorization === null ? {} : { authorization })

function overHttp(listener: RequestListener): Ask {
  return async (authorization, path = '/') => {
    const server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      return await seen(await fetch(`http://127.0.0.1:${port}${path}`, { headers: headersOf(authorization) }))
    } finally {
      server.close()
    }
  }
}

const onHono: Framework = async (checks) => {
  const { authenticate, required, callerOf } = forHono(checks)
  const app = new Hono<{ Variables: CallerVariables }>()
  app.use(authenticate(critical))
  app.get('/', (c) => c.json(c.get('caller')))
  app.get('/me', required(), (c) => c.json(callerOf(c)))
  app.get('/fresh', required({ freshWithinSeconds: 300 }), (c) => c.text('in'))
  app.onError((error, c) => c.text(error.message, 500))
  return async (authorization, path = '/') =>
    seen(await app.request(path, { headers: headersOf(authorization) }))
}

const aroundHono: Framework = async (checks) => {
  const { authenticate, required, callerOf, callerOrNull } = forHono(checks)
  const app = new Hono()
  app.get('/', (c) => c.json(callerOrNull(c)))
  const me = required({}, (c: Context, found) => c.json(found === callerOf(c) ? found : 'another'))
  app.get('/me', me)
  const fresh = required({ freshWithinSeconds: 300 }, (c: Context) => c.text('in'))
  app.get('/fresh', fresh)
  app.onError((error, c) => c.text(error.message, 500))
  const listen = authenticate(app.fetch, critical)
  return async (authorization, path = '/') => {
    const request = new Request(`http://localhost${path}`, { headers: headersOf(authorization) })
    const failed = (error: Error) => new Response(error.message, { status: 500 })
    return seen(await new Promise<Response>((resolve) => resolve(listen(request))).catch(failed))
  }
}

const onExpress: Framework = async (checks) => {
  const { authenticate, required, callerOf, callerOrNull } = forExpress(checks)
  const app = express()
  app.use(authenticate(critical))
  app.get('/', (request, response) => void response.json(callerOrNull(request)))
  app.get('/me', required(), (request, response) => void response.json(callerOf(request)))
  app.get('/fresh', required({ freshWithinSeconds: 300 }), (_, response) => void response.send('in'))
  app.use((error: Error, _: unknown, response: express.Response, __: unknown) => {
    response.status(500).send(error.message)
  })
  return overHttp(app)
}

const aroundExpress: Framework = async (checks) => {
  const { authenticate, required, callerOf } = forExpress(checks)
  const app = express()
  app.get('/', (request, response) => void response.json(request.caller))
  app.get(
    '/me',
    required({}, (request, response: express.Response, found) => {
      response.json(found === callerOf(request) ? found : 'another')
    }),
  )
  app.get(
    '/fresh',
    required({ freshWithinSeconds: 300 }, (_, response: express.Response) => response.send('in')),
  )
  return overHttp(authenticate(app, critical))
}

const onFastify: Framework = async (checks) => {
  const { authenticate, required, callerOf, callerOrNull } = forFastify(checks)
  const app = Fastify()
  app.decorateRequest('caller')
  app.addHook('onRequest', authenticate(critical))
  app.get('/', async (request) => callerOrNull(request) ?? 'null')
  app.get('/me', { onRequest: required() }, async (request) => callerOf(request))
  app.get('/fresh', { onRequest: required({ freshWithinSeconds: 300 }) }, async () => 'in')
  app.setErrorHandler((error, _, reply) => reply.code(500).send(error instanceof Error ? error.message : ''))
  return async (authorization, url = '/') => {
    const { statusCode, headers, body } = await app.inject({ url, headers: headersOf(authorization) })
    return {
      status: statusCode,
      body,
      headers: new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    }
  }
}

const onNode: Framework = async (checks) => {
  const { authenticate, required, callerOf, callerOrNull } = forNode(checks)
  const me = required({}, (_, response, found) => response.end(JSON.stringify(found)))
  const fresh = required({ freshWithinSeconds: 300 }, (_, response) => response.end('in'))
  return overHttp(
    authenticate((request: Judgeable, response) => {
      if (request.url === '/me') return me(request, response)
      if (request.url === '/fresh') return fresh(request, response)
      if (request.caller !== null) assert.equal(callerOf(request), request.caller)
      return response.end(JSON.stringify(callerOrNull(request)))
    }, critical),
  )
}

const onNext: Framework = async (checks) => {
  const { authenticate, required } = forNext(checks)
  const routes: Record<string, (request: Request, context: object) => Promise<Response>> = {
    '/': authenticate((_, { caller: found }) => Response.json(found), critical),
    '/me': required({}, (_, { caller: found }) => Response.json(found)),
    '/fresh': required({ freshWithinSeconds: 300 }, () => new Response('in')),
  }
  return async (authorization, path = '/') => {
    const request = new Request(`http://localhost${path}`, { headers: headersOf(authorization) })
    const answer = routes[path]?.(request, {}).catch(
      (error: Error) => new Response(error.message, { status: 500 }),
    )
    return seen((await answer) ?? Response.error())
  }
}

const frameworks: [name: string, framework: Framework, answersBroken: boolean][] = [
  ['Hono', onHono, true],
  ['around Hono', aroundHono, true],
  ['Express', onExpress, true],
  ['around Express', aroundExpress, false],
  ['Fastify', onFastify, true],
  ['node:http', onNode, false],
  ['Next.js', onNext, true],
]

for (const [name, framework, answersBroken] of frameworks) {
  for (const [when, checks] of [
    ['at once', atOnce],
    ['later', later],
  ] as const) {
    test(`${name}: a route sees the caller that is known ${when}, or that there is none`, async () => {
      const ask = await framework(checks)
      for (const good of ['Bearer good', 'Bearer critical']) {
        const answer = await ask(good)
        assert.deepEqual([answer.status, JSON.parse(answer.body)], [200, caller])
      }
      assert.equal((await ask(null)).body, 'null')
    })

    test(`${name}: a refusal ${when} is answered with its status, its code and nothing of its detail`, async () => {
      const ask = await framework(checks)
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

    test(`${name}: a route that requires a caller judged ${when} refuses nobody, without naming an error`, async () => {
      const ask = await framework(checks)
      assert.deepEqual(JSON.parse((await ask('Bearer good', '/me')).body), caller)
      const answer = await ask(null, '/me')
      assert.equal(answer.status, 401)
      assert.equal(answer.headers.get('www-authenticate'), bothSchemes)
      assert.match(answer.body, /"credential_missing"/)
    })

    test(`${name}: a proof that is too old for a route is asked for again, ${when}`, async () => {
      const ask = await framework(checks)
      const answer = await ask('Bearer good', '/fresh')
      assert.equal(answer.status, 401)
      const challenge = answer.headers.get('www-authenticate') ?? ''
      assert.match(
        challenge,
        /^Bearer realm="counterfoil", error="insufficient_user_authentication", .*max_age="300"$/,
      )
    })

    if (!answersBroken) continue
    test(`${name}: what is broken ${when} is the framework's to answer`, async () => {
      const answer = await (await framework(checks))('Bearer broken')
      assert.deepEqual([answer.status, answer.body], [500, 'it broke'])
    })
  }
}

for (const [when, checks] of [
  ['at once', atOnce],
  ['later', later],
] as const) {
  for (const [how, fail] of [
    ['throws', () => assert.fail('it broke')],
    ['rejects', async () => assert.fail('it broke')],
  ] as const) {
    test(`Express: what a handler ${how} whose caller is known ${when} is the application's to answer`, async () => {
      const app = express()
      app.get('/me', forExpress(checks).required({}, fail))
      app.use((error: Error, _: unknown, response: express.Response, __: unknown) => {
        response.status(500).send(error.message)
      })
      const answer = await overHttp(app)('Bearer good', '/me')
      assert.deepEqual([answer.status, answer.body], [500, 'it broke'])
    })
  }
}

test('over a socket, two Authorization headers are two', async () => {
  const { authenticate } = forNode(atOnce)
  const server = createServer(authenticate((_, response) => response.end('in')))
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

test('a handler that asks for a caller where none was required breaks, and lets nobody through', () => {
  for (const { callerOf } of [forExpress(atOnce), forNode(atOnce)])
    for (const request of [{}, { caller: null }]) assert.throws(() => callerOf(request), /required\(\)/)
})
