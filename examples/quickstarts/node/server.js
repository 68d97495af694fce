import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { callerOrNull, required, serve } from './auth.js'
import { keep, page } from './notes.js'

const port = Number(process.env.PORT ?? 3000)
const ready = () => console.log(`listening on http://localhost:${port}`)

const me = required({}, (_, response, caller) => void response.end(JSON.stringify(caller)))
const add = required({}, async (request, response, caller) => {
  const length = Number(request.headers['content-length'])
  if (!(length <= 10_000)) return response.writeHead(413, { connection: 'close' }).end()
  // Whoever goes away in the middle of a body has sent none.
  const body = await text(request).catch(() => '')
  keep(caller.account.id, new URLSearchParams(body).get('text'))
  response.writeHead(303, { location: '/' }).end()
})
const server = createServer(
  serve((request, response) => {
    const route = `${request.method} ${request.url}`
    if (route === 'GET /me') return me(request, response)
    if (route === 'POST /notes') return add(request, response)
    if (route !== 'GET /') return response.writeHead(404).end()
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(page(callerOrNull(request)))
  }),
)
server.listen(port, '127.0.0.1', ready)
