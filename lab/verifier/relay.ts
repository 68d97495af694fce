import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A relay before the server whose address stays while servers come and go, and which counts what passes. */
export type Relay = {
  origin: string
  port: number
  /** How many requests have come for a path, or in all. */
  count(path?: string): number
  /** Sends everything that comes from now on to another port; what is open is cut off. */
  moveTo(port: number): void
  /** Takes requests, for one path or for all, and says nothing, like a cable that was pulled out; until `moveTo`. */
  fallSilent(path?: string): void
  /** Breaks every connection. */
  cutOff(): void
  close(): Promise<void>
}

export async function startRelay(): Promise<Relay> {
  const counts = new Map<string, number>()
  let target = 0
  let silent: string | null = null
  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? '').split('?', 1)[0] ?? ''
    counts.set(path, (counts.get(path) ?? 0) + 1)
    if (silent !== null && path.startsWith(silent)) return
    const options = { port: target, host: '127.0.0.1', method: incoming.method, path: incoming.url }
    const onward = request({ ...options, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
      // A connection that breaks behind us breaks before us, too.
      answer.on('error', () => outgoing.destroy())
    })
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    origin: `http://localhost:${port}`,
    count(path) {
      if (path !== undefined) return counts.get(path) ?? 0
      return [...counts.values()].reduce((sum, count) => sum + count, 0)
    },
    moveTo(next) {
      target = next
      silent = null
      server.closeAllConnections()
    },
    fallSilent(path = '') {
      silent = path
    },
    cutOff: () => server.closeAllConnections(),
    close: () => closed(server),
  }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
