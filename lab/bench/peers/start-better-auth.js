// Better Auth alone, with nothing of the bench around it, on tables that are there.
import { createServer } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { betterAuth } from 'better-auth'
import { fromNodeHeaders, toNodeHandler } from 'better-auth/node'

process.once('SIGTERM', () => process.exit())
const [file, port] = process.argv.slice(2)
const auth = betterAuth({
  baseURL: 'http://localhost:3000',
  secret: 'a secret of more than thirty-two characters',
  database: new DatabaseSync(file),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
})
const handler = toNodeHandler(auth)
createServer(async (request, response) => {
  if (request.url !== '/me') return handler(request, response)
  const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) })
  if (session === null) return response.writeHead(401).end()
  const body = JSON.stringify({ user: { id: session.user.id } })
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}).listen(Number(port), '127.0.0.1')
