import { parseArgs } from 'node:util'
import { openFolder } from './accounts.ts'
import { pin } from './cores.ts'
import type { Row } from './figures.ts'
import { conclude, describeMachine, say } from './report.ts'

export type Undo = (() => unknown)[]
export type Folder = ReturnType<typeof openFolder>
/** What a question is asked with: whatever it starts is stopped again by what it puts into `undo`. */
export type Asked<Plan> = { plan: Plan; isQuick: boolean; undo: Undo; folder: Folder }

/** Asks one question in a process of its own: measures away from the servers, prints, keeps, and stops what it started. */
export async function answer<Plan>(
  name: string,
  plans: { full: Plan; quick: Plan },
  measure: (asked: Asked<Plan>) => Promise<Row[]>,
): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, out: { type: 'string' } } })
  const isQuick = values.quick === true
  say(describeMachine())
  pin(process.pid, 1)
  const folder = openFolder()
  const undo: Undo = [folder.close]
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().finally(() => process.exit(1)))
  try {
    const rows = await measure({ plan: plans[isQuick ? 'quick' : 'full'], isQuick, undo, folder })
    return conclude(rows, values.out ?? `.cache/bench/${name}.json`)
  } finally {
    await stop()
  }
}
