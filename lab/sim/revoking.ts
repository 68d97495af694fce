import { append, keyOf, kindOf, type Row, type Scope } from './database.ts'
import { read } from './hub-process.ts'
import { schedule } from './timeline.ts'
import { travel, type World, wait, within } from './world.ts'

/** No transaction waits for the head row, or holds it, for longer. */
const lockTimeout = 2000

/** One transaction that ends something, from its first statement to its commit or its end without one. */
export function revoke(world: World, scopes: readonly Scope[]) {
  const { chance, line, db } = world
  const hold = chance.is(0.1) ? chance.between(0, 1500) : chance.between(0.5, 8)
  if (world.core.positions === 'serial') return revokeSerially(world, scopes, hold)
  const locked = Math.max(line.now, db.lockedUntil)
  // Refused, and reported as such: nobody was told that it is done.
  if (locked - line.now > lockTimeout) return
  db.lockedUntil = locked + hold
  schedule(line, locked + hold, () => {
    const isDead = !world.isHealed && chance.is(world.scene.crashes)
    if (isDead || db.isFenced || db !== world.db) return
    if (world.databaseStalledUntil > line.now) {
      db.lockedUntil = Math.max(db.lockedUntil, world.databaseStalledUntil)
      return
    }
    commit(world, append(db, scopes, { time: line.now, wantsAck: chance.is(0.2) }))
    if (!chance.is(world.scene.crashes)) hint(world)
  })
}

/** As a serial column does it: the number first, the commit some time later. */
function revokeSerially(world: World, scopes: readonly Scope[], hold: number): void {
  const { db, line } = world
  const drawn = scopes.map((scope) => ({ scope, position: ++world.serial }))
  schedule(line, line.now + hold, () => {
    if (db.isFenced || db !== world.db) return
    const rows = drawn.map(({ scope, position }): Row => {
      db.ended.set(scope, position)
      db.head = Math.max(db.head, position)
      return {
        position,
        epoch: db.epoch,
        kind: kindOf(scope),
        key: keyOf(scope),
        wantsAck: false,
        scope,
        committedAt: line.now,
      }
    })
    db.rows.push(...rows)
    commit(world, rows)
    hint(world)
  })
}

/** From now on it is true. */
export function commit(world: World, rows: readonly Row[]): void {
  world.tally.revocations += rows.length
  for (const row of rows) {
    const truths = world.truths.get(row.scope)
    const truth = { row, lostAt: Number.POSITIVE_INFINITY }
    if (truths === undefined) world.truths.set(row.scope, [truth])
    else truths.push(truth)
  }
}

/** Sent after the commit, in a statement of its own: it may be lost. */
function hint(world: World): void {
  for (const hub of world.hubs) {
    if (!world.isHealed && world.chance.is(world.scene.lostHints)) continue
    wait(
      world,
      travel(world) + world.chance.between(0, 5),
      within(world, hub, () => read(world, hub)),
    )
  }
}
