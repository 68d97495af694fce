import { serve } from '@hono/node-server'
import { createAuth, Refusal } from 'counterfoil'

const secret = 'for trying it out; counterfoil init makes a real one'
const auth = await createAuth({ issuer: 'http://localhost:3000', database: 'sqlite::memory:', secret })

async function answer(request: Request, address: string | null): Promise<Response> {
  if (new URL(request.url).pathname !== '/me') return auth.fetch(request, { address })
  const caller = await auth.identify(request)
  return caller ? Response.json(caller) : new Response('Sign in first.', { status: 401 })
}

function refused(fault: unknown): Response {
  if (fault instanceof Refusal) return Response.json({ code: fault.code }, { status: fault.status })
  throw fault
}

const server = serve({
  hostname: '127.0.0.1',
  port: Number(process.argv[2] ?? 3000),
  fetch: (request, { incoming }) => answer(request, incoming.socket.remoteAddress ?? null).catch(refused),
})
server.on('listening', () => console.log('listening', server.address()))
