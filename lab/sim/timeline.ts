/**
 * What happens when, in milliseconds of real time, which nobody in the simulation can read. A binary heap; what falls on
 * the same instant happens in the order in which it was planned.
 */
export type Timeline = {
  now: number
  /** How much has happened. */
  events: number
  planned: number
  size: number
  times: Float64Array
  orders: Float64Array
  works: (() => void)[]
}

const nothing = () => {}

export function createTimeline(): Timeline {
  const room = 64
  return {
    ...{ now: 0, events: 0, planned: 0, size: 0, works: new Array(room).fill(nothing) },
    times: new Float64Array(room),
    orders: new Float64Array(room),
  }
}

export function schedule(line: Timeline, at: number, work: () => void): void {
  if (line.size === line.times.length) grow(line)
  const order = line.planned++
  const time = at < line.now ? line.now : at
  let hole = line.size++
  while (hole > 0) {
    const parent = (hole - 1) >> 1
    if (!isBefore(line, time, order, parent)) break
    move(line, parent, hole)
    hole = parent
  }
  put(line, hole, time, order, work)
}

export const after = (line: Timeline, delay: number, work: () => void) =>
  schedule(line, line.now + delay, work)

export function runUntil(line: Timeline, end: number): void {
  while (line.size > 0 && (line.times[0] ?? 0) <= end) {
    line.now = line.times[0] ?? 0
    const work = line.works[0] ?? nothing
    removeFirst(line)
    line.events++
    work()
  }
  line.now = end
}

function removeFirst(line: Timeline): void {
  const last = --line.size
  const time = line.times[last] ?? 0
  const order = line.orders[last] ?? 0
  const work = line.works[last] ?? nothing
  line.works[last] = nothing
  if (last === 0) return
  let hole = 0
  for (;;) {
    let child = 2 * hole + 1
    if (child >= last) break
    if (child + 1 < last && isBefore(line, line.times[child + 1] ?? 0, line.orders[child + 1] ?? 0, child))
      child++
    if (isBefore(line, time, order, child)) break
    move(line, child, hole)
    hole = child
  }
  put(line, hole, time, order, work)
}

function isBefore(line: Timeline, time: number, order: number, slot: number): boolean {
  const other = line.times[slot] ?? 0
  return time < other || (time === other && order < (line.orders[slot] ?? 0))
}

function move(line: Timeline, from: number, to: number): void {
  put(line, to, line.times[from] ?? 0, line.orders[from] ?? 0, line.works[from] ?? nothing)
}

function put(line: Timeline, slot: number, time: number, order: number, work: () => void): void {
  line.times[slot] = time
  line.orders[slot] = order
  line.works[slot] = work
}

function grow(line: Timeline): void {
  const times = new Float64Array(line.size * 2)
  const orders = new Float64Array(line.size * 2)
  times.set(line.times)
  orders.set(line.orders)
  line.times = times
  line.orders = orders
}
