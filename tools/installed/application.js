// A stranger's program: plain JavaScript, node:http, nothing installed but the packages.
import { createServer } from 'node:http'
import { createAuth } from 'counterfoil'
import { adapt } from 'counterfoil/node'

const secret = 'a secret of thirty-two bytes or more, for this test alone'
const auth = await createAuth({ issuer: 'http://localhost:3000', database: 'sqlite::memory:', secret })
const { serve, required } = adapt(auth)
const me = required({}, (_, response, caller) => response.end(JSON.stringify(caller)))
const server = createServer(
  serve((request, response) =>
    request.url === '/me' ? me(request, response) : response.writeHead(404).end(),
  ),
)
server.listen(0, '127.0.0.1', () => console.log('listening', server.address()))
