import type { House } from '../auth.ts'
import { type ForeignRow, openForeign } from '../db/foreign.ts'
import type { OpenDatabase } from '../db/open.ts'
import { liftTimeouts } from '../db/patience.ts'
import type { Db } from '../db/schema.ts'
import { type ForeignSystem, foreignSystems, readForeignHash } from '../node/foreign-hash.ts'
import { readFile } from './import-file.ts'
import { createReport, printReport, type Report } from './import-report.ts'
import { accountsQuery } from './import-systems.ts'
import { type Flags, readSettings } from './settings.ts'
import { openWorkbench } from './workbench.ts'

export type ImportFlags = Flags & {
  from?: string
  source?: string
  file?: string
  table?: string
  unproven?: string
  dryRun?: boolean
}

type Rows = AsyncIterable<readonly ForeignRow[]>
type Rules = Parameters<House['importing']>[0]
type Incoming = Parameters<ReturnType<House['importing']>['take']>[1][number]

const said = 10_000

/** Takes accounts of another system in, with the passwords that can be checked here: all of them or, where it fails, none. */
export async function importAccounts(flags: ImportFlags): Promise<void> {
  const system = readSystem(flags)
  const rules: Rules = { unproven: readUnproven(flags.unproven ?? 'reset'), isDryRun: flags.dryRun ?? false }
  const isJson = flags.json ?? false
  const { house, database, close } = await openWorkbench(readSettings(flags), { needsSecret: false })
  try {
    const { rows, close: closeSource } = await openRows(system, flags)
    try {
      const report = await takeAll({ house, database, system, rules, rows })
      printReport(report, { isJson, isDryRun: rules.isDryRun })
    } finally {
      await closeSource()
    }
  } finally {
    await close()
  }
}

/** Exported for tests, which give a house of their own. */
export async function takeAll(given: {
  house: Pick<House, 'importing'>
  database: Pick<OpenDatabase, 'db' | 'engine'>
  system: ForeignSystem
  rules: Rules
  rows: Rows
}): Promise<Report> {
  const { house, database, system, rules, rows } = given
  const { db, engine } = database
  const readAll = async (tx: Db) => {
    const importing = house.importing(rules)
    const report = createReport()
    for await (const batch of rows) {
      const before = report.read
      const read = batch.map((row) => readRow(system, row))
      const outcomes = await importing.take(
        tx,
        read.map(({ incoming }) => incoming),
      )
      for (const [index, outcome] of outcomes.entries())
        report.add(outcome, read[index]?.password ?? 'none', batch[index]?.email ?? null)
      if (Math.floor(report.read / said) > Math.floor(before / said)) console.error(`${report.read} read`)
    }
    return report
  }
  if (rules.isDryRun) return readAll(db)
  return db.transaction().execute(async (tx) => {
    if (engine === 'postgres') await liftTimeouts(tx)
    return readAll(tx)
  })
}

/** Whatever is in a row, what comes out is bounded text that the rooms judge. */
function readRow(system: ForeignSystem, row: ForeignRow) {
  const read = readForeignHash(system, row.password ?? null)
  const password = typeof read === 'string' ? read : 'kept'
  const incoming: Incoming = {
    id: row.id ?? null,
    email: row.email ?? '',
    isVerified: row.verified === '1',
    isDisabled: row.disabled === '1',
    hash: typeof read === 'string' ? null : read.hash,
    createdAt: readInstant(row.created ?? null),
  }
  return { incoming, password } as const
}

/** Seconds, milliseconds, or a date as SQL and ISO 8601 write it (without a zone: UTC). */
function readInstant(text: string | null): number | null {
  if (text === null) return null
  const number = Number(text)
  const seconds = Number.isFinite(number)
    ? number > 1e11
      ? number / 1000
      : number
    : Date.parse(isoOf(text)) / 1000
  return Number.isFinite(seconds) && seconds > 0 ? Math.floor(seconds) : null
}

function isoOf(text: string): string {
  const iso = text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')
  return /(?:Z|[+-]\d\d:\d\d)$/.test(iso) || !iso.includes('T') ? iso : `${iso}Z`
}

export async function openRows(system: ForeignSystem, given: Pick<ImportFlags, 'source' | 'file' | 'table'>) {
  const { source, file, table } = given
  if (system === 'file') return { rows: readFile(file ?? ''), close: async () => {} }
  const foreign = await openForeign(source ?? '')
  try {
    const query = accountsQuery(system, { tables: await foreign.tables(), table: table ?? null })
    return { rows: foreign.read(query), close: foreign.close }
  } catch (error) {
    await foreign.close()
    throw error
  }
}

function readSystem({ from, source, file }: ImportFlags): ForeignSystem {
  if (file !== undefined && from === undefined && source === undefined) return 'file'
  const systems = foreignSystems.filter((one) => one !== 'file')
  const system = systems.find((one) => one === from)
  if (system !== undefined && source !== undefined && file === undefined) return system
  throw new Error(`Give --from (${systems.join(', ')}) with --source, or --file alone.`)
}

function readUnproven(given: string): Rules['unproven'] {
  if (given === 'skip' || given === 'reset' || given === 'trust') return given
  throw new Error(`--unproven is "${given}". Give skip, reset or trust.`)
}
