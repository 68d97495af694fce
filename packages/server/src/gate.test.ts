import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGate } from './gate.ts'

test('tasks run a few at a time, in the order in which they came, also after one failed', async () => {
  const gate = createGate({ atOnce: 2, queue: 10, full: () => new Error('full') })
  const began: number[] = []
  const ends: (() => void)[] = []
  const results = [0, 1, 2, 3, 4].map((number) =>
    gate(async () => {
      began.push(number)
      await new Promise<void>((resolve) => ends.push(resolve))
      if (number === 1) throw new Error('task failed')
      return number
    }),
  )
  const settled = Promise.allSettled(results)
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  await turn()
  assert.deepEqual(began, [0, 1])
  ends[1]?.()
  await turn()
  assert.deepEqual(began, [0, 1, 2])
  ends[0]?.()
  await turn()
  assert.deepEqual(began, [0, 1, 2, 3])
  ends[2]?.()
  ends[3]?.()
  await turn()
  ends[4]?.()
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  )
})

test('whoever finds the queue full is refused at once and takes no place', async () => {
  const gate = createGate({ atOnce: 1, queue: 1, full: () => new Error('full') })
  let end = () => {}
  const first = gate(() => new Promise<void>((resolve) => (end = resolve)))
  const second = gate(async () => 'second')
  await assert.rejects(
    gate(async () => 'third'),
    /full/,
  )
  end()
  await first
  assert.equal(await second, 'second')
  assert.equal(await gate(async () => 'fourth'), 'fourth')
})
