import { checkSource, copyDatabase } from '../db/copy.ts'
import { openDatabase } from '../db/open.ts'
import { checkKeys } from './key-check.ts'
import { printDone } from './output.ts'
import { type Flags, readSecret, readSettings } from './settings.ts'
import { refuseMissing } from './workbench.ts'

export type CopyFlags = Pick<Flags, 'data' | 'json'> & { from?: string; to: string; force?: boolean }

/** A server writes its row each second. */
const pauseMilliseconds = 2500

/** Moves an install to another database, sessions included: whoever was signed in stays so. */
export async function copy({ from, to, force, ...flags }: CopyFlags): Promise<void> {
  const settings = readSettings({ ...flags, ...(from === undefined ? {} : { database: from }) })
  if (settings.database === to) throw new Error('Source and target are the same database.')
  const secret = readSecret(settings)
  refuseMissing(settings)
  const isJson = flags.json ?? false
  const source = await openDatabase(settings.database)
  try {
    await checkSource({
      from: source,
      isForced: force ?? false,
      pause: () => new Promise((resolve) => setTimeout(resolve, pauseMilliseconds)),
      checkSecret: async (db) => void (await checkKeys(db, secret)),
    })
    const target = await openDatabase(to)
    try {
      const onTable = (table: string, rows: number) => {
        if (!isJson) console.log(`${table}  ${rows}`)
      }
      const copied = await copyDatabase({ from: source, to: target, onTable })
      const text =
        'Done. Name the new database (COUNTERFOIL_DATABASE) before the next start; no server may start on the old one again.'
      printDone({ copied }, { json: isJson, text })
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}
