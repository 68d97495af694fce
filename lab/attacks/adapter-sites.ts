// One application in every framework, as its users would write it: it serves the sign-in pages itself, guards what it has,
// and forgot to require a caller for its payments.
import { createServer, type RequestListener, type Server } from 'node:http'
import { after } from 'node:test'
import { getRequestListener } from '@hono/node-server'
import { adapt as onExpress } from 'counterfoil/express'
import { adapt as onFastify } from 'counterfoil/fastify'
import { type CallerVariables, adapt as onHono } from 'counterfoil/hono'
import { adapt as onNext } from 'counterfoil/next'
import { adapt as onNode } from 'counterfoil/node'
import express, { type Request as ExpressRequest, type Response as ExpressResponse } from 'express'
import Fastify from 'fastify'
import { type Context, Hono } from 'hono'

/** `null` from a route of the application that forgot to require a caller. */
export type Site = { port: number; payments: (string | null)[] }
type Upgrades = ReturnType<typeof onNode>['upgrades']
type Auth = Parameters<typeof onNode>[0]
type Open = (auth: Auth) => Promise<Site>

/** Tests keep the platform's own `Request`. */
const plain = { overrideGlobalObjects: false }
const fresh = { freshWithinSeconds: 300 }
const scoped = { scope: 'payments:write' }
const present = { present: true } as const

/** A method override that runs after the guard: too late, but people write it. */
const asPost = ({ url, headers }: Request) => new Request(url, { method: 'POST', headers })
type Overridable = { method?: string | undefined }
const overriding = (request: Overridable, _: unknown, next: () => void) => {
  request.method = 'POST'
  next()
}

/** As a middleware: `serve()` and `required()` before each handler. */
const openExpress: Open = (auth) => {
  const { serve, required, callerOf, upgrades } = onExpress(auth)
  const payments: Site['payments'] = []
  const app = express()
  app.use(serve())
  app.use(express.json())
  app.get('/who', (request, response) => void response.json(request.caller?.account.id ?? null))
  app.post('/payments', (request, response) => {
    payments.push(request.caller?.account.id ?? null)
    response.json('paid')
  })
  app.get('/me', required(), (request, response) => void response.json(callerOf(request).account.id))
  app.post('/fresh', required(fresh), (_, response) => void response.json('done'))
  app.post('/scoped', required(scoped), (_, response) => void response.json('done'))
  app.post('/present', required(present), (_, response) => void response.json('done'))
  app.use('/overridden', overriding, required(), (_, response) => void response.json('done'))
  return listening(createServer(app), payments, upgrades)
}

/** Around: `serve(app)`, and `required` around each handler. */
const openExpressAround: Open = (auth) => {
  const { serve, required, upgrades } = onExpress(auth)
  const payments: Site['payments'] = []
  const app = express()
  app.get('/who', (request, response) => void response.json(request.caller?.account.id ?? null))
  app.post('/payments', (request, response) => {
    payments.push(request.caller?.account.id ?? null)
    response.json('paid')
  })
  const done = (_: ExpressRequest, response: ExpressResponse) => void response.json('done')
  app.get(
    '/me',
    required({}, (_: ExpressRequest, response: ExpressResponse, caller) => response.json(caller.account.id)),
  )
  app.post('/fresh', required(fresh, done))
  app.post('/scoped', required(scoped, done))
  app.post('/present', required(present, done))
  app.use('/overridden', overriding, required({}, done))
  return listening(createServer(serve(app)), payments, upgrades)
}

const openFastify: Open = async (auth) => {
  const { serve, required, callerOf, upgrades } = onFastify(auth)
  const payments: Site['payments'] = []
  const app = Fastify({ serverFactory: (handler) => createServer(handler) })
  app.decorateRequest('caller')
  app.addHook('onRequest', serve())
  const idOf = (request: object): string | null => Reflect.get(request, 'caller')?.account.id ?? null
  app.get('/who', async (request, reply) => reply.send(JSON.stringify(idOf(request))))
  app.post('/payments', async (request, reply) => {
    payments.push(idOf(request))
    return reply.send('"paid"')
  })
  const done = async () => '"done"'
  app.get('/me', { onRequest: required() }, async (request) => JSON.stringify(callerOf(request).account.id))
  app.post('/fresh', { onRequest: required(fresh) }, done)
  app.post('/scoped', { onRequest: required(scoped) }, done)
  app.post('/present', { onRequest: required(present) }, done)
  const override = (request: { raw: Overridable }, _: unknown, next: () => void) =>
    overriding(request.raw, _, next)
  app.get('/overridden', { onRequest: [override, required()] }, done)
  await app.ready()
  return listening(app.server, payments, upgrades)
}

const openHono: Open = (auth) => {
  const { serve, required, callerOf } = onHono(auth)
  const payments: Site['payments'] = []
  const app = new Hono<{ Variables: CallerVariables }>()
  app.use(serve())
  app.get('/who', (c) => c.json(c.get('caller')?.account.id ?? null))
  app.post('/payments', (c) => {
    payments.push(c.get('caller')?.account.id ?? null)
    return c.json('paid')
  })
  app.get('/me', required(), (c) => c.json(callerOf(c).account.id))
  app.post('/fresh', required(fresh), (c) => c.json('done'))
  app.post('/scoped', required(scoped), (c) => c.json('done'))
  app.post('/present', required(present), (c) => c.json('done'))
  app.get('/overridden', (c) => app.fetch(asPost(c.req.raw), c.env))
  app.post('/overridden', required(), (c) => c.json('done'))
  return listening(createServer(getRequestListener(app.fetch, plain)), payments, onNode(auth).upgrades)
}

/** Around: `serve(app.fetch)`, and `required` around each handler. */
const openHonoAround: Open = (auth) => {
  const { serve, required, callerOrNull } = onHono(auth)
  const payments: Site['payments'] = []
  const app = new Hono()
  app.get('/who', (c) => c.json(callerOrNull(c)?.account.id ?? null))
  app.post('/payments', (c) => {
    payments.push(callerOrNull(c)?.account.id ?? null)
    return c.json('paid')
  })
  const me = required({}, (c: Context, caller) => c.json(caller.account.id))
  app.get('/me', me)
  app.post(
    '/fresh',
    required(fresh, (c: Context) => c.json('done')),
  )
  app.post(
    '/scoped',
    required(scoped, (c: Context) => c.json('done')),
  )
  app.post(
    '/present',
    required(present, (c: Context) => c.json('done')),
  )
  app.get('/overridden', (c) => app.fetch(asPost(c.req.raw), c.env))
  app.post(
    '/overridden',
    required({}, (c: Context) => c.json('done')),
  )
  const server = createServer(getRequestListener(serve(app.fetch), plain))
  return listening(server, payments, onNode(auth).upgrades)
}

const openNode: Open = (auth) => {
  const { serve, required, upgrades } = onNode(auth)
  const payments: Site['payments'] = []
  const done: RequestListener = (_, response) => void response.end('"done"')
  const routes: Record<string, RequestListener> = {
    'GET /me': required({}, (_, response, caller) => response.end(JSON.stringify(caller.account.id))),
    'POST /fresh': required(fresh, done),
    'POST /scoped': required(scoped, done),
    'POST /present': required(present, done),
    'POST /overridden': required({}, done),
  }
  const listener = serve((request, response) => {
    if (request.url === '/overridden') request.method = 'POST'
    const route = routes[`${request.method} ${request.url}`]
    if (route !== undefined) return route(request, response)
    const id = request.caller?.account.id ?? null
    if (request.url === '/who') return response.end(JSON.stringify(id))
    if (request.url !== '/payments' || request.method !== 'POST') return response.writeHead(404).end()
    payments.push(id)
    return response.end('"paid"')
  })
  return listening(createServer(listener), payments, upgrades)
}

/** Next.js hands web requests over; `proxy` runs first, as its `proxy.ts` does. */
const openNext: Open = (auth) => {
  const { serve, proxy, authenticate, required } = onNext(auth)
  const payments: Site['payments'] = []
  const served = serve()
  const done = () => Response.json('done')
  type Handler = (request: Request, context: object) => Promise<Response> | Response
  const routes: Record<string, Handler> = {
    'GET /who': authenticate((_, { caller }) => Response.json(caller?.account.id ?? null)),
    // It forgot the adapter altogether.
    'POST /payments': () => {
      payments.push(null)
      return Response.json('paid')
    },
    'GET /me': required({}, (_, { caller }) => Response.json(caller.account.id)),
    'POST /fresh': required(fresh, done),
    'POST /scoped': required(scoped, done),
    'POST /present': required(present, done),
    'GET /overridden': (request) => overridden(asPost(request), {}),
  }
  const overridden = required({}, done)
  async function fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (auth.serves(pathname)) return served.POST(request)
    return (
      (await proxy(request)) ??
      routes[`${request.method} ${pathname}`]?.(request, {}) ??
      new Response(null, { status: 404 })
    )
  }
  return listening(createServer(getRequestListener(fetch, plain)), payments, onNode(auth).upgrades)
}

export const sites: [framework: string, open: Open][] = [
  ['node:http', openNode],
  ['Express', openExpress],
  ['Express, wrapped', openExpressAround],
  ['Fastify', openFastify],
  ['Hono', openHono],
  ['Hono, wrapped', openHonoAround],
  ['Next.js', openNext],
]

async function listening(server: Server, payments: Site['payments'], upgrades: Upgrades): Promise<Site> {
  server.on(
    'upgrade',
    upgrades((_, socket, __, caller) => {
      const id = caller?.account.id ?? null
      socket.end(`HTTP/1.1 101 Up\r\nconnection: upgrade\r\nupgrade: websocket\r\ncaller: ${id}\r\n\r\n`)
    }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  after(() => void server.close())
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  return { port: bound.port, payments }
}
