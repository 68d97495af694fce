import { isoInstant } from '../node/clock.ts'
import { printDone, printRows } from './output.ts'
import { type Flags, readSettings } from './settings.ts'
import { openWorkbench } from './workbench.ts'

/** Prints the secret, which is kept nowhere. */
export async function addClient(name: string, flags: Flags): Promise<void> {
  const { house, close } = await openWorkbench(readSettings(flags), { needsSecret: false })
  try {
    const made = await house.clients.add(name)
    const text = `client_id      ${made.client_id}\nclient_secret  ${made.client_secret}\nThe secret is not shown again.`
    printDone({ name, ...made }, { json: flags.json ?? false, text })
  } finally {
    await close()
  }
}

export async function listClients(flags: Flags): Promise<void> {
  const { house, close } = await openWorkbench(readSettings(flags), { needsSecret: false })
  try {
    const rows = (await house.clients.list()).map(({ id, name, secret_hash, created_at }) => ({
      id,
      name,
      proves_itself: secret_hash === null ? 'no' : 'by a secret',
      created: created_at === 0 ? 'built in' : isoInstant(created_at),
    }))
    printRows(rows, { name: 'clients', json: flags.json ?? false, none: 'There are no clients.' })
  } finally {
    await close()
  }
}

export async function removeClient(id: string, flags: Flags): Promise<void> {
  const { house, heard, close } = await openWorkbench(readSettings(flags), { needsSecret: false })
  try {
    if (!(await house.clients.remove(id)))
      throw new Error(
        `No client that could be removed has the id "${id}". \`counterfoil clients list\` shows all.`,
      )
    await heard()
    printDone({ id, removed: true }, { json: flags.json ?? false, text: `Client ${id} is removed.` })
  } finally {
    await close()
  }
}
