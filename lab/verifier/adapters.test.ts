// Why: a service of its own has the verifier's adapters and no server beside it, so the guard of each is tried there too.
import assert from 'node:assert/strict'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { adapt as onExpress } from '@counterfoil/verifier/express'
import { adapt as onFastify } from '@counterfoil/verifier/fastify'
import { adapt as onHono } from '@counterfoil/verifier/hono'
import { adapt as onNext } from '@counterfoil/verifier/next'
import { type Judgeable, adapt as onNode } from '@counterfoil/verifier/node'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { exchange, request } from '../attacks/raw-http.ts'
import { api, openScene } from './scene.ts'

const scene = await openScene()
const verifier = await scene.verifier()
const cookie = `__Host-Http-session=${await scene.cookie()}`

type Paid = (account: string | null) => void
type Open = (paid: Paid) => RequestListener | Promise<RequestListener>
const plain = { overrideGlobalObjects: false }

/** Each forgot to require anybody for its payments. */
const services: [framework: string, open: Open][] = [
  [
    'node:http',
    (paid) => {
      const { authenticate, callerOrNull } = onNode(verifier)
      return authenticate((asked: Judgeable, response: ServerResponse) => {
        paid(callerOrNull(asked)?.account.id ?? null)
        response.end('"paid"')
      })
    },
  ],
  [
    'Express',
    (paid) => {
      const app = express()
      app.use(onExpress(verifier).authenticate())
      app.all('/payments', (asked, response) => {
        paid(asked.caller?.account.id ?? null)
        response.json('paid')
      })
      return app
    },
  ],
  [
    'Fastify',
    async (paid) => {
      const { authenticate, callerOrNull } = onFastify(verifier)
      let listener: RequestListener = () => assert.fail('not ready')
      const serverFactory = (handler: RequestListener) => {
        listener = handler
        return createServer(handler)
      }
      const app = Fastify({ serverFactory })
      app.decorateRequest('caller')
      app.addHook('onRequest', authenticate())
      app.all('/payments', async (asked) => {
        paid(callerOrNull(asked)?.account.id ?? null)
        return '"paid"'
      })
      await app.ready()
      return listener
    },
  ],
  [
    'Hono',
    (paid) => {
      const { authenticate, callerOrNull } = onHono(verifier)
      const app = new Hono()
      app.all('/payments', (c) => {
        paid(callerOrNull(c)?.account.id ?? null)
        return c.json('paid')
      })
      return getRequestListener(authenticate(app.fetch), plain)
    },
  ],
  [
    'Next.js',
    (paid) => {
      const route = onNext(verifier).authenticate((_, { caller }) => {
        paid(caller?.account.id ?? null)
        return Response.json('paid')
      })
      return getRequestListener((asked) => route(asked, {}), plain)
    },
  ],
]

const evil = 'https://evil.example'
const forgeries = [
  { origin: evil, 'sec-fetch-site': 'cross-site' },
  { origin: 'https://sibling.api.example', 'sec-fetch-site': 'same-site' },
  { origin: 'null' },
  { origin: evil },
  { origin: evil, 'sec-fetch-site': 'same-origin' },
  { 'sec-fetch-site': 'cross-site' },
  {},
]

for (const [framework, open] of services) {
  test(`${framework}: a payment of a service with a verifier cannot be forged, and can be made`, async () => {
    const paid: (string | null)[] = []
    const server = createServer(await open((account) => void paid.push(account)))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    after(() => void server.close())
    const { port } = server.address() as AddressInfo
    const send = (line: string, headers: Record<string, string>) =>
      exchange(port, [request(line, { 'content-length': '0', cookie, ...headers }, '')])
    for (const headers of forgeries) {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        const { status, answer } = await send(`${method} /payments`, headers)
        assert.equal(status, 403, `${method} ${JSON.stringify(headers)}`)
        assert.match(answer, /"code":"forged_request"/)
      }
    }
    assert.deepEqual(paid, [])
    assert.equal((await send('POST /payments', { origin: api, 'sec-fetch-site': 'same-origin' })).status, 200)
    assert.equal(paid.length, 1)
    assert.match(paid[0] ?? '', /./, 'by somebody')
  })
}
