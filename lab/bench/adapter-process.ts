// One application in a process of its own: `GET /me` on one framework, in one of the ways that `adapters.ts` compares. It
// says how much processor time it has used, so that whoever else is on the machine costs rounds and not the truth.
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createAuth } from 'counterfoil'
import { adapt as onExpress } from 'counterfoil/express'
import { adapt as onFastify } from 'counterfoil/fastify'
import { adapt as onHono } from 'counterfoil/hono'
import { adapt as onNode } from 'counterfoil/node'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { type Caller, createIdeal, type Ideal } from './adapter-ideal.ts'

export type Framework = 'node' | 'express' | 'fastify' | 'hono'
/** bare: no check at all. ideal: one Map and nothing else. */
export type Way = 'bare' | 'ideal' | 'counterfoil'
export type AdapterTold = { kind: 'sign-in' } | { kind: 'usage' }
export type AdapterHeard =
  | { kind: 'listening'; port: number }
  | { kind: 'signed-in'; cookie: string; token: string }
  | { kind: 'usage'; microseconds: number }

const say = (heard: AdapterHeard) => process.send?.(heard)
const issuer = 'http://localhost:3000'
const email = 'ada@example.org'
const password = 'a long walk by the quiet river'

const auth = await createAuth({ issuer, database: 'sqlite::memory:', secret: 'x'.repeat(32) })
const ideal = createIdeal()

async function post(path: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json', origin: issuer }
  return auth.fetch(new Request(issuer + path, { method: 'POST', headers, body: JSON.stringify(body) }))
}

/** Both credentials of one person, known to whoever checks them. */
async function signIn(): Promise<{ cookie: string; token: string }> {
  const byCookie = await post('/auth/sign-in', { email, password })
  const cookie = /^(__Host-Http-session)=([^;]+)/.exec(byCookie.headers.get('set-cookie') ?? '')
  const pair = (await (await post('/auth/sign-in', { email, password, carrier: 'token' })).json()) as {
    access_token: string
  }
  const [, name, value] = cookie ?? []
  if (name === undefined || value === undefined) throw new Error(`no cookie: ${byCookie.status}`)
  for (const credential of [
    { cookie: `${name}=${value}` },
    { authorization: `Bearer ${pair.access_token}` },
  ]) {
    const caller = await auth.identify({ method: 'GET', headers: credential })
    if (caller === null) throw new Error('nobody was signed in')
    ideal.remember('cookie' in credential ? value : pair.access_token, caller)
  }
  return { cookie: `${name}=${value}`, token: pair.access_token }
}

async function becomeMember(): Promise<Caller> {
  await post('/auth/sign-up', { email, password })
  const headers = { accept: 'application/json' }
  const mail = await auth.fetch(new Request(`${issuer}/dev/mail`, { headers }), { address: '127.0.0.1' })
  const token = /token=([\w-]+)/.exec(await mail.text())?.[1]
  const verified = await post('/auth/verify-email', { token, password, carrier: 'token' })
  const { access_token } = (await verified.json()) as { access_token: string }
  const caller = await auth.identify({ method: 'GET', headers: { authorization: `Bearer ${access_token}` } })
  if (caller === null) throw new Error('no member')
  return caller
}

const unsigned = { error: 'sign in first' }

const builders: Record<
  Framework,
  (way: Way, me: Caller, by: Ideal) => Promise<RequestListener> | RequestListener
> = {
  node(way, me, by) {
    const { serve, required } = onNode(auth)
    const route = required({}, (_, response: ServerResponse, caller) => json(response, caller))
    if (way === 'counterfoil')
      return serve((request, response) => (request.url === '/me' ? route(request, response) : response.end()))
    return (request, response) => {
      const caller = way === 'bare' ? me : by.find(request.headers.authorization, request.headers.cookie)
      json(response, request.url === '/me' ? caller : unsigned)
    }
  },
  express(way, me, by) {
    const app = express()
    const { serve, required, callerOf } = onExpress(auth)
    if (way === 'counterfoil') {
      app.use(serve())
      app.get('/me', required(), (request, response) => void response.json(callerOf(request)))
    } else
      app.get('/me', (request, response) => {
        const { authorization, cookie } = request.headers
        response.json(way === 'bare' ? me : (by.find(authorization, cookie) ?? unsigned))
      })
    return (request, response) => void app(request, response)
  },
  async fastify(way, me, by) {
    let listener: RequestListener = () => {}
    const app = Fastify({
      serverFactory(handler) {
        listener = handler
        return createServer(handler)
      },
    })
    const { serve, required, callerOf } = onFastify(auth)
    if (way === 'counterfoil') {
      app.decorateRequest('caller')
      app.addHook('onRequest', serve())
      app.get('/me', { onRequest: required() }, (request, reply) => void reply.send(callerOf(request)))
    } else
      app.get('/me', (request, reply) => {
        const { authorization, cookie } = request.headers
        reply.send(way === 'bare' ? me : (by.find(authorization, cookie) ?? unsigned))
      })
    await app.ready()
    return listener
  },
  hono(way, me, by) {
    const app = new Hono()
    const { serve, required, callerOf } = onHono(auth)
    if (way === 'counterfoil') {
      app.use(serve())
      app.get('/me', required(), (c) => c.json(callerOf(c)))
    } else
      app.get('/me', (c) => {
        if (way === 'bare') return c.json(me)
        return c.json(by.find(c.req.header('authorization'), c.req.header('cookie')) ?? unsigned)
      })
    return getRequestListener(app.fetch)
  },
}

function json(response: ServerResponse, found: object | null): void {
  const body = JSON.stringify(found)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

async function obey(told: AdapterTold): Promise<void> {
  if (told.kind === 'sign-in') say({ kind: 'signed-in', ...(await signIn()) })
  const { user, system } = process.cpuUsage()
  if (told.kind === 'usage') say({ kind: 'usage', microseconds: user + system })
}

const [framework, way] = process.argv.slice(2) as [Framework, Way]
const server = createServer(await builders[framework](way, await becomeMember(), ideal))
// Between two rounds nobody asks anything for longer than Node would wait.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => say({ kind: 'listening', port: (server.address() as AddressInfo).port }))
process.on('message', (told: AdapterTold) => void obey(told))
process.on('disconnect', () => process.exit(0))
