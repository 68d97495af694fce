import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'

export type Proxy = {
  port: number
  /** Where requests go from now on, in turn. */
  use(ports: readonly number[]): void
  close(): void
}

/** What is about one connection alone (RFC 9110 7.6.1), and what we say ourselves. */
const own = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade', 'x-forwarded-for'])

/**
 * Sends each request to the next node, body and answer as they come, so that streams stream. A node that cannot be
 * reached is passed over: nothing was sent to it yet. Not more than an example: no TLS, no WebSockets, no health checks.
 */
export async function startProxy(port: number): Promise<Proxy> {
  let ports: readonly number[] = []
  let turn = 0
  const server = createServer((incoming, outgoing) => {
    const start = turn++
    const order = ports.map((_, index) => ports[(start + index) % ports.length] ?? 0)
    pass(incoming, outgoing, order)
  })
  // A stream of the feed is silent for no longer than a second, but has no end.
  server.requestTimeout = 0
  await listening(server, port)
  return {
    port: portOf(server),
    use(given) {
      ports = given
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy listens on no port.')
  return address.port
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}

function pass(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  [port, ...others]: readonly number[],
): void {
  if (port === undefined) {
    outgoing.writeHead(502, { 'content-type': 'text/plain' }).end('No node answers.\n')
    return
  }
  const onward = request({
    port,
    host: '127.0.0.1',
    method: incoming.method ?? 'GET',
    path: incoming.url ?? '/',
    headers: headersFor(incoming),
    agent: false,
  })
  let isConnected = false
  onward.on('socket', (socket) => {
    // The body stays where it is until somebody is there to take it; then it can go to one node only.
    socket.once('connect', () => {
      isConnected = true
      incoming.pipe(onward)
    })
  })
  onward.on('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, kept(answer.rawHeaders))
    answer.pipe(outgoing)
    answer.on('error', () => outgoing.destroy())
  })
  onward.on('error', () => {
    if (!isConnected) pass(incoming, outgoing, others)
    else if (outgoing.headersSent) outgoing.destroy()
    else pass(incoming, outgoing, [])
  })
  outgoing.on('close', () => onward.destroy())
}

function headersFor(incoming: IncomingMessage): string[] {
  const before = incoming.headers['x-forwarded-for']
  const address = incoming.socket.remoteAddress ?? ''
  const chain = before === undefined ? address : `${before}, ${address}`
  return [...kept(incoming.rawHeaders), 'x-forwarded-for', chain, 'connection', 'close']
}

/** Names and values in turn, as they were sent: a header that came twice goes on twice. */
function kept(raw: readonly string[]): string[] {
  return raw.filter((_, index) => !own.has((raw[index - (index % 2)] ?? '').toLowerCase()))
}
