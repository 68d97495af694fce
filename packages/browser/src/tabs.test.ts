import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { browserMachine, type Machine } from './machine.ts'
import { createTabs } from './tabs.ts'

const signedIn = {
  account: { id: 'a', email: 'ada@example.org' },
  session: { id: 's', created_at: 1, last_seen_at: 1, device: '', carrier: 'token', current: true },
} as const
let names = 0

/** So many tabs of one browser; time stands still, so nothing is given up. */
function browser(t: TestContext, count: number) {
  const name = `browser ${names++}`
  const machine: Machine = {
    ...browserMachine,
    now: () => 1000,
    after: () => {},
    locks: () => navigator.locks,
  }
  const tabs = Array.from({ length: count }, () => createTabs(machine, { name, onChange: () => {} }))
  // An open channel would keep the process alive.
  t.after(() => {
    for (const tab of tabs) tab.close()
  })
  const [first = assert.fail(), second = first] = tabs
  return { first, second }
}

test('what one tab learns the other knows, and a tab that asks is told', async (t) => {
  const { first, second } = browser(t, 2)
  first.tell({ session: signedIn })
  await second.ask(25)
  assert.deepEqual(second.known().session, signedIn)
})

test('older knowledge does not displace newer, whichever clock a tab has', async (t) => {
  const { first, second } = browser(t, 2)
  first.tell({ session: signedIn })
  first.tell({ session: null })
  while (second.known().version < first.known().version) await second.ask(25)
  assert.equal(second.known().session, null)
  second.tell({ session: signedIn })
  assert.ok(second.known().version > first.known().version)
})

test('a tab that nobody answers gives up when its time is over', async () => {
  const name = `browser ${names++}`
  const waits: number[] = []
  const after = (milliseconds: number, act: () => void) => {
    waits.push(milliseconds)
    act()
  }
  const tab = createTabs({ ...browserMachine, after }, { name, onChange: () => {} })
  await tab.ask(25).finally(tab.close)
  assert.deepEqual([waits, tab.known().version], [[25], 0])
})

test('what tabs do alone never overlaps, and a tab that fails lets the next one go', async (t) => {
  const { first, second } = browser(t, 2)
  const steps: string[] = []
  const work = (name: string) => async () => {
    steps.push(`${name} begins`)
    await new Promise((resolve) => setImmediate(resolve))
    steps.push(`${name} ends`)
    if (name === 'one') throw new Error('lost')
  }
  const all = [first.alone('x', work('one')), second.alone('x', work('two')), first.alone('x', work('three'))]
  const outcomes = await Promise.allSettled(all)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
  const names = ['one', 'two', 'three']
  assert.deepEqual(
    steps,
    names.flatMap((name) => [`${name} begins`, `${name} ends`]),
  )
})
