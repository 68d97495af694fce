import { connect, type Socket } from 'node:net'

const connections = 16

export type Load = {
  /** Sends so many, each as soon as the answer to the one before it on its connection is there. */
  run(count: number): Promise<void>
  close(): void
}

/** The same request over and over on a few connections. Fails where an answer is longer or shorter than the first. */
export async function openLoad({ port, headers }: { port: number; headers: string }): Promise<Load> {
  const request = `GET /me HTTP/1.1\r\nHost: localhost:3000\r\nAccept: application/json\r\nUser-Agent: bench\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\n${headers}\r\n`
  const length = await lengthOfAnswer(port, request)
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)))
  let left = 0
  let unanswered = 0
  let settle: { resolve(): void; reject(error: Error): void } | null = null

  function send(socket: Socket): void {
    if (left-- > 0) socket.write(request)
  }
  for (const socket of sockets) {
    let got = 0
    socket.on('data', (data) => {
      got += data.length
      if (got > length) settle?.reject(new Error('an answer is longer than the first'))
      if (got < length) return
      got = 0
      send(socket)
      if (--unanswered === 0) settle?.resolve()
    })
    socket.on('error', (error) => settle?.reject(error))
    socket.on('close', () => settle?.reject(new Error('the connection was closed')))
  }
  return {
    run(count) {
      left = count
      unanswered = count
      return new Promise((resolve, reject) => {
        settle = { resolve, reject }
        for (const socket of sockets) send(socket)
      })
    },
    close() {
      settle = null
      for (const socket of sockets) socket.destroy()
    },
  }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.setNoDelay()
    socket.once('error', reject)
  })
}

/** The answers differ in their date alone. */
async function lengthOfAnswer(port: number, request: string): Promise<number> {
  const socket = await open(port)
  let answer = ''
  try {
    socket.setEncoding('latin1').write(request)
    for await (const data of socket) {
      answer += data
      const [, head = '', length = ''] =
        /^(HTTP\/1\.1 200 [\s\S]*?content-length: (\d+)[\s\S]*?\r\n\r\n)/i.exec(answer) ?? []
      if (head !== '' && answer.length >= head.length + Number(length)) return answer.length
    }
  } finally {
    socket.destroy()
  }
  throw new Error(`not answered: ${answer}`)
}
