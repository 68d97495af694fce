import { type RawBuilder, sql } from 'kysely'
import type { Primary } from '../db/primary.ts'
import type { Db } from '../db/schema.ts'
import { type Slots, template } from '../db/template.ts'
import { type Limit, latestAllowed } from './gcra.ts'

export type Count = { key: string; limit: Limit }

/**
 * The new arrivals, in the order of the counts, up to the first that is not allowed: those behind it are not touched. Each
 * count is one conditional write, so of attempts that come at once, on however many nodes, each sees what the one
 * before it left. It does not wait for the disk: everybody of one network queues for one row, and a crash of the
 * database may forget the attempts of its last moment.
 */
type Advance = (db: Db, counts: readonly Count[], now: number) => Promise<number[]>
/** Takes attempts back, in the order in which they were counted: nobody waits for another one in a circle. */
type StepBack = (db: Db, counts: readonly Count[]) => Promise<void>

export function createCounting(primary: Primary): { advance: Advance; stepBack: StepBack } {
  const advanceAll = byLength((length) => template(allOf(length, advanceBy, primary)))
  const stepAllBack = byLength((length) => template(allOf(length, stepBackBy, primary)))

  return {
    async advance(db, counts, now) {
      if (primary.nestsWrites) return arrivalsOf(await advanceAll(counts.length)(db, fieldsOf(counts, now)))
      const arrivals: number[] = []
      for (const count of counts) {
        const [arrival] = arrivalsOf(await advanceAll(1)(db, fieldsOf([count], now)))
        if (arrival === undefined) break
        arrivals.push(arrival)
      }
      return arrivals
    },
    async stepBack(db, counts) {
      const groups = primary.nestsWrites ? [counts] : counts.map((count) => [count])
      for (const group of groups) await stepAllBack(group.length)(db, fieldsOf(group, 0))
    },
  }
}

type Arrival = { arrival_at: number }
type Fields = Record<string, string | number>
/** What one count is about, by its place among them. */
type Field = (name: 'key' | 'interval' | 'latest' | 'first') => RawBuilder<unknown>
type Step = (
  field: Field,
  given: { at: number; now: RawBuilder<unknown>; primary: Primary },
) => RawBuilder<Arrival>

const advanceBy: Step = (field, { at, now, primary }) => {
  const values = sql`cast(${field('key')} as text), cast(${field('first')} as bigint)`
  const row =
    at > 0 ? sql`select ${values} where exists (select from ${step(at - 1)})` : sql`values (${values})`
  return sql`insert into limit_state (key, arrival_at) ${row}
    on conflict (key) do update set arrival_at = case
      when limit_state.arrival_at > ${now} then limit_state.arrival_at + ${field('interval')}
      else ${field('first')} end
    where limit_state.arrival_at <= ${field('latest')}
    returning arrival_at, ${primary.undurably} as undurably`
}

const stepBackBy: Step = (field, { at, primary }) => {
  // Asking what the step before it did makes it come after that step.
  const last = at > 0 ? sql`and (select count(*) from ${step(at - 1)}) >= 0` : sql``
  return sql`update limit_state set arrival_at = arrival_at - ${field('interval')}
    where key = ${field('key')} ${last} returning arrival_at, ${primary.undurably} as undurably`
}

const step = (at: number) => sql.id(`step_${at}`)

/** One way there and back for all of them; each may refer to the one before it. */
function allOf(length: number, one: Step, primary: Primary) {
  return (_: Db, slots: Slots<Fields>): RawBuilder<Arrival> => {
    const steps = Array.from({ length }, (_, at) =>
      one((name) => sql`${slots[`${name}_${at}`]}`, { at, now: sql`${slots.now}`, primary }),
    )
    const [first] = steps
    if (first !== undefined && !primary.nestsWrites) return first
    const named = steps.map((one, at) => sql`${step(at)} as (${one})`)
    const all = steps.map((_, at) => sql`select arrival_at, cast(${at} as bigint) as place from ${step(at)}`)
    return sql`with ${sql.join(named)} ${sql.join(all, sql` union all `)} order by place`
  }
}

function fieldsOf(counts: readonly Count[], now: number): Fields {
  const fields: Fields = { now }
  for (const [at, { key, limit }] of counts.entries()) {
    fields[`key_${at}`] = key
    fields[`interval_${at}`] = limit.intervalSeconds
    fields[`latest_${at}`] = latestAllowed(limit, now)
    fields[`first_${at}`] = now + limit.intervalSeconds
  }
  return fields
}

function byLength<Made>(make: (length: number) => Made): (length: number) => Made {
  const made = new Map<number, Made>()
  return (length) => {
    const known = made.get(length) ?? make(length)
    made.set(length, known)
    return known
  }
}

const arrivalsOf = (rows: readonly Arrival[]) => rows.map((row) => row.arrival_at)

export async function readArrival(db: Db, key: string): Promise<number | null> {
  const row = await db
    .selectFrom('limit_state')
    .select('arrival_at')
    .where('key', '=', key)
    .executeTakeFirst()
  return row?.arrival_at ?? null
}

/** An arrival in the past says the same as no row. What is being counted stays, so that this waits for nobody. */
export async function dropPast(db: Db, now: number, primary: Primary): Promise<void> {
  await sql`delete from limit_state where key in (
    select key from limit_state where arrival_at <= ${now} ${primary.holdFree})`.execute(db)
}
