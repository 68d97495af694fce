import { type CompiledQuery, type RawBuilder, sql } from 'kysely'
import type { Db } from './schema.ts'

type Value = string | number | null
type Values = Readonly<Record<string, Value>>
/** Each stands for a value that is not known yet. */
export type Slots<Given> = { readonly [Name in keyof Given]: RawBuilder<Given[Name]> }
type Built<Row> = { compile(db: Db): CompiledQuery<Row> }

/**
 * A statement whose text never changes: it is built with its first use on a database, and only filled in from then on. For
 * what a sign-in waits for: to build a statement takes the processor about as long as to send it.
 */
export function template<Given extends Values, Row>(
  build: (db: Db, slots: Slots<Given>) => Built<Row>,
): (db: Db, given: Given) => Promise<Row[]> {
  const compiled = new WeakMap<object, CompiledQuery<Row>>()

  return async (db, given) => {
    // A database and all of its transactions share one.
    const { adapter } = db.getExecutor()
    const known = compiled.get(adapter) ?? build(db, slotsOf(given)).compile(db)
    compiled.set(adapter, known)
    const parameters = known.parameters.map((parameter) => filled(parameter, given))
    const { rows } = await db.getExecutor().executeQuery<Row>({ ...known, parameters })
    return rows
  }
}

function slotsOf<Given extends Values>(given: Given): Slots<Given> {
  const slots = Object.keys(given).map((name) => [name, sql`${Symbol(name)}`])
  // Whoever builds with them sees the names and types of `given`.
  return Object.fromEntries(slots) as Slots<Given>
}

function filled(parameter: unknown, given: Values): unknown {
  if (typeof parameter !== 'symbol') return parameter
  const value = given[parameter.description ?? '']
  // A driver would take it for null, and the statement would mean something else.
  if (value === undefined) throw new Error(`The statement lacks ${String(parameter)}.`)
  return value
}
