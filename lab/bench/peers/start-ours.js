// Ours alone, as its packages are published; copied beside them before it is started.
import { createServer } from 'node:http'
import { createAuth } from 'counterfoil'
import { adapt } from 'counterfoil/node'

process.once('SIGTERM', () => process.exit())
const [database, secret, port] = process.argv.slice(2)
const auth = await createAuth({ issuer: 'http://localhost:3000', database, secret })
const { serve, required } = adapt(auth)
const me = required({}, (_, response, { account }) => {
  const body = JSON.stringify({ user: { id: account.id } })
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
})
createServer(
  serve((request, response) =>
    request.url === '/me' ? me(request, response) : response.writeHead(404).end(),
  ),
).listen(Number(port), '127.0.0.1')
