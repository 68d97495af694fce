import { createServer, connect as dial, type Socket } from 'node:net'

/** The way from one node to the database: an address that stays, and behind it whatever there is at the moment. */
export type Wire = {
  port: number
  /** From now on to another port; what is open is cut off, as an address that moves does it. */
  moveTo(port: number): void
  /** Connections are refused and those there are break; or nothing is heard any more, as of a cable that was pulled out. */
  cut(how: 'refuse' | 'silence'): void
  /** Nothing passes, nothing is lost. */
  pause(): void
  mend(): void
  close(): Promise<void>
}

type Mode = 'open' | 'refuse' | 'silence' | 'pause'

export async function openWire(first: number): Promise<Wire> {
  let target = first
  let mode: Mode = 'open'
  const pairs = new Set<readonly [Socket, Socket | null]>()

  const server = createServer({ noDelay: true }, (near) => {
    if (mode === 'refuse') {
      near.destroy()
      return
    }
    if (mode === 'silence') {
      add(near, null)
      return
    }
    const far = dial({ port: target, host: '127.0.0.1', noDelay: true })
    add(near, far)
    near.on('data', (chunk) => forward(near, far, chunk))
    far.on('data', (chunk) => forward(far, near, chunk))
    if (mode === 'pause') for (const socket of [near, far]) socket.pause()
  })

  function add(near: Socket, far: Socket | null): void {
    const pair = [near, far] as const
    pairs.add(pair)
    for (const socket of pair)
      socket
        ?.on('error', () => {})
        .on('close', () => {
          pairs.delete(pair)
          for (const other of pair) other?.destroy()
        })
  }

  function forward(from: Socket, to: Socket, chunk: Buffer): void {
    // What is sent into a silent wire is gone.
    if (mode === 'silence' || to.write(chunk)) return
    from.pause()
    to.once('drain', () => {
      if (mode !== 'pause') from.resume()
    })
  }

  function breakAll(): void {
    for (const pair of [...pairs]) for (const socket of pair) socket?.destroy()
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The wire has no port.')
  return {
    port: address.port,
    moveTo(port) {
      target = port
      mode = 'open'
      breakAll()
    },
    cut(how) {
      mode = how
      if (how === 'refuse') breakAll()
    },
    pause() {
      mode = 'pause'
      for (const pair of pairs) for (const socket of pair) socket?.pause()
    },
    mend() {
      // Of what was lost in the silence nothing comes back: those connections are of no use any more.
      if (mode === 'silence') breakAll()
      mode = 'open'
      for (const pair of pairs) for (const socket of pair) socket?.resume()
    },
    close() {
      breakAll()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
