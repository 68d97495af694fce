import type { Chance } from './chance.ts'
import type { Core } from './core.ts'
import type { Database, Row, Scope } from './database.ts'
import type { HubProcess } from './hub-process.ts'
import type { Probe } from './probes.ts'
import type { Scene } from './scene.ts'
import type { Tally } from './tally.ts'
import { after, schedule, type Timeline } from './timeline.ts'
import type { VerifierProcess } from './verifier-process.ts'

/** One end as it really was, for the judge. */
export type Truth = { row: Row; lostAt: number }

/** What a copy of the database lacks, since when, and who had learnt of it. */
export type Loss = {
  at: number
  witnesses: { process: Process; life: number }[]
}

export type World = {
  readonly core: Core
  readonly scene: Scene
  readonly chance: Chance
  readonly line: Timeline
  readonly tally: Tally
  /** The primary of now. */
  db: Database
  /** Its predecessors, which may still answer reads. */
  readonly copies: Database[]
  databaseStalledUntil: number
  readonly hubs: HubProcess[]
  readonly verifiers: VerifierProcess[]
  readonly truths: Map<Scope, Truth[]>
  /** At which position each session began, wherever that is still written. */
  readonly began: Map<string, number>
  readonly probes: Probe[]
  /** Until when something may be broken on purpose. */
  isHealed: boolean
  /** Lives of the database that somebody declared, and how often something had been lost. */
  declared: number
  declaredAt: number
  losses: number
  /** When something was lost, and who knew of it. */
  readonly lossList: Loss[]
  links: number
  serial: number
}

/** Whatever runs: it can die, and it can stand still. */
export type Process = { life: number; isUp: boolean; pausedUntil: number }

export const wait = (world: World, delay: number, work: () => void) => after(world.line, delay, work)

/** Does the work in this life of a process, once it does not stand still. */
export function within(world: World, process: Process, work: () => void): () => void {
  const { life } = process
  const attempt = () => {
    if (process.life !== life || !process.isUp) return
    if (process.pausedUntil > world.line.now) schedule(world.line, process.pausedUntil, attempt)
    else work()
  }
  return attempt
}

/** How long a message takes: mostly the latency, now and then much longer. */
export function travel(world: World): number {
  const { chance, scene } = world
  const usual = scene.latency * (0.8 + 0.4 * chance.next())
  return chance.is(0.02) ? usual + chance.between(0, 400) : usual
}

/** Whether this is the moment at which a process dies, between one step and the next. */
export const strikes = (world: World) =>
  !world.isHealed && world.scene.crashes > 0 && world.chance.is(world.scene.crashes)
