import { type Statement, stamp } from '@counterfoil/verifier'
import { instantOf } from './clocks.ts'
import type { Database } from './database.ts'
import { accepted } from './judge.ts'
import { isAlive, type Probe, slowness, statementAt } from './probes.ts'
import { count } from './tally.ts'
import type { VerifierProcess } from './verifier-process.ts'
import { travel, type World, wait, within } from './world.ts'

type Asking = { probe: Probe; maxStale: number }

/** One request: the warm path, the cold one, and the question where what is known is too old. */
export function identify(world: World, verifier: VerifierProcess, given: Asking): void {
  if (!verifier.isUp) return
  world.tally.probes++
  within(world, verifier, () => check(world, verifier, given))()
}

const refuse = (world: World, why: string) => count(world.tally.refusals, why)

function check(world: World, verifier: VerifierProcess, given: Asking) {
  const { core } = world
  const { checker, clocks } = verifier
  const { probe, maxStale } = given
  const { carried, credential } = probe
  const now = instantOf(clocks, world.line.now)
  const known = core.find(checker, { carried, credential }, now)
  if (known !== null) {
    if (core.isFresh(checker, { entry: known, maxStale }, now)) return accepted(world, verifier, given)
    return question(world, verifier, { ...given, rounds: 1 })
  }
  if (probe.issued === null) return question(world, verifier, { ...given, rounds: 2 })
  const admission = core.admit(checker, { ...probe, statement: probe.issued, askedAt: 0 }, now)
  if (admission.kind !== 'admitted' && checker.view.window > 0) return refuse(world, admission.kind)
  if (admission.kind === 'admitted' && core.isFresh(checker, { entry: admission.entry, maxStale }, now))
    return accepted(world, verifier, given)
  question(world, verifier, { ...given, rounds: 1 })
}

/** Answered by a node, from the copy that its connections lead to: after a write there that began once the question had arrived. */
function question(world: World, verifier: VerifierProcess, given: Asking & { rounds: number }) {
  const { line, chance, core } = world
  const { steady } = verifier.checker.view
  const now = instantOf(verifier.clocks, line.now)
  const askedAt = stamp(steady, now)
  const unanswered = () => refuse(world, 'feed_stale')
  if (verifier.cutOffUntil > line.now) return unanswered()
  wait(world, travel(world), () => {
    const hub = chance.pick(world.hubs)
    const { db } = hub
    const startedAt = line.now
    const isStuck = () =>
      world.databaseStalledUntil > line.now ||
      hub.cutUntil > line.now ||
      (core.answers !== 'any_copy' && db.isFenced)
    if (!hub.isUp || isStuck()) return unanswered()
    const written = within(world, hub, () => {
      if (isStuck()) return unanswered()
      const statement = answerTo(world, given.probe, { db, startedAt })
      const back = travel(world) + slowness(world, 50_000)
      const use = within(world, verifier, () => answered(world, verifier, { ...given, statement, askedAt }))
      wait(world, Math.max(back, verifier.cutOffUntil - line.now), use)
    })
    wait(world, chance.is(0.9) ? chance.between(0, 3) : chance.between(0, 1500), written)
  })
}

const remembered = new WeakMap<World, Map<Probe, { statement: Statement | null; at: number }>>()

function answerTo(
  world: World,
  probe: Probe,
  { db, startedAt }: { db: Database; startedAt: number },
): Statement | null {
  const { core, line } = world
  const fresh = () =>
    isAlive(db, probe) ? (probe.issued ?? statementAt(world, probe, { db, startedAt })) : null
  if (core.answers !== 'memory') return fresh()
  const memory = remembered.get(world) ?? new Map()
  remembered.set(world, memory)
  const known = memory.get(probe)
  if (known !== undefined && line.now - known.at < 10_000) return known.statement
  const statement = fresh()
  memory.set(probe, { statement, at: line.now })
  return statement
}

type Answer = Asking & { rounds: number; statement: Statement | null; askedAt: number }

function answered(world: World, verifier: VerifierProcess, given: Answer) {
  const { core, line, scene } = world
  const { checker, clocks } = verifier
  const { probe, maxStale, statement, askedAt, rounds } = given
  if (statement === null) return refuse(world, 'session_ended')
  const now = instantOf(clocks, line.now)
  const late = Math.floor(now.wall / 1000)
  const isStored = core.countsFrom === 'store' && probe.issued === null
  const told = isStored ? { ...statement, readStart: late, end: late + scene.lifeSeconds } : statement
  const admission = core.admit(checker, { ...probe, statement: told, askedAt }, now)
  if (admission.kind === 'admitted') {
    if (core.isFresh(checker, { entry: admission.entry, maxStale }, now))
      return accepted(world, verifier, given)
    return refuse(world, 'feed_stale')
  }
  if (admission.kind === 'outdated' && rounds > 1)
    return question(world, verifier, { ...given, rounds: rounds - 1 })
  refuse(world, admission.kind)
}
