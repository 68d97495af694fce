import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
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
  /**
   * Keeps the first answer to each GET below this path, whatever it says about being kept, and gives it as a fresh one to
   * everybody who comes later; until `moveTo`.
   */
  keepAnswers(path: string): void
  /** Holds back answers to this path from now on. What comes back lets them go, and all later ones. */
  holdBack(path: string): () => void
  /** Breaks every connection. */
  cutOff(): void
  close(): Promise<void>
}

type Kept = { status: number; headers: IncomingHttpHeaders; chunks: Buffer[]; isWhole: boolean }

export async function startRelay(): Promise<Relay> {
  const counts = new Map<string, number>()
  const kept = new Map<string, Kept>()
  let target = 0
  let silent: string | null = null
  let keeping: string | null = null
  let held: { path: string; released: Promise<void> } | null = null

  function keep(path: string, answer: IncomingMessage): void {
    const one: Kept = {
      status: answer.statusCode ?? 502,
      headers: answer.headers,
      chunks: [],
      isWhole: false,
    }
    kept.set(path, one)
    answer.on('data', (chunk: Buffer) => one.chunks.push(chunk))
    answer.on('end', () => {
      one.isWhole = true
    })
  }

  async function relay(path: string, answer: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    if (held !== null && path === held.path) await held.released
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(outgoing)
    // A connection that breaks behind us breaks before us, too.
    answer.on('error', () => outgoing.destroy())
  }

  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? '').split('?', 1)[0] ?? ''
    counts.set(path, (counts.get(path) ?? 0) + 1)
    if (silent !== null && path.startsWith(silent)) return
    const isKept = keeping !== null && incoming.method === 'GET' && path.startsWith(keeping)
    const old = isKept ? kept.get(path) : undefined
    if (old !== undefined) return playBack(old, outgoing)
    const options = { port: target, host: '127.0.0.1', method: incoming.method, path: incoming.url }
    const onward = request({ ...options, headers: incoming.headers }, (answer) => {
      if (isKept) keep(path, answer)
      void relay(path, answer, outgoing)
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
      keeping = null
      kept.clear()
      server.closeAllConnections()
    },
    fallSilent(path = '') {
      silent = path
    },
    keepAnswers(path) {
      keeping = path
    },
    holdBack(path) {
      let release = () => {}
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      held = { path, released }
      return () => {
        held = null
        release()
      }
    },
    cutOff: () => server.closeAllConnections(),
    close: () => closed(server),
  }
}

/** As a cache between that calls what it gives fresh. What had no end when it was kept has none now. */
function playBack({ status, headers, chunks, isWhole }: Kept, outgoing: ServerResponse): void {
  const { 'content-length': _, 'transfer-encoding': __, ...rest } = headers
  const fresh = { 'cache-control': 'public, max-age=3600', age: '0', date: new Date().toUTCString() }
  outgoing.writeHead(status, { ...rest, ...fresh })
  for (const chunk of chunks) outgoing.write(chunk)
  if (isWhole) outgoing.end()
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
