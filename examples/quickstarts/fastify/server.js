import Fastify from 'fastify'
import { callerOf, callerOrNull, required, serve } from './auth.js'
import { keep, page } from './notes.js'

const port = Number(process.env.PORT ?? 3000)
const ready = () => console.log(`listening on http://localhost:${port}`)

const app = Fastify()
app.decorateRequest('caller')
app.addHook('onRequest', serve()) // the first hook
const form = 'application/x-www-form-urlencoded'
app.addContentTypeParser(form, { parseAs: 'string' }, (_, body, done) => done(null, body))
app.get('/', async (request, reply) => reply.type('text/html').send(page(callerOrNull(request))))
app.get('/me', { onRequest: required() }, async (request) => callerOf(request))
app.post('/notes', { onRequest: required() }, async (request, reply) => {
  keep(callerOf(request).account.id, new URLSearchParams(String(request.body)).get('text'))
  return reply.redirect('/', 303)
})
await app.listen({ port, host: '127.0.0.1' })
ready()
