import { connect, type Socket } from 'node:net'

export type Load = {
  /** Sends so many, each as soon as the answer to the one before it on its connection is there. */
  run(count: number): Promise<void>
  /** The same, and how long each took, in milliseconds. */
  time(count: number): Promise<number[]>
  close(): void
}

export const requestWith = (line: string) =>
  `GET /me HTTP/1.1\r\nHost: localhost:3000\r\nAccept: application/json\r\nUser-Agent: bench\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\n${line === '' ? '' : `${line}\r\n`}\r\n`

type Given = {
  port: number
  /** What one request after the other carries, in turn. */
  lines: readonly string[]
  /** How many are on their way at once. */
  connections?: number
  /** In place of `lines` where none of them may be used twice: as many as a run needs, made before it begins. */
  fresh?: (count: number) => readonly string[]
}

type Wire = { socket: Socket; text: string; sentAt: number }

/** Requests on a few connections. Fails where anything but a 200 is answered. */
export async function openLoad({ port, lines, fresh, connections = 16 }: Given): Promise<Load> {
  const repeated = lines.map(requestWith)
  const wires: Wire[] = []
  let requests = repeated
  let next = 0
  let left = 0
  let unanswered = 0
  let times: number[] | null = null
  let settle: { resolve(): void; reject(error: Error): void } | null = null

  function send(wire: Wire): void {
    if (left-- <= 0) return
    if (times !== null) wire.sentAt = performance.now()
    wire.socket.write(requests[next++ % requests.length] ?? '')
  }
  function attend(wire: Wire): void {
    const { socket } = wire
    socket.setEncoding('latin1')
    socket.on('data', (data: string) => {
      wire.text += data
      if (!isWhole(wire.text)) return
      if (!wire.text.startsWith('HTTP/1.1 200')) settle?.reject(new Error(`not accepted: ${wire.text}`))
      wire.text = ''
      times?.push(performance.now() - wire.sentAt)
      send(wire)
      if (--unanswered === 0) settle?.resolve()
    })
    socket.on('error', (error) => settle?.reject(error))
    socket.on('close', () => settle?.reject(new Error('the connection was closed')))
  }
  /** Not before they are used: a server hangs up on a connection that asks for nothing in its first minute. */
  async function connectAll(): Promise<void> {
    while (wires.length < connections) {
      const wire = { socket: await open(port), text: '', sentAt: 0 }
      attend(wire)
      wires.push(wire)
    }
  }
  const run = async (count: number) => {
    await connectAll()
    if (fresh !== undefined) requests = fresh(count).map(requestWith)
    left = count
    unanswered = count
    await new Promise<void>((resolve, reject) => {
      settle = { resolve, reject }
      for (const wire of wires) send(wire)
    })
  }
  return {
    run,
    async time(count) {
      const found: number[] = []
      times = found
      await run(count)
      times = null
      return found
    },
    close() {
      settle = null
      for (const { socket } of wires) socket.destroy()
    },
  }
}

/** Every application here says how long its answer is. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const at = text.search(/content-length: /i)
  if (!text.startsWith('HTTP/1.1 200')) return true
  if (at < 0 || at > end) throw new Error(`an answer without a length: ${text}`)
  return text.length >= end + 4 + Number.parseInt(text.slice(at + 16, at + 24), 10)
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.setNoDelay()
    socket.once('error', reject)
  })
}

/** One request, and the bytes on the wire both ways. */
export async function exchange(port: number, line: string): Promise<{ request: string; answer: string }> {
  const socket = await open(port)
  const request = requestWith(line)
  let answer = ''
  try {
    socket.setEncoding('latin1').write(request)
    for await (const data of socket) {
      answer += data
      if (isWhole(answer)) return { request, answer }
    }
  } finally {
    socket.destroy()
  }
  throw new Error(`not answered: ${answer}`)
}
