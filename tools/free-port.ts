// Why: a program that has to be told its port gets one here. A port that the kernel hands out and takes back may go to
// anybody who asks for one meanwhile, and two questions in a row may have one answer. These lie below those that the kernel
// hands out; each process tries its own few of them first, and none of them twice.
import { once } from 'node:events'
import { createServer } from 'node:net'

const [lowest, count] = [20_000, 12_000]
const each = 8
let drawn = 0

/** A port of this machine on which nobody listens and which nobody is given by the kernel. */
export async function freePort(): Promise<number> {
  while (drawn < count) {
    const port = lowest + ((process.pid * each + drawn++) % count)
    if (await isFree(port)) return port
  }
  throw new Error('no port is free')
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
}
