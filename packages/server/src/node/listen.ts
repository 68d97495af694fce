import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  createAdaptorServer,
  getRequestListener,
  type Http2Bindings,
  type HttpBindings,
} from '@hono/node-server'
import type { Remote } from '../contract.ts'

export type Handler = (request: Request, remote: Remote) => Response | Promise<Response>

export type Listener = {
  /** The port in use, also where 0 was asked for. */
  port: number
  address: string
  /** Stops accepting, lets running requests end for up to 5 s, then cuts them off. */
  close(): Promise<void>
}

const headerBytes = 16 * 1024
const openConnections = 10_000
const closeMilliseconds = 5000

/** What a slow or greedy client may hold on to. Longer headers are answered 431, slower ones 408. */
const bounds = {
  maxHeaderSize: headerBytes,
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
}

/**
 * Serves `fetch` over HTTP/1.1. A request whose target or Host cannot be read is answered 400 before `fetch` sees
 * it; one without a Host (HTTP/1.0) is for localhost. Repeated headers arrive joined by commas, Authorization too.
 */
export async function listen(given: { fetch: Handler; host: string; port: number }): Promise<Listener> {
  const { fetch, host, port } = given
  const server = createServerFor(fetch)
  await startListening(server, { host, port })
  const bound = server.address()
  if (bound === null || typeof bound === 'string')
    throw new Error('The server listens on something without a port.')
  let closing: Promise<void> | null = null
  return {
    port: bound.port,
    address: bound.address,
    close() {
      closing ??= closeGracefully(server)
      return closing
    },
  }
}

function createServerFor(fetch: Handler): Server {
  const server = createAdaptorServer({
    createServer,
    serverOptions: bounds,
    hostname: 'localhost',
    // An application that embeds us keeps the platform's own Request and Response.
    overrideGlobalObjects: false,
    fetch: fromNode(fetch),
  })
  if (!isHttpServer(server)) throw new Error('An HTTP/1.1 server was expected.')
  server.maxConnections = openConnections
  // By default Node drops every header after the 2,000th without a word: an attacker who sends 2,000 would decide
  // which of the proxy's headers we see. The size is bounded already.
  server.maxHeadersCount = 0
  // Whoever reads an answer so slowly that nothing moves for a minute; the feed's heartbeat is far quicker.
  server.setTimeout(60_000)
  return server
}

/**
 * Answers requests of a server that somebody else listens with, Express for one, where the bounds of this file are theirs
 * to set. The body must not have been read.
 */
export function requestListener(
  fetch: Handler,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return getRequestListener(fromNode(fetch), { hostname: 'localhost', overrideGlobalObjects: false })
}

function fromNode(
  fetch: Handler,
): (request: Request, env: HttpBindings | Http2Bindings) => ReturnType<Handler> {
  return (request, { incoming }) => {
    const address = incoming.socket.remoteAddress
    // After a reset the kernel does not tell the address any more. Nobody is there to read an answer, and a
    // request of no network would be held back by no limit of its network.
    if (address === undefined) return new Response(null, { status: 400 })
    if (!isPlainTarget(incoming.url ?? '')) return new Response(null, { status: 400 })
    return fetch(request, { address })
  }
}

function isHttpServer(server: object): server is Server {
  return 'closeIdleConnections' in server
}

function startListening(server: Server, at: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => reject(new Error(whyNot(cause, at), { cause }))
    server.once('error', fail)
    server.listen(at.port, at.host, () => {
      server.off('error', fail)
      resolve()
    })
  })
}

function whyNot(cause: Error, { host, port }: { host: string; port: number }): string {
  const code = 'code' in cause ? cause.code : null
  if (code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is taken by another program. Stop it, or choose another port with --port or COUNTERFOIL_PORT; a second server also needs --data of its own.`
  }
  if (code === 'EACCES') return `Port ${port} needs more rights than this user has. Choose one above 1023.`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `${host} is not an address of this machine. Choose another with --host or COUNTERFOIL_HOST.`
  }
  return `The server cannot listen on ${host}, port ${port}: ${cause.message}`
}

async function closeGracefully(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection that falls idle only now would be kept for its next request.
  const sweep = setInterval(() => server.closeIdleConnections(), 50)
  const cutOff = setTimeout(() => server.closeAllConnections(), closeMilliseconds)
  await closed
  clearInterval(sweep)
  clearTimeout(cutOff)
}

/**
 * `/a/../b` would be read as `/b` by us and as something else by a proxy's rule for `/a/`; so would `/b#c`, and a
 * target has no fragment (RFC 9112 3.2).
 */
function isPlainTarget(target: string): boolean {
  if (target.includes('#')) return false
  const path = target.split('?', 1)[0] ?? ''
  return !/(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i.test(path)
}
