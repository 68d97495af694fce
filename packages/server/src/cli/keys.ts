import { isoInstant } from '../node/clock.ts'
import type { ListedKey } from '../tokens/index.ts'
import { printRows } from './output.ts'
import { type Flags, readSettings } from './settings.ts'
import { openWorkbench } from './workbench.ts'

export type RotateFlags = Flags & { now?: boolean; compromised?: boolean }

export async function listKeys(flags: Flags): Promise<void> {
  const { house, close } = await openWorkbench(readSettings(flags), { needsSecret: false })
  try {
    show(await house.keys.list(), flags)
  } finally {
    await close()
  }
}

export async function rotateKeys(flags: RotateFlags): Promise<void> {
  const { house, heard, close } = await openWorkbench(readSettings(flags), { needsSecret: true })
  try {
    const when = flags.compromised ? 'compromised' : flags.now ? 'now' : 'published'
    const keys = await house.keys.rotate(when)
    await heard()
    show(keys, flags)
  } finally {
    await close()
  }
}

function show(keys: readonly ListedKey[], flags: Flags): void {
  const rows = keys.map(({ kid, algorithm, state, active_at }) => ({
    kid,
    algorithm,
    state,
    signs_from: active_at === null ? null : isoInstant(active_at),
  }))
  printRows(rows, {
    name: 'keys',
    json: flags.json ?? false,
    none: 'There are no signing keys yet; the server makes them at its first start.',
  })
}
