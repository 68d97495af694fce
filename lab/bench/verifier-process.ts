// An application that only checks: `GET /me` on node:http, by a verifier that follows another process's feed.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Client, createVerifier } from '@counterfoil/verifier'
import { adapt } from '@counterfoil/verifier/node'
import { answerOf } from './accounts.ts'

export type VerifierOptions = { issuer: string; client: Client; origin: string }

const { issuer, client, origin } = JSON.parse(process.argv[2] ?? '{}') as VerifierOptions
const verifier = await createVerifier({ issuer, audience: issuer, origin, client, log: () => {} })
while (!verifier.status().connected) await new Promise((resolve) => setTimeout(resolve, 50))
const { authenticate, required } = adapt(verifier)
const me = required({}, (_, response: ServerResponse, caller) => {
  const body = JSON.stringify(answerOf(caller))
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
})
const server = createServer(
  authenticate((request, response: ServerResponse) => {
    if (request.url === '/me') me(request, response)
    else response.writeHead(404).end()
  }),
)
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit(0))
