// An application that knows nothing of sessions. It believes its proxy, and so it listens to nobody else.
import { createServer } from 'node:http'

let payments = 0
const server = createServer((request, response) => {
  if (request.method !== 'GET') payments++
  const {
    'x-auth-account': account = null,
    'x-auth-session': session = null,
    cookie = null,
  } = request.headers
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ account, session, cookie, payments }))
})
server.listen(Number(process.argv[2] ?? 4000), '127.0.0.1', () => console.log('listening', server.address()))
