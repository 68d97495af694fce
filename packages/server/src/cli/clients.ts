import { readFileSync } from 'node:fs'
import { isoInstant } from '../node/clock.ts'
import { printDone, printRows } from './output.ts'
import { type Flags, readSettings } from './settings.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

export type ClientFlags = Flags & { auth?: string; jwks?: string; scope?: string }

const methods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const
type Method = (typeof methods)[number]

/** Prints the secret, which is kept nowhere. */
export function addClient(name: string, flags: ClientFlags): Promise<void> {
  const method = readMethod(flags)
  const jwks = readKeys(flags, { isNeeded: method === 'private_key_jwt' })
  const scope = flags.scope ?? ''
  return atWorkbench(flags, async ({ house: { clients } }) => {
    const made =
      method === 'client_secret_basic' || method === 'client_secret_post'
        ? await clients.add(name, { method, scope })
        : await clients.addWithoutSecret(name, { jwks, scope })
    printMade({ name, auth: method, ...made }, flags)
  })
}

export function listClients(flags: Flags): Promise<void> {
  return atWorkbench(flags, async ({ house }) => {
    const rows = (await house.clients.list()).map(({ id, name, auth_method, scope, created_at }) => ({
      id,
      name,
      auth: auth_method,
      scope: scope === '' ? null : scope,
      created: created_at === 0 ? 'built in' : isoInstant(created_at),
    }))
    printRows(rows, { name: 'clients', json: flags.json ?? false, none: 'There are no clients.' })
  })
}

/** The secret or the keys before are dead at once: there is no overlap. */
export function rotateClient(id: string, flags: ClientFlags): Promise<void> {
  return atWorkbench(flags, async ({ house: { clients }, heard }) => {
    const { name, auth_method: auth } =
      (await clients.list()).find((client) => client.id === id) ?? unknown(id)
    const jwks = readKeys(flags, { isNeeded: auth === 'private_key_jwt' })
    const made =
      jwks === null
        ? await clients.rotateSecret(id)
        : (await clients.replaceKeys(id, jwks)) && { client_id: id }
    if (made === null || made === false)
      throw new Error(`The client "${id}" proves nothing, so there is nothing to rotate.`)
    await heard()
    printMade({ name, auth, ...made }, flags)
  })
}

export function removeClient(id: string, flags: Flags): Promise<void> {
  return atWorkbench(flags, async ({ house, heard }) => {
    if (!(await house.clients.remove(id))) unknown(id)
    await heard()
    printDone({ id, removed: true }, { json: flags.json ?? false, text: `Client ${id} is removed.` })
  })
}

async function atWorkbench(flags: Flags, work: (bench: Workbench) => Promise<void>): Promise<void> {
  const bench = await openWorkbench(readSettings(flags), { needsSecret: false })
  try {
    await work(bench)
  } finally {
    await bench.close()
  }
}

function printMade(
  made: { name: string; auth: string; client_id: string; client_secret?: string },
  { json = false }: Flags,
): void {
  const { client_id, client_secret } = made
  const secret =
    client_secret === undefined ? [] : [`client_secret  ${client_secret}`, 'The secret is not shown again.']
  printDone(made, { json, text: [`client_id      ${client_id}`, ...secret].join('\n') })
}

function readMethod({ auth = 'client_secret_basic' }: ClientFlags): Method {
  const method = methods.find((one) => one === auth)
  if (method === undefined) throw new Error(`--auth is "${auth}". Give one of ${methods.join(', ')}.`)
  return method
}

function readKeys({ jwks: path }: ClientFlags, { isNeeded }: { isNeeded: boolean }): string | null {
  if (isNeeded && path === undefined)
    throw new Error(
      'A client that signs its proofs needs --jwks FILE: its public keys, as a JWK set or one JWK.',
    )
  if (!isNeeded && path !== undefined) throw new Error('--jwks is for clients with --auth private_key_jwt.')
  return path === undefined ? null : readFileSync(path, 'utf8')
}

function unknown(id: string): never {
  throw new Error(
    `No client that could be changed has the id "${id}". \`counterfoil clients list\` shows all.`,
  )
}
