import { ageOf } from '@counterfoil/verifier'
import { instantOf, secondsOf } from './clocks.ts'
import { skew } from './core.ts'
import { indexAfter, type Row, type Scope } from './database.ts'
import type { Probe } from './probes.ts'
import { note, stamp } from './tally.ts'
import type { VerifierProcess } from './verifier-process.ts'
import type { World } from './world.ts'

/** What must never happen, said by somebody who knows the real time and everything that was committed. */
export function blame(world: World, rule: string, detail: string): void {
  const { tally, scene, line } = world
  if (tally.violations.length < 20)
    tally.violations.push({ seed: scene.seed, rule, at: Math.round(line.now), detail })
}

/** A verifier has just decided to accept. */
export function accepted(
  world: World,
  verifier: VerifierProcess,
  given: { probe: Probe; maxStale: number },
): void {
  const { probe, maxStale } = given
  world.tally.accepts++
  stamp(world.tally, world.line.now)
  for (const scope of probe.own) checkEnd(world, verifier, { ...given, scope, began: -1 })
  const began = world.began.get(probe.session) ?? 0
  for (const scope of probe.wide) checkEnd(world, verifier, { ...given, scope, began })
  const { issued } = probe
  if (issued === null || verifier.wasWrong) return
  if (secondsOf(world.db.clocks, world.line.now) > issued.end + skew)
    blame(world, 'believed past its end', `${probe.credential} within ${maxStale}`)
}

function checkEnd(
  world: World,
  verifier: VerifierProcess,
  given: { probe: Probe; maxStale: number; scope: Scope; began: number },
): void {
  const { probe, maxStale, scope, began } = given
  const { now } = world.line
  for (const { row, lostAt } of world.truths.get(scope) ?? []) {
    // Lost with a copy of the database that is gone: nobody can know, and it is counted as lost.
    if (lostAt <= now || row.position <= began) continue
    const late = now - row.committedAt
    note(world.tally.exposure, late)
    const what = () =>
      `verifier ${verifier.id}, ${probe.credential.replace(/^\.+/, '')}, ${scope}, ${Math.round(late)} ms after`
    if (late > maxStale + blur(verifier)) blame(world, 'accepted after its end and maxStale', what())
    if (isApplied(world, verifier, row) && !isMisled(world, verifier, probe))
      blame(world, 'accepted after its end was applied', what())
  }
}

function isApplied({ core }: World, { checker }: VerifierProcess, row: Row): boolean {
  const { epoch, applied } = checker.view
  return core.positions === 'head' && epoch >= row.epoch && applied >= row.position
}

/**
 * A machine whose clock is wrong by more than clocks may be takes a token for unexpired whose end was forgotten long ago.
 * It knows no better than its clock; routes with a bound ask instead.
 */
function isMisled({ db, line }: World, { wasWrong }: VerifierProcess, { issued }: Probe): boolean {
  return wasWrong && issued !== null && secondsOf(db.clocks, line.now) > issued.end
}

/** A wall clock is read in whole milliseconds: each time that a machine slept is measured to within three of them. */
const blur = ({ sleeps }: VerifierProcess) => 3 * sleeps

/** The first end that a view does not know. */
function firstUnknown(rows: readonly Row[], { epoch, applied }: { epoch: number; applied: number }): number {
  let next = indexAfter(rows, applied)
  // Positions of a life that a view has not heard of may be those that it knows from one that was lost.
  while ((rows[next - 1]?.epoch ?? 0) > epoch) next--
  return next
}

/** After every step of a view. */
export function checkView(
  world: World,
  verifier: VerifierProcess,
  before: { epoch: number; applied: number },
): void {
  const { view } = verifier.checker
  stamp(world.tally, world.line.now + view.applied)
  if (view.epoch < before.epoch || view.applied < before.applied) {
    blame(world, 'went back', `from ${before.epoch}.${before.applied} to ${view.epoch}.${view.applied}`)
  }
  if (world.core.positions === 'serial') return
  const { now } = world.line
  const { rows } = world.db
  const next = firstUnknown(rows, view)
  if (view.applied > before.applied) noteLearning(world, before.applied, next)
  const unknown = rows[next]
  if (unknown === undefined) return
  const age = ageOf(view, instantOf(verifier.clocks, now))
  const truth = now - unknown.committedAt
  if (age + blur(verifier) < truth)
    blame(world, 'believes to be fresher than it is', `verifier ${verifier.id}: ${age} < ${truth}`)
}

function noteLearning(world: World, applied: number, next: number): void {
  const { rows } = world.db
  for (let index = indexAfter(rows, applied); index < next; index++) {
    const row = rows[index]
    if (row !== undefined && applied > 0) note(world.tally.learning, world.line.now - row.committedAt)
  }
}

/** At the end, when nothing has been broken for a while. */
export function checkHealed(world: World): void {
  const { core, db, line, verifiers, probes } = world
  if (probes.length === 0) blame(world, 'not healed', 'nobody could sign in')
  for (const verifier of verifiers) {
    const { checker, clocks } = verifier
    const now = instantOf(clocks, line.now)
    const { epoch, applied } = checker.view
    const age = ageOf(checker.view, now)
    if (core.positions === 'head' && (epoch !== db.epoch || applied !== db.head || age > 4000))
      blame(
        world,
        'not healed',
        `verifier ${verifier.id} at ${epoch}.${applied}, ${age} ms old; ${db.epoch}.${db.head}`,
      )
    for (const probe of probes) {
      if (probe.issued === null) continue
      const admission = core.admit(checker, { ...probe, statement: probe.issued, askedAt: 0 }, now)
      if (admission.kind !== 'admitted')
        blame(world, 'not healed', `verifier ${verifier.id}: ${admission.kind}`)
    }
  }
  checkLosses(world)
}

/** Whoever knew more than the copy that took over has made it known. */
function checkLosses(world: World): void {
  if (world.declared > 0 && world.losses === 0)
    blame(world, 'declared without a loss', `${world.declared} times`)
  for (const loss of world.lossList) {
    const isKnown = loss.witnesses.some(({ process, life }) => process.isUp && process.life === life)
    if (isKnown && world.declaredAt < loss.at)
      blame(world, 'a loss that somebody knew of was not declared', `at ${Math.round(loss.at)}`)
  }
}
