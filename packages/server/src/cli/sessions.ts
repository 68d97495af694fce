import { isoInstant } from '../node/clock.ts'
import { printDone, printRows } from './output.ts'
import { type Flags, readSettings } from './settings.ts'
import { openWorkbench } from './workbench.ts'

export async function listSessions(flags: Flags): Promise<void> {
  const { house, close } = await openWorkbench(readSettings(flags), { needsSecret: false })
  try {
    const sessions = await house.sessions.listEveryone()
    const rows = sessions.map(({ id, email, carrier, device, created_at, last_seen_at }) => ({
      id,
      email,
      carrier,
      device,
      created: isoInstant(created_at),
      last_seen: isoInstant(last_seen_at),
    }))
    printRows(rows, { name: 'sessions', json: flags.json ?? false, none: 'There are no live sessions.' })
  } finally {
    await close()
  }
}

export async function endSession(id: string, flags: Flags): Promise<void> {
  const { house, heard, close } = await openWorkbench(readSettings(flags), { needsSecret: false })
  try {
    const isEnded = await house.sessions.endAny(id, 'operator')
    if (!isEnded)
      throw new Error(`No live session has the id "${id}". \`counterfoil sessions list\` shows all.`)
    await heard()
    printDone({ id, ended: true }, { json: flags.json ?? false, text: `Session ${id} has ended.` })
  } finally {
    await close()
  }
}
