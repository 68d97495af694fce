import { serve as listen } from '@hono/node-server'
import { createAuth } from 'counterfoil'
import { adapt, type CallerVariables } from 'counterfoil/hono'
import { Hono } from 'hono'

const secret = 'for trying it out; counterfoil init makes a real one'
const auth = await createAuth({ issuer: 'http://localhost:3000', database: 'sqlite::memory:', secret })
const { serve, required, callerOf } = adapt(auth)
const payments: { to: string; from: string }[] = []

const app = new Hono<{ Variables: CallerVariables }>()
app.use(serve())
app.get('/me', required(), (c) => c.json(callerOf(c)))
app.get('/payments', (c) => c.json(payments))
app.post('/payments', required({ freshWithinSeconds: 300 }), async (c) => {
  const { to } = await c.req.json<{ to: string }>()
  payments.push({ to, from: callerOf(c).account.id })
  return c.json({ paid: true })
})
// It forgot to require anybody, and still cannot be forged.
app.delete('/payments', (c) => c.json(payments.splice(0)))
listen({ fetch: app.fetch, port: Number(process.argv[2] ?? 3000), hostname: '127.0.0.1' }, (address) =>
  console.log('listening', address),
)
