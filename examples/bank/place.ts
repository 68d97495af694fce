import { createServer, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'

/** A port of this machine that is ours, and the name that browsers reach it by. */
export type Place = {
  origin: string
  port: number
  server: Server
  /** Until this is called, whoever asks is told to wait. */
  serve(listener: RequestListener): void
  close(): Promise<void>
}

/**
 * Listens on loopback alone. Browsers and curl take every `*.localhost` to this machine. `isFixed`: the port was
 * asked for, so a program that has it already is an error; otherwise any free one will do.
 */
export async function takePlace(given: { name: string; port: number; isFixed: boolean }): Promise<Place> {
  let listener: RequestListener = (_request, response) => response.writeHead(503).end()
  const server = createServer((request, response) => listener(request, response))
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  try {
    await listen(server, given.port)
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    if (!isTaken || given.isFixed) {
      const why = isTaken ? 'is taken by another program' : 'cannot be used'
      throw new Error(`Port ${given.port} ${why}. Choose others with --port, or leave it out.`, {
        cause: error,
      })
    }
    await listen(server, 0)
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server listens on no port.')
  return {
    origin: `http://${given.name}:${address.port}`,
    port: address.port,
    server,
    serve(given) {
      listener = given
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // Streams and WebSockets to open windows never end by themselves.
      for (const socket of sockets) socket.destroy()
      return closed
    },
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** `fetch` for programs: Node's resolver does not know `*.localhost`, so we go where browsers would. */
export function fetchHere(address: string, init?: RequestInit): Promise<Response> {
  const url = new URL(address)
  if (url.hostname.endsWith('.localhost')) url.hostname = '127.0.0.1'
  return fetch(url, init)
}
