import { createHash } from 'node:crypto'
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** RFC 6455 1.3: what an acceptance proves it has understood. */
const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** A WebSocket that only talks: the handshake, and one short text a frame. What the other side says is not read. */
export function acceptSocket(request: IncomingMessage, socket: Duplex): (text: string) => void {
  const key = request.headers['sec-websocket-key'] ?? ''
  const accept = createHash('sha1')
    .update(key + magic)
    .digest('base64')
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  socket.write([...lines, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n'))
  socket.on('error', () => socket.destroy())
  socket.resume()
  return (text) => {
    const payload = Buffer.from(text)
    if (payload.length > 125) throw new Error('A text of this length needs a longer frame header.')
    socket.write(Buffer.concat([Buffer.from([0x81, payload.length]), payload]))
  }
}

export function refuseSocket(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
