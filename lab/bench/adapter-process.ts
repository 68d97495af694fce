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
import express, { type Response as Answer } from 'express'
import Fastify from 'fastify'
import { type Context, Hono } from 'hono'
import { password } from '../chaos/visitor.ts'
import { answerOf, issuer, policy, secret, user } from './accounts.ts'
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
const { email } = user
/** `database`: where the account is. */
const [framework, way, database] = process.argv.slice(2) as [Framework, Way, string]
const auth = await createAuth({ issuer, database, secret, policy })
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

const unsigned = { error: 'sign in first' }
const me = answerOf({ account: user })
const shown = (caller: Caller | null) => (caller === null ? unsigned : answerOf(caller))

const builders: Record<Framework, (way: Way, by: Ideal) => Promise<RequestListener> | RequestListener> = {
  node(way, by) {
    const { serve, required } = onNode(auth)
    const route = required({}, (_, response: ServerResponse, caller) => json(response, answerOf(caller)))
    if (way === 'counterfoil')
      return serve((request, response) => (request.url === '/me' ? route(request, response) : response.end()))
    return (request, response) => {
      const { authorization, cookie } = request.headers
      if (request.url !== '/me') json(response, unsigned)
      else json(response, way === 'bare' ? me : shown(by.find(authorization, cookie)))
    }
  },
  express(way, by) {
    const app = express()
    const { serve, required } = onExpress(auth)
    if (way === 'counterfoil') {
      app.get(
        '/me',
        required({}, (_, response: Answer, caller) => void response.json(answerOf(caller))),
      )
      return serve(app)
    }
    app.get('/me', (request, response) => {
      const { authorization, cookie } = request.headers
      response.json(way === 'bare' ? me : shown(by.find(authorization, cookie)))
    })
    return (request, response) => void app(request, response)
  },
  async fastify(way, by) {
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
      app.get(
        '/me',
        { onRequest: required() },
        (request, reply) => void reply.send(answerOf(callerOf(request))),
      )
    } else
      app.get('/me', (request, reply) => {
        const { authorization, cookie } = request.headers
        reply.send(way === 'bare' ? me : shown(by.find(authorization, cookie)))
      })
    await app.ready()
    return listener
  },
  hono(way, by) {
    const app = new Hono()
    const { serve, required } = onHono(auth)
    if (way === 'counterfoil') {
      const route = required({}, (c: Context, caller) => c.json(answerOf(caller)))
      app.get('/me', route)
      return getRequestListener(serve(app.fetch))
    }
    app.get('/me', (c) => {
      if (way === 'bare') return c.json(me)
      return c.json(shown(by.find(c.req.header('authorization'), c.req.header('cookie'))))
    })
    return getRequestListener(app.fetch)
  },
}

function json(response: ServerResponse, found: object): void {
  const body = JSON.stringify(found)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

async function obey(told: AdapterTold): Promise<void> {
  if (told.kind === 'sign-in') say({ kind: 'signed-in', ...(await signIn()) })
  const { user, system } = process.cpuUsage()
  if (told.kind === 'usage') say({ kind: 'usage', microseconds: user + system })
}

const server = createServer(await builders[framework](way, ideal))
// Between two rounds nobody asks anything for longer than Node would wait.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => say({ kind: 'listening', port: (server.address() as AddressInfo).port }))
process.on('message', (told: AdapterTold) => void obey(told))
process.on('disconnect', () => process.exit(0))
