import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createVerifier } from '@counterfoil/verifier'
import { adapt } from '@counterfoil/verifier/node'

const { ISSUER: issuer = 'http://localhost:3000', PORT: port = '4002' } = process.env
const { client_id: id, client_secret: secret } = JSON.parse(readFileSync('invoices.json', 'utf8'))

const origin = `http://localhost:${port}`
const verifier = await createVerifier({ issuer, audience: issuer, origin, client: { id, secret } })
const { authenticate, required } = adapt(verifier)

const invoices = required({}, (_, response, { account, carrier }) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ account: account.id, carrier, invoices: [] }))
})
const server = createServer(
  authenticate((request, response) => {
    if (request.url === '/invoices') return invoices(request, response)
    response.statusCode = 404
    response.end('there is nothing here')
  }),
)
server.listen(Number(port), '127.0.0.1', () => console.log('listening', server.address()))
