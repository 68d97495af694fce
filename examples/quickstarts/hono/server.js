import { serve as listen } from '@hono/node-server'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { callerOf, callerOrNull, required, serve } from './auth.js'
import { keep, page } from './notes.js'

const port = Number(process.env.PORT ?? 3000)
const ready = () => console.log(`listening on http://localhost:${port}`)

const app = new Hono()
app.use(serve()) // before everything else
app.get('/', (c) => c.html(page(callerOrNull(c))))
app.get('/me', required(), (c) => c.json(callerOf(c)))
app.post('/notes', required(), bodyLimit({ maxSize: 10_000 }), async (c) => {
  keep(callerOf(c).account.id, new URLSearchParams(await c.req.text()).get('text'))
  return c.redirect('/', 303)
})
listen({ fetch: app.fetch, port, hostname: '127.0.0.1' }, ready)
