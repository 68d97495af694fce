import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Where a target that takes a token's word for where its key lies would fetch it. */
export type KeyHost = { url: string; asked(): number; close(): Promise<void> }

/** On this machine alone, for as long as one check takes. */
export async function hostKeys(keys: string): Promise<KeyHost> {
  let requests = 0
  const server = createServer((_, response) => {
    requests += 1
    response.setHeader('content-type', 'application/json')
    response.end(keys)
  })
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/keys.json`,
    asked: () => requests,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
