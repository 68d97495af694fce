import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startDemo } from './demo.ts'

const { values } = parseArgs({ options: { port: { type: 'string' }, data: { type: 'string' } } })
const port = values.port === undefined ? null : Number(values.port)
if (port !== null && !(Number.isInteger(port) && port >= 0 && port < 65_534)) {
  console.error(`--port takes the first of three ports, or 0 for any; "${values.port}" is neither.`)
  process.exit(1)
}
const folder = values.data ?? mkdtempSync(join(tmpdir(), 'counterfoil-bank-'))

const starting = startDemo({ folder, port })

async function stop(): Promise<void> {
  const demo = await starting.catch(() => null)
  await demo?.close()
  // What was put into a folder of one's own stays there: the next start goes on with it.
  if (values.data === undefined) rmSync(folder, { recursive: true, force: true })
}
// Also while it is still starting. A second Ctrl-C does not wait for anything.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)

try {
  const { addresses } = await starting
  for (const address of addresses) console.log(address)
} catch (fault) {
  console.error(fault instanceof Error ? fault.message : fault)
  process.exitCode = 1
  await stop()
}
