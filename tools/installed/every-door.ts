// Every door of the three packages, as a strict compiler of somebody else sees it.
import { createServer } from 'node:http'
import { createClient } from '@counterfoil/browser'
import { SessionProvider, useSession } from '@counterfoil/browser/react'
import { createVerifier } from '@counterfoil/verifier'
import { adapt as verifyExpress } from '@counterfoil/verifier/express'
import { adapt as verifyFastify } from '@counterfoil/verifier/fastify'
import { adapt as verifyHono } from '@counterfoil/verifier/hono'
import { adapt as verifyNext } from '@counterfoil/verifier/next'
import { adapt as verifyNode } from '@counterfoil/verifier/node'
import { createWorker } from '@counterfoil/verifier/worker'
import { type Caller, createAuth, type Letter, Refusal } from 'counterfoil'
import { adapt as adaptExpress } from 'counterfoil/express'
import { adapt as adaptFastify } from 'counterfoil/fastify'
import { adapt as adaptHono, type CallerVariables } from 'counterfoil/hono'
import { adapt as adaptNext } from 'counterfoil/next'
import { adapt as adaptNode } from 'counterfoil/node'
import { createTestAuth } from 'counterfoil/testing'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'

const sent: Letter[] = []
const mail = { send: async (letter: Letter) => void sent.push(letter) }
const issuer = 'https://bank.example'
const auth = await createAuth({ issuer, database: 'sqlite:auth.db', secret: 's', mail })
const audience = 'https://api.example'
const client = { id: 'api', secret: 's' }
const verifier = await createVerifier({ issuer, audience, origin: audience, client })

for (const { serve, required, callerOf } of [adaptExpress(auth)]) {
  const app = express()
  app.use(serve())
  app.get('/me', required(), (request, response) => void response.json(callerOf(request)))
}
for (const { serve, required, callerOf } of [adaptFastify(auth)]) {
  const app = Fastify()
  app.decorateRequest('caller')
  app.addHook('onRequest', serve())
  app.get('/me', { onRequest: required() }, async (request) => callerOf(request))
}
for (const { serve, required, callerOf } of [adaptHono(auth)]) {
  const app = new Hono<{ Variables: CallerVariables }>()
  app.use(serve())
  app.get('/me', required({ scope: 'pay' }), (c) => c.json(callerOf(c)))
}
const { serve, required } = adaptNode(auth)
createServer(serve(required({ present: true }, (_, response, caller) => response.end(caller.account.id))))
export const { GET, POST, DELETE } = adaptNext(auth).serve()

const services = [verifyExpress(verifier), verifyFastify(verifier), verifyHono(verifier)]
export const elsewhere = services.map((service) => service.authenticate({ critical: true }))
export const others = [verifyNext(verifier).proxy, verifyNode(verifier).authenticate]
export const page = [createClient({ carrier: 'cookie' }), SessionProvider, useSession]

export const tested = async () => (await createTestAuth()).loginAs('ada@example.org')
export const worker = createWorker

export async function codeOf(request: Request): Promise<string> {
  try {
    const caller: Caller = auth.demand(await auth.identify(request), { freshWithinSeconds: 300 })
    return caller.account.id
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}
// @ts-expect-error a caller may be nobody
export const wrong: Caller = await auth.identify(new Request(issuer))
