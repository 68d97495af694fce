import { createAuth } from 'counterfoil'
import { adapt } from 'counterfoil/fastify'
import Fastify from 'fastify'

const secret = 'for trying it out; counterfoil init makes a real one'
const auth = await createAuth({ issuer: 'http://localhost:3000', database: 'sqlite::memory:', secret })
const { serve, required, callerOf } = adapt(auth)
const payments: { to: string; from: string }[] = []

const app = Fastify()
app.decorateRequest('caller')
app.addHook('onRequest', serve())
app.get('/me', { onRequest: required() }, async (request) => callerOf(request))
app.get('/payments', async () => payments)
const recently = { onRequest: required({ freshWithinSeconds: 300 }) }
app.post<{ Body: { to: string } }>('/payments', recently, async (request) => {
  payments.push({ to: request.body.to, from: callerOf(request).account.id })
  return { paid: true }
})
// It forgot to require anybody, and still cannot be forged.
app.delete('/payments', async () => payments.splice(0))
await app.listen({ port: Number(process.argv[2] ?? 3000), host: '127.0.0.1' })
console.log('listening', app.server.address())
