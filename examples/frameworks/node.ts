import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { createAuth } from 'counterfoil'
import { adapt } from 'counterfoil/node'

const secret = 'for trying it out; counterfoil init makes a real one'
const auth = await createAuth({ issuer: 'http://localhost:3000', database: 'sqlite::memory:', secret })
const { serve, required } = adapt(auth)
const payments: { to: string; from: string }[] = []
const answer = (response: ServerResponse, found: object) => response.end(JSON.stringify(found))

const routes: Record<string, RequestListener> = {
  'GET /me': required({}, (_, response, caller) => response.end(JSON.stringify(caller))),
  'GET /payments': (_, response) => void answer(response, payments),
  'POST /payments': required(
    { freshWithinSeconds: 300 },
    async (request: IncomingMessage, response, caller) => {
      // Whoever awaits here has to catch: a promise that fails ends the program.
      const sent: unknown = await json(request).catch(() => null)
      const to: unknown = Reflect.get(Object(sent), 'to')
      if (typeof to !== 'string') return response.writeHead(400).end()
      payments.push({ to, from: caller.account.id })
      response.end('{"paid":true}')
    },
  ),
  // It forgot to require anybody, and still cannot be forged.
  'DELETE /payments': (_, response) => void answer(response, payments.splice(0)),
}
const nothing: RequestListener = (_, response) => void response.writeHead(404).end()
const server = createServer(
  serve((request, response) => (routes[`${request.method} ${request.url}`] ?? nothing)(request, response)),
)
server.listen(Number(process.argv[2] ?? 3000), '127.0.0.1', () => console.log('listening', server.address()))
