// An application as others would build it, in a process of its own: what `peers/` holds under this name.
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PeerHeard, PeerOptions, PeerTold } from './peer.ts'

type Opened = {
  server: Server
  signIn: { path: string; body: object }
  signOut: string | null
  credentials?: (count: number) => Promise<string[]>
  signed?: (count: number, step: number) => string[] | Promise<string[]>
}

const say = (heard: PeerHeard) => process.send?.(heard)
const [name = '', text = '{}'] = process.argv.slice(2)
const options = JSON.parse(text) as PeerOptions
const { open } = (await import(`./peers/${name}.js`)) as { open(given: PeerOptions): Promise<Opened> }
const { server, signIn, signOut, credentials, signed } = await open(options)
if (!server.listening) await once(server, 'listening')
// Between two rounds nobody asks anything for longer than they would wait.
server.keepAliveTimeout = 0
const { port } = server.address() as AddressInfo
process.on('message', async ({ count, step }: PeerTold) => {
  const lines = await (step === null ? credentials?.(count) : signed?.(count, step))
  say({ kind: 'credentials', lines: lines ?? [] })
})
process.on('disconnect', () => process.exit(0))
say({ kind: 'listening', port, signIn, signOut, makesCredentials: credentials !== undefined })
