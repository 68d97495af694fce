import { connect } from 'node:net'

export type Exchange = { answer: string; status: number; sentBytes: number; milliseconds: number }

/**
 * Sends pieces over a real socket, each when the one before has left, and stops as soon as anything comes back, as a
 * client would. Ends when the other side closes; a reset counts as closing.
 */
export function exchange(port: number, pieces: Iterable<string | Uint8Array>): Promise<Exchange> {
  return new Promise((resolve) => {
    const startedAt = performance.now()
    const waiting = pieces[Symbol.iterator]()
    let answer = ''
    let sentBytes = 0
    const socket = connect(port, '127.0.0.1')
    const sendNext = () => {
      if (answer !== '' || socket.destroyed) return
      const next = waiting.next()
      if (next.done === true) return
      sentBytes += next.value.length
      socket.write(next.value, () => setImmediate(sendNext))
    }
    socket.setEncoding('latin1')
    socket.on('connect', sendNext)
    socket.on('data', (text) => {
      answer += text
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0)
      resolve({ answer, status, sentBytes, milliseconds: performance.now() - startedAt })
    })
  })
}

/** A request that asks for the connection to be closed after its answer. */
export function request(line: string, headers: Readonly<Record<string, string>>, body = ''): string {
  const all = { host: 'localhost', connection: 'close', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

/** One chunk of a body that is sent without saying how long it will be. */
export function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`
}

/** A client that sends what it has, then a byte now and then, or nothing at all, until the other side has had enough. */
export function linger(
  port: number,
  given: { first: string; drip: string; everyMilliseconds: number },
): Promise<Exchange> {
  return new Promise((resolve) => {
    const startedAt = performance.now()
    let answer = ''
    let sentBytes = 0
    const socket = connect(port, '127.0.0.1')
    const say = (text: string) => {
      if (text === '' || socket.destroyed) return
      sentBytes += text.length
      socket.write(text)
    }
    // Only after the beginning: a machine may take longer than a drip to connect.
    let dripping: NodeJS.Timeout | undefined
    socket.setEncoding('latin1')
    socket.on('connect', () => {
      say(given.first)
      dripping = setInterval(() => say(given.drip), given.everyMilliseconds)
    })
    socket.on('data', (text) => {
      answer += text
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearInterval(dripping)
      const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0)
      resolve({ answer, status, sentBytes, milliseconds: performance.now() - startedAt })
    })
  })
}

/** Sends what it has and is gone without waiting for an answer. */
export function leave(port: number, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(text, () => setImmediate(() => socket.resetAndDestroy())),
    )
    socket.on('error', () => socket.destroy())
    socket.on('close', () => resolve())
  })
}
