import { createReadStream, existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { ForeignRow } from '../db/foreign.ts'

const fields = ['id', 'email', 'email_verified', 'password_hash', 'created_at', 'disabled'] as const
type Field = (typeof fields)[number]
type Values = Partial<Record<Field, string | null>>

const rowsAtOnce = 500
const longestLine = 16_384

/** The neutral format: a JSON object on each line (`.jsonl`), or CSV with a line of names first (`.csv`). */
export async function* readFile(path: string): AsyncGenerator<ForeignRow[]> {
  if (!existsSync(path)) throw new Error(`There is no file at ${path}.`)
  const isCsv = path.endsWith('.csv')
  if (!isCsv && !/\.(?:jsonl|ndjson)$/.test(path))
    throw new Error('The file must end in .jsonl (one JSON object on each line) or .csv.')
  let names: Field[] | null = null
  let batch: ForeignRow[] = []
  let line = 0
  for await (const text of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
    line += 1
    const given = line === 1 ? text.replace(/^\uFEFF/, '') : text
    if (given.trim() === '') continue
    if (given.length > longestLine)
      throw new Error(`Line ${line} of the file is longer than ${longestLine} characters.`)
    if (isCsv && names === null) {
      names = readNames(given)
      continue
    }
    const values = names === null ? readObject(given) : readCells(given, names)
    if (values === null) throw new Error(`Line ${line} of the file cannot be read. Nothing was imported.`)
    if (batch.push(rowOf(values)) < rowsAtOnce) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function rowOf(values: Values): ForeignRow {
  return {
    id: values.id ?? null,
    email: values.email ?? null,
    password: values.password_hash ?? null,
    verified: isTrue(values.email_verified) ? '1' : '0',
    disabled: isTrue(values.disabled) ? '1' : '0',
    created: values.created_at ?? null,
  }
}

const isTrue = (value: string | null | undefined) => /^(?:1|t|true)$/i.test(value ?? '')
const isField = (name: string): name is Field => fields.some((field) => field === name)

/** A name that is not known would be a mistyped one: an account without what it was meant to have. */
function readNames(line: string): Field[] {
  const names = splitCells(line) ?? []
  const unknown = names.find((name) => !isField(name))
  if (unknown !== undefined || !names.includes('email'))
    throw new Error(
      `The first line of the file must name its columns: ${fields.join(', ')}; email is needed.`,
    )
  return names.filter(isField)
}

function readObject(line: string): Values | null {
  let given: unknown
  try {
    given = JSON.parse(line)
  } catch {
    return null
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return null
  const values: Values = {}
  for (const [name, value] of Object.entries(given)) {
    if (!isField(name) || (typeof value === 'object' && value !== null)) return null
    values[name] = value === null ? null : String(value)
  }
  return values
}

function readCells(line: string, names: readonly Field[]): Values | null {
  const cells = splitCells(line)
  if (cells?.length !== names.length) return null
  return Object.fromEntries(names.map((name, index) => [name, cells[index] === '' ? null : cells[index]]))
}

/** RFC 4180 within one line: a cell may be quoted, with its quotes doubled. */
function splitCells(line: string): string[] | null {
  const cells: string[] = []
  const cell = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y
  for (;;) {
    const found = cell.exec(line)
    if (found === null) return null
    cells.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '')
    if (found[3] === '') return cells
  }
}
