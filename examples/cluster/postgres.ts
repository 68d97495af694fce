import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { stopProcess } from './node.ts'

const program = fileURLToPath(new URL('../../tools/postgres.ts', import.meta.url))

export type Database = { url: string; stop(): Promise<void> }

/** The one that is given, or a PostgreSQL that lives as long as this program does. */
export async function openDatabase(given: string | undefined): Promise<Database> {
  if (given !== undefined) return { url: given, stop: async () => {} }
  // It ends when its input does, so it does not outlive us however we end.
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  for (;;) {
    const url = /^postgres:\S+$/m.exec(said)?.[0]
    if (url !== undefined) return { url, stop: () => stopProcess(child) }
    if (child.exitCode !== null) throw new Error('PostgreSQL did not start')
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  }
}
