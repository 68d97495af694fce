import { createClocks, offsetOf, setSuspended, stepWall } from './clocks.ts'
import { copyUpTo, type Database } from './database.ts'
import { disturb } from './garbage.ts'
import { crashHub, startHub } from './hub-process.ts'
import { blame } from './judge.ts'
import type { Fault } from './scene.ts'
import { count } from './tally.ts'
import { schedule } from './timeline.ts'
import { startVerifier, stopVerifier, type VerifierProcess } from './verifier-process.ts'
import { type Process, type World, wait } from './world.ts'

export function planFaults(world: World): void {
  for (const fault of world.scene.faults) schedule(world.line, fault.at, () => strike(world, fault))
  schedule(world.line, world.scene.healAt, () => heal(world))
}

const target = <One>(list: readonly One[], fault: Fault): One => {
  const one = list[fault.target % list.length]
  if (one === undefined) throw new Error('Nobody to strike')
  return one
}

function strike(world: World, fault: Fault) {
  const { line, scene } = world
  const until = Math.min(line.now + fault.length, scene.healAt)
  const verifier = target(world.verifiers, fault)
  const hub = target(world.hubs, fault)
  count(world.tally.faults, fault.kind)
  switch (fault.kind) {
    case 'hub_crash':
      return crashHub(world, hub)
    case 'hub_pause':
      return pause(world, hub, until)
    case 'hub_suspend':
      return suspend(world, hub, until)
    case 'hub_cut_from_database':
      hub.cutUntil = until
      return
    case 'failover':
      return failOver(world, fault)
    case 'restore':
      return takeOver(world, { cut: Math.max(1, line.now - fault.length), isRestore: true, fault })
    case 'database_stall':
      world.databaseStalledUntil = Math.min(until, line.now + 10_000)
      return
    case 'verifier_restart':
      stopVerifier(world, verifier)
      return wait(world, Math.min(fault.length, 5000), () => startVerifier(world, verifier))
    case 'verifier_pause':
      return pause(world, verifier, Math.min(until, line.now + 8000))
    case 'verifier_suspend':
      // Not while a backward step of its clock has not been seen: then both clocks would lie at once.
      if (verifier.setBackAt >= verifier.stampedAt) return
      verifier.suspendedUntil = Math.max(verifier.suspendedUntil, until)
      verifier.sleeps++
      return suspend(world, verifier, until)
    case 'verifier_cut_from_feed':
      verifier.cutFromFeedUntil = until
      return
    case 'verifier_cut_off':
      verifier.cutOffUntil = until
      return
    case 'clock_step':
      return step(world, verifier, fault.size * 25_000)
    case 'clock_wrong':
      verifier.wasWrong = true
      return step(world, verifier, fault.size * 1_000_000)
    default:
      return disturb(world, verifier, fault)
  }
}

function pause(world: World, process: Process, until: number): void {
  process.pausedUntil = Math.max(process.pausedUntil, until, world.line.now)
}

function suspend(
  world: World,
  process: Process & { clocks: VerifierProcess['clocks'] },
  until: number,
): void {
  if (process.clocks.isSuspended) return
  setSuspended(process.clocks, world.line.now, true)
  pause(world, process, until)
  // First of all that happens then: whoever waits for it was planned later.
  schedule(world.line, until, () => setSuspended(process.clocks, world.line.now, false))
}

/** Nor while a suspension has not been seen. */
function step(world: World, verifier: VerifierProcess, by: number): void {
  const { now } = world.line
  if (by < 0 && verifier.suspendedUntil >= verifier.stampedAt) return
  const offset = offsetOf(verifier.clocks, now)
  const isWrong = Math.abs(offset + by) > 29_000
  if (isWrong && !verifier.wasWrong) return
  if (by < 0) verifier.setBackAt = now
  stepWall(verifier.clocks, now, by)
}

function failOver(world: World, fault: Fault): void {
  const { line, scene } = world
  takeOver(world, {
    cut: scene.replication === 'sync' ? line.now : line.now - scene.lag,
    isRestore: false,
    fault,
  })
}

/** Another copy becomes the primary; processes find it at once, or go on talking to the old one for a while. */
function takeOver(world: World, given: { cut: number; isRestore: boolean; fault: Fault }): void {
  const { line, chance, db, copies, hubs, scene } = world
  const { cut, isRestore, fault } = given
  // Two lives of one second would have one number; nobody puts a backup back that fast.
  if (line.now < (db.lives.at(-1)?.begunAt ?? 0) + 2000) return
  const clocks = {
    ...createClocks(chance, 0),
    wall: db.clocks.wall + (line.now - db.clocks.at) + fault.size * 500,
    at: line.now,
  }
  const next = copyUpTo(db, cut, { identity: copies.length + 2, clocks })
  copies.push(db)
  db.isFenced = true
  world.db = next
  recordLoss(world, { from: db, to: next, cut })
  for (const hub of hubs) {
    const stays = !isRestore && chance.is(0.4)
    const move = () => {
      if (hub.db !== world.db) hub.db = world.db
    }
    if (stays) schedule(line, Math.min(line.now + chance.between(0, 30_000), scene.healAt), move)
    else move()
  }
  if (!isRestore && scene.replication === 'sync' && next.head !== db.head)
    blame(world, 'a synchronous failover lost something', `${db.head} became ${next.head}`)
}

function recordLoss(world: World, { from, to, cut }: { from: Database; to: Database; cut: number }): void {
  const { line, truths, tally } = world
  const isLost = from.rows.length > to.rows.length || from.epoch !== to.epoch
  if (!isLost) return
  world.losses++
  for (const list of truths.values()) {
    for (const truth of list) {
      if (truth.row.committedAt <= cut || truth.lostAt < line.now) continue
      truth.lostAt = line.now
      tally.lost++
    }
  }
  const hubs = world.hubs.filter(({ hub, isUp }) => isUp && hub.epoch === from.epoch && hub.head > to.head)
  const verifiers = world.verifiers.filter(({ checker, isUp }) => isUp && checker.view.applied > to.head)
  const witnesses = [...hubs, ...verifiers].map((process) => ({ process, life: process.life }))
  world.lossList.push({ at: line.now, witnesses })
}

function heal(world: World): void {
  const { line, hubs, verifiers } = world
  world.isHealed = true
  world.databaseStalledUntil = 0
  for (const hub of hubs) {
    Object.assign(hub, { cutUntil: 0, db: world.db })
    hub.pausedUntil = Math.min(hub.pausedUntil, line.now)
    if (!hub.isUp) startHub(world, hub)
  }
  for (const verifier of verifiers) {
    Object.assign(verifier, { cutFromFeedUntil: 0, cutOffUntil: 0 })
    // Set right by whoever keeps the clocks, a little after everything else.
    wait(world, 3000, () => stepWall(verifier.clocks, line.now, -offsetOf(verifier.clocks, line.now)))
  }
}
