import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** Stands between a program and a PostgreSQL: holds back what passes, and counts what is asked. */
export type WireProxy = {
  readonly port: number
  /** Statements that were executed through it so far. */
  statements(): number
  close(): void
}

const query = 'Q'.charCodeAt(0)
const execute = 'E'.charCodeAt(0)

/** `roundTrip`: milliseconds that a question and its answer take longer than without it. */
export async function startProxy(target: number, roundTrip = 0): Promise<WireProxy> {
  const sockets = new Set<Socket>()
  let statements = 0
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    const count = countExecuted(() => statements++)
    for (const socket of [near, far]) {
      socket.setNoDelay()
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', (data) => {
      count(data)
      pass(far, data, roundTrip / 2)
    })
    far.on('data', (data) => pass(near, data, roundTrip / 2))
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    statements: () => statements,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Timers of one length fire in the order in which they were set, so nothing overtakes. */
function pass(to: Socket, data: Buffer, milliseconds: number): void {
  if (milliseconds === 0) to.write(data)
  else setTimeout(() => !to.destroyed && to.write(data), milliseconds)
}

/** PostgreSQL's protocol 3: after a first message without a type, each begins with its type and its length. */
function countExecuted(note: () => void): (data: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  let isStarted = false
  return (data) => {
    rest = Buffer.concat([rest, data])
    for (;;) {
      const head = isStarted ? 1 : 0
      if (rest.length < head + 4) return
      const length = head + rest.readUInt32BE(head)
      if (rest.length < length) return
      if (isStarted && (rest[0] === query || rest[0] === execute)) note()
      isStarted = true
      rest = rest.subarray(length)
    }
  }
}
