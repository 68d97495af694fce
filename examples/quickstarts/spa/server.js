import { fileURLToPath } from 'node:url'
import { serve as listen } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import { callerOf, elsewhere, required, serve } from './auth.js'

const port = Number(process.env.PORT ?? 3000)
const notes = []

// The pages are files, and so is the browser client: a bundler would do this for you.
const client = fileURLToPath(new URL('.', import.meta.resolve('@counterfoil/browser')))
const pages = new Hono()
pages.use(async (c, next) => {
  await next()
  c.header('content-security-policy', `default-src 'self'; connect-src 'self' http://localhost:${port}`)
})
pages.use('/client/*', serveStatic({ root: client, rewriteRequestPath: (path) => path.slice(7) }))
pages.use(serveStatic({ root: 'public' }))

// The server, the API, and the pages on the same origin.
const app = new Hono()
const lets = { allowHeaders: ['authorization', 'content-type', 'dpop'], allowMethods: ['GET', 'POST'] }
const exposeHeaders = ['date', 'dpop-nonce', 'www-authenticate']
// First of all, or a page elsewhere could not read why it was refused.
app.use('/api/*', cors({ origin: elsewhere, exposeHeaders, ...lets }))
app.use(serve())
app.get('/api/notes', required(), (c) => {
  const mine = notes.filter(({ who }) => who === callerOf(c).account.id)
  return c.json(mine.map(({ text }) => text))
})
app.post('/api/notes', required(), bodyLimit({ maxSize: 10_000 }), async (c) => {
  const sent = await c.req.json().catch(() => null)
  if (typeof sent?.text !== 'string') return c.json({ code: 'text_missing' }, 400)
  notes.push({ who: callerOf(c).account.id, text: sent.text })
  return c.body(null, 204)
})
app.route('/', pages)

listen({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => {
  // And the same pages on another origin, as a development server or a content network has them.
  const { port: other } = new URL(elsewhere)
  listen({ fetch: pages.fetch, port: Number(other), hostname: '127.0.0.1' }, () =>
    console.log(`listening on http://localhost:${port} (cookie) and ${elsewhere} (bound tokens)`),
  )
})
