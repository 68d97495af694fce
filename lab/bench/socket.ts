import { once } from 'node:events'
import { connect } from 'node:net'

export type Asked = { method: 'GET' | 'POST'; path: string; headers?: Record<string, string>; body?: string }
export type Answered = { status: number; body: string }

/** One connection that is kept: one request after the other, with as little work of our own as there can be. */
export type Line = { ask(asked: Asked): Promise<Answered>; close(): void }

export async function openLine(port: number): Promise<Line> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let text = ''
  let waiting: PromiseWithResolvers<Answered> | null = null
  const fail = () => {
    waiting?.reject(new Error('the connection ended'))
    waiting = null
  }
  socket.setEncoding('latin1')
  socket.on('error', fail)
  socket.on('close', fail)
  socket.on('data', (chunk: string) => {
    text += chunk
    const found = answerIn(text)
    if (found === null) return
    text = ''
    const { resolve } = waiting ?? {}
    waiting = null
    resolve?.(found)
  })
  return {
    ask({ method, path, headers = {}, body = '' }) {
      if (socket.destroyed) return Promise.reject(new Error('the connection ended'))
      const own = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      const length = method === 'POST' ? `content-length: ${Buffer.byteLength(body)}\r\n` : ''
      waiting = Promise.withResolvers<Answered>()
      socket.write(`${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${own.join('')}${length}\r\n${body}`)
      return waiting.promise
    },
    close: () => void socket.destroy(),
  }
}

function answerIn(text: string): Answered | null {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return null
  const status = Number(text.slice(9, 12))
  const head = text.slice(0, end)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  // Others answer in pieces; what is in them is read by nobody here.
  if (/\r\ntransfer-encoding: chunked/i.test(head))
    return text.endsWith('\r\n0\r\n\r\n') ? { status, body: text.slice(end + 4) } : null
  if (length === undefined && status !== 204)
    throw new Error(`an answer without a length: ${text.slice(0, end)}`)
  const body = text.slice(end + 4)
  return body.length < Number(length ?? 0) ? null : { status, body }
}
