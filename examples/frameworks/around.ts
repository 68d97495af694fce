// Hono, for less: one layer around the whole application, and none in front of a route.
import { serve as listen } from '@hono/node-server'
import { createAuth } from 'counterfoil'
import { adapt } from 'counterfoil/hono'
import { type Context, Hono } from 'hono'

const secret = 'for trying it out; counterfoil init makes a real one'
const auth = await createAuth({ issuer: 'http://localhost:3000', database: 'sqlite::memory:', secret })
const { serve, required, callerOrNull } = adapt(auth)
const payments: { to: string; from: string }[] = []

const app = new Hono()
const me = required({}, (c: Context, caller) => c.json(caller))
const pay = required({ freshWithinSeconds: 300 }, async (c: Context, caller) => {
  const { to } = await c.req.json<{ to: string }>()
  payments.push({ to, from: caller.account.id })
  return c.json({ paid: true })
})
app.get('/me', me)
app.post('/payments', pay)
app.get('/payments', (c) => c.json(payments))
app.get('/anybody', (c) => c.json(callerOrNull(c)))
// It forgot to require anybody, and still cannot be forged.
app.delete('/payments', (c) => c.json(payments.splice(0)))
const port = Number(process.argv[2] ?? 3000)
listen({ fetch: serve(app.fetch), port, hostname: '127.0.0.1' }, (address) =>
  console.log('listening', address),
)
