import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepare, startNode, stopProcess } from './node.ts'
import { openDatabase } from './postgres.ts'
import { startProxy } from './proxy.ts'

const names = ['a', 'b', 'c']
const data = mkdtempSync(join(tmpdir(), 'counterfoil-cluster-'))
// Each visitor's address is the one that our proxy adds.
writeFileSync(join(data, 'policy.json'), '{ "trustedHops": 1 }\n')

const undo: (() => unknown)[] = [() => rmSync(data, { recursive: true, force: true })]
let isStopping = false

async function stop(code: number): Promise<void> {
  if (isStopping) return
  isStopping = true
  for (const step of undo.reverse()) await step()
  process.exit(code)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0))

async function start(): Promise<void> {
  const proxy = await startProxy(Number(process.argv[2] ?? 3000))
  undo.push(proxy.close)
  const database = await openDatabase(process.env.COUNTERFOIL_DATABASE)
  undo.push(database.stop)
  const issuer = `http://localhost:${proxy.port}`
  // One secret, one database, one issuer: that is all that makes them one server.
  const settings = {
    COUNTERFOIL_DATA: data,
    COUNTERFOIL_DATABASE: database.url,
    COUNTERFOIL_ISSUER: issuer,
  }
  prepare(settings)
  for (const name of names) {
    const node = await startNode(name, settings)
    undo.push(() => stopProcess(node.process))
    console.log(`node ${name}   http://127.0.0.1:${node.port}  process ${node.process.pid}`)
    ports.push(node.port)
  }
  proxy.use(ports)
  console.log(`mailbox  http://127.0.0.1:${ports[0]}/dev/mail`)
  console.log(`proxy    ${issuer}  (Ctrl-C stops everything)`)
}

const ports: number[] = []
await start().catch(async (error: unknown) => {
  console.error(error)
  await stop(1)
})
