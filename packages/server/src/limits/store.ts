import { type RawBuilder, sql } from 'kysely'
import type { Primary } from '../db/primary.ts'
import type { Db } from '../db/schema.ts'
import { type Limit, latestAllowed } from './gcra.ts'

export type Count = { key: string; limit: Limit }

type Counting = { now: number; primary: Primary }

/**
 * The new arrivals, in the order of `counts`, up to the first that is not allowed: those behind it are not touched. Each
 * count is one conditional write, so of attempts that come at once, on however many nodes, each sees what the one
 * before it left. It does not wait for the disk: everybody of one network queues for one row, and a crash of the
 * database may forget the attempts of its last moment.
 */
export async function advance(db: Db, counts: readonly Count[], counting: Counting): Promise<number[]> {
  const steps = counts.map((count, at) => {
    const values = sql`cast(${count.key} as text), cast(${counting.now + count.limit.intervalSeconds} as bigint)`
    const isNested = counting.primary.nestsWrites && at > 0
    const row = isNested
      ? sql`select ${values} where exists (select from ${step(at - 1)})`
      : sql`values (${values})`
    return advanceBy(count, row, counting)
  })
  if (counting.primary.nestsWrites) return arrivalsOf(db, nested(steps))
  const arrivals: number[] = []
  for (const one of steps) {
    const [arrival] = await arrivalsOf(db, one)
    if (arrival === undefined) break
    arrivals.push(arrival)
  }
  return arrivals
}

function advanceBy(
  { limit }: Count,
  row: RawBuilder<unknown>,
  { now, primary }: Counting,
): RawBuilder<Arrival> {
  const { intervalSeconds } = limit
  return sql`insert into limit_state (key, arrival_at) ${row}
    on conflict (key) do update set arrival_at = case
      when limit_state.arrival_at > ${now} then limit_state.arrival_at + ${intervalSeconds}
      else ${now + intervalSeconds} end
    where limit_state.arrival_at <= ${latestAllowed(limit, now)}
    returning arrival_at, ${primary.undurably} as undurably`
}

/** Takes attempts back, in the order in which they were counted: nobody waits for another one in a circle. */
export async function stepBack(db: Db, counts: readonly Count[], primary: Primary): Promise<void> {
  const steps = counts.map(({ key, limit }, at) => {
    // Asking what the step before it did makes it come after that step.
    const isNested = primary.nestsWrites && at > 0
    const last = isNested ? sql`and (select count(*) from ${step(at - 1)}) >= 0` : sql``
    return sql<Arrival>`update limit_state set arrival_at = arrival_at - ${limit.intervalSeconds}
      where key = ${key} ${last} returning arrival_at, ${primary.undurably} as undurably`
  })
  for (const one of primary.nestsWrites ? [nested(steps)] : steps) await one.execute(db)
}

type Arrival = { arrival_at: number }

const step = (at: number) => sql.id(`step_${at}`)

/** One way there and back for all of them; each may refer to the one before it. */
function nested(steps: readonly RawBuilder<Arrival>[]): RawBuilder<Arrival> {
  const named = steps.map((one, at) => sql`${step(at)} as (${one})`)
  const all = steps.map((_, at) => sql`select arrival_at, cast(${at} as bigint) as place from ${step(at)}`)
  return sql`with ${sql.join(named)} ${sql.join(all, sql` union all `)} order by place`
}

async function arrivalsOf(db: Db, statement: RawBuilder<Arrival>): Promise<number[]> {
  const { rows } = await statement.execute(db)
  return rows.map((row) => row.arrival_at)
}

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
