import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from './log.ts'
import { type Chore, startTimers } from './timers.ts'

const everySeconds = 0.01

/** A chore that tells when it has run so many times. */
function counting(name: string, run: (count: number) => Promise<void> = async () => {}) {
  let count = 0
  const waiting: { most: number; reached: () => void }[] = []
  const chore: Chore = {
    name,
    everySeconds,
    run() {
      count += 1
      for (const { most, reached } of waiting) if (count >= most) reached()
      return run(count)
    },
  }
  const hasRun = (most: number) =>
    new Promise<void>((reached) => {
      if (count >= most) reached()
      else waiting.push({ most, reached })
    })
  return { chore, hasRun, count: () => count }
}

function noted() {
  const lines: string[] = []
  return { lines, log: createLog({ clock: { now: () => 0 }, write: (line) => lines.push(line) }) }
}

const never = () => new Promise<void>(() => {})

/** Ends on its own timer, so a hang is a failure of this test and not of the whole file. */
const limit = { timeout: 20_000 }

test(
  'a chore that never ends is not begun again, holds up no other, and the end is waited for a while only',
  limit,
  async () => {
    const { lines, log } = noted()
    const stuck = counting('stuck', never)
    const quick = counting('quick')
    const timers = startTimers([stuck.chore, quick.chore], log)
    await stuck.hasRun(1)
    await quick.hasRun(5)
    await timers.stop()
    assert.equal(stuck.count(), 1)
    assert.deepEqual(lines, [])
  },
)

test('a chore that fails is logged by its name and tried again, and others go on', limit, async () => {
  const { lines, log } = noted()
  const failing = counting('failing', async () => Promise.reject(new Error('not now')))
  const quick = counting('quick')
  const timers = startTimers([failing.chore, quick.chore], log)
  await Promise.all([failing.hasRun(3), quick.hasRun(3)])
  await timers.stop()
  const entries = lines.map((line) => JSON.parse(line))
  assert.ok(entries.length >= 3)
  for (const { level, name, error } of entries)
    assert.deepEqual([level, name, error.message], ['error', 'failing', 'not now'])
})

test('a chore that throws before it becomes a promise takes no server down', limit, async () => {
  const { lines, log } = noted()
  const throwing = counting('throwing', () => {
    throw new Error('at once')
  })
  const timers = startTimers([throwing.chore], log)
  await throwing.hasRun(2)
  await timers.stop()
  assert.equal(JSON.parse(lines[0] ?? '{}').error.message, 'at once')
})

test(
  'stopping waits for what is on its way, begins nothing any more, and can be asked for twice',
  limit,
  async () => {
    const { log } = noted()
    let end = () => {}
    let isDone = false
    const slow = counting('slow', async () => {
      await new Promise<void>((resolve) => {
        end = resolve
      })
      isDone = true
    })
    const quick = counting('quick')
    const timers = startTimers([slow.chore, quick.chore], log)
    await slow.hasRun(1)
    const stopped = Promise.all([timers.stop(), timers.stop()])
    const count = quick.count()
    setImmediate(end)
    await stopped
    assert.equal(isDone, true)
    const other = counting('other')
    const others = startTimers([other.chore], log)
    await other.hasRun(5)
    await others.stop()
    assert.deepEqual([quick.count(), slow.count()], [count, 1])
  },
)
