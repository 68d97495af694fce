import { isoInstant } from '../node/clock.ts'
import { printDone, printRows } from './output.ts'
import { type Flags, readSettings } from './settings.ts'
import { openWorkbench } from './workbench.ts'

export async function listGrants(flags: Flags): Promise<void> {
  const { house, close } = await openWorkbench(readSettings(flags), { needsSecret: false })
  try {
    const grants = await house.grants.list(null)
    const rows = grants.map(({ id, email, client_name, scope, audience, expires_at, last_used_at }) => ({
      ...{ id, email, worker: client_name ?? '', scope, audience },
      expires: isoInstant(expires_at),
      last_used: last_used_at === null ? null : isoInstant(last_used_at),
    }))
    printRows(rows, { name: 'grants', json: flags.json ?? false, none: 'There are no live grants.' })
  } finally {
    await close()
  }
}

export async function withdrawGrant(id: string, flags: Flags): Promise<void> {
  const { house, heard, close } = await openWorkbench(readSettings(flags), { needsSecret: false })
  try {
    const isWithdrawn = await house.grants.withdrawAny(id)
    if (!isWithdrawn)
      throw new Error(
        `No grant that could be withdrawn has the id "${id}". \`counterfoil grants list\` shows all.`,
      )
    await heard()
    printDone({ id, withdrawn: true }, { json: flags.json ?? false, text: `Grant ${id} is withdrawn.` })
  } finally {
    await close()
  }
}
