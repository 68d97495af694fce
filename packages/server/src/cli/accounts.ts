import { isoInstant } from '../node/clock.ts'
import { printDone, printRows } from './output.ts'
import { type Flags, readSettings } from './settings.ts'
import { openWorkbench } from './workbench.ts'

export async function listAccounts(flags: Flags): Promise<void> {
  const { house, close } = await openWorkbench(readSettings(flags), { needsSecret: false })
  try {
    const accounts = await house.accounts.list()
    const rows = accounts.map(({ id, email, state, verified_at, created_at }) => ({
      id,
      email,
      state,
      verified: verified_at === null ? 'no' : 'yes',
      created: isoInstant(created_at),
    }))
    printRows(rows, { name: 'accounts', json: flags.json ?? false, none: 'There are no accounts yet.' })
  } finally {
    await close()
  }
}

/** `who` is an address or an id. Disabling ends every session of the account at once. */
export async function changeAccount(who: string, verb: 'disable' | 'enable', flags: Flags): Promise<void> {
  const { house, heard, close } = await openWorkbench(readSettings(flags), { needsSecret: false })
  try {
    const wanted = who.toLowerCase()
    const account = (await house.accounts.list()).find(({ id, email }) => id === who || email === wanted)
    if (account === undefined)
      throw new Error(`There is no account "${who}". \`counterfoil accounts list\` shows all.`)
    const isChanged = await house.accounts[verb](account.id)
    await heard()
    const text = isChanged ? `${account.email} is ${verb}d.` : `${account.email} was ${verb}d already.`
    printDone(
      { id: account.id, email: account.email, changed: isChanged },
      { json: flags.json ?? false, text },
    )
  } finally {
    await close()
  }
}
