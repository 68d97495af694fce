import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'

export type RunningDemo = {
  bank: string
  evil: string
  textbook: string
  /** What it printed of its own, without npm's lines. */
  lines: string[]
  /** What it has said on standard error until now. */
  errors(): string
  /** The folders that it made in the place for temporary ones, while it runs or after. */
  temporary(): string[]
  /** Ctrl-C: the terminal tells npm and the program at once. The exit code. */
  interrupt(): Promise<number | null>
}

/** `npm run demo`, as a person would type it. */
export const startByNpm = (args: readonly string[]) => start('npm', ['run', 'demo', '--', ...args])

/** The same without npm, whose exit code hides that of the program. */
export const startDemo = (args: readonly string[]) => start(process.execPath, [program, ...args])

const program = fileURLToPath(new URL('../run.ts', import.meta.url))

async function start(command: string, args: readonly string[]): Promise<RunningDemo> {
  const place = mkdtempSync(join(tmpdir(), 'counterfoil-demo-'))
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, TMPDIR: place },
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const lines = () => output.split('\n').filter((line) => line !== '' && !line.startsWith('> '))
  while (lines().length < 3) {
    if (child.exitCode !== null) throw new Error(`the demonstration did not start:\n${output}${errors}`)
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  }
  const [bank = '', evil = '', textbook = ''] = lines()
  return {
    ...{ bank, evil, textbook },
    lines: lines(),
    errors: () => errors,
    temporary: () => readdirSync(place).filter((name) => name.startsWith('counterfoil-bank-')),
    async interrupt() {
      const code = await interrupt(child)
      const left = readdirSync(place).filter((name) => name.startsWith('counterfoil-bank-'))
      rmSync(place, { recursive: true, force: true })
      if (left.length > 0) throw new Error(`the demonstration left ${left.join(', ')} behind`)
      return code
    },
  }
}

async function interrupt(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.pid === undefined) return child.exitCode
  const exited = once(child, 'exit')
  process.kill(-child.pid, 'SIGINT')
  await exited
  return child.exitCode
}

/** The balance that stands in a bank's books, whatever any page says. */
export function centsIn(ledger: string, email: string): number {
  return inBooks(ledger, (db) =>
    Number(db.prepare('select cents from holder where name = ?').get(email)?.cents),
  )
}

/** Every payment that somebody made by a bank's books; what they were paid is not among them. */
export function paidIn(ledger: string, email: string): string[] {
  return inBooks(ledger, (db) =>
    db
      .prepare('select * from payment where payer = ? order by id')
      .all(email)
      .map((row) => JSON.stringify(row)),
  )
}

function inBooks<Found>(ledger: string, look: (db: DatabaseSync) => Found): Found {
  const db = new DatabaseSync(ledger, { readOnly: true })
  try {
    return look(db)
  } finally {
    db.close()
  }
}
