import { connect } from 'node:net'

/** Sends bytes as they are, which no HTTP client would, and answers with all that came back. */
export function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('latin1')
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')))
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A refusal may be sent and the connection cut while we are still writing.
      if (answer !== '' && ['ECONNRESET', 'EPIPE'].includes(error.code ?? '')) resolve(answer)
      else reject(error)
    })
    socket.on('close', () => resolve(answer))
    socket.write(Buffer.from(text, 'latin1'))
  })
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0)
}

/** A request of its own connection, so that the answer ends when the connection does. */
export function requestText(method: string, path: string, headers: readonly string[], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${body.length}`]
  return `${[`${method} ${path} HTTP/1.1`, ...headers, ...length, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`
}
