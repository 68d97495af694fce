import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGathering } from './gathering.ts'

type Group = {
  items: readonly string[]
  done: (outcomes?: readonly (string | null)[]) => void
  fail: (error: Error) => void
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const shared = new Error('all of them')

function setUp({ atOnce = 1, most = 100, queue = 1000 } = {}) {
  const groups: Group[] = []
  const lone: string[] = []
  const clock = { now: 0 }
  const gathering = createGathering<string, string>({
    ...{ atOnce, most, queue, patience: 3000 },
    full: () => new Error('full'),
    late: () => new Error('late'),
    now: () => clock.now,
    keyOf: (item) => item,
    together: (items) =>
      new Promise((resolve, reject) => {
        const done: Group['done'] = (outcomes) =>
          resolve(outcomes ?? items.map((item) => `${item} with others`))
        groups.push({ items, done, fail: reject })
      }),
    async alone(item) {
      lone.push(item)
      if (item === 'poison') throw new Error('poison')
      return `${item} alone`
    },
    isForAll: (error) => error === shared,
  })
  const ask = (...items: string[]) => Promise.allSettled(items.map(gathering.add))
  return { gathering, groups, lone, clock, ask }
}

const told = (results: readonly PromiseSettledResult<string>[]) =>
  results.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.message))

test('who comes while a group is under way goes with the next, in order, and is not answered before that is done', async () => {
  const { gathering, groups, ask } = setUp()
  const answered: string[] = []
  const all = ['a', 'b', 'c'].map((item) => gathering.add(item).then((outcome) => answered.push(outcome)))
  await turn()
  assert.deepEqual([groups.length, groups[0]?.items, answered], [1, ['a'], []])
  assert.deepEqual(gathering.load(), { running: 1, waiting: 2 })
  groups[0]?.done()
  await turn()
  assert.deepEqual(answered, ['a with others'])
  assert.deepEqual(groups[1]?.items, ['b', 'c'])
  const late = ask('d')
  groups[1]?.done()
  await Promise.all(all)
  assert.deepEqual(answered, ['a with others', 'b with others', 'c with others'])
  groups[2]?.done()
  assert.deepEqual(told(await late), ['d with others'])
})

test('a group has a size, groups at once have a number, and the first to come is in the first', async () => {
  const { groups, ask } = setUp({ atOnce: 2, most: 3 })
  const all = ask(...'abcdefgh')
  await turn()
  assert.deepEqual(
    groups.map(({ items }) => items.join('')),
    ['a', 'b'],
  )
  groups[1]?.done()
  await turn()
  groups[2]?.done()
  await turn()
  groups[0]?.done()
  await turn()
  assert.deepEqual(
    groups.map(({ items }) => items.join('')),
    ['a', 'b', 'cde', 'fgh'],
  )
  groups[3]?.done()
  await all
})

test('the same one asked for a thousand times takes one place and has one answer', async () => {
  const { groups, ask } = setUp({ queue: 2 })
  const all = ask('first', ...Array.from({ length: 1000 }, () => 'a'))
  await turn()
  groups[0]?.done()
  await turn()
  assert.deepEqual(groups[1]?.items, ['a'])
  groups[1]?.done()
  assert.deepEqual([...new Set(told(await all))], ['first with others', 'a with others'])
})

test('an answer is not kept: who asks afterwards is in another group', async () => {
  const { groups, ask } = setUp()
  for (const round of [0, 1]) {
    const all = ask('a')
    await turn()
    groups[round]?.done([`round ${round}`])
    assert.deepEqual(told(await all), [`round ${round}`])
  }
})

test('who finds the queue full is refused at once, and the others are not', async () => {
  const { groups, ask } = setUp({ queue: 3 })
  const all = ask('a', 'b', 'c', 'd', 'e')
  await turn()
  groups[0]?.done()
  await turn()
  groups[1]?.done()
  assert.deepEqual(told(await all), ['a with others', 'b with others', 'c with others', 'full', 'full'])
  const again = ask('d')
  await turn()
  groups[2]?.done()
  assert.deepEqual(told(await again), ['d with others'])
})

test('nobody joins the queue behind groups that are overdue; one that is under way in time is enough to go on', async () => {
  const { groups, clock, ask } = setUp({ atOnce: 2 })
  const first = ask('a')
  clock.now = 2000
  const second = ask('b')
  clock.now = 5000
  const third = ask('c')
  clock.now = 5001
  assert.deepEqual(told(await ask('d')), ['late'])
  groups[0]?.done()
  await turn()
  const fifth = ask('e')
  for (const group of [1, 2, 3]) {
    await turn()
    groups[group]?.done()
  }
  assert.deepEqual(told(await first), ['a with others'])
  assert.deepEqual(told(await second), ['b with others'])
  assert.deepEqual(told(await third), ['c with others'])
  assert.deepEqual(told(await fifth), ['e with others'])
})

test('of a group that fails each is tried alone, and only the one that it failed of is told so', async () => {
  const { groups, ask } = setUp()
  const all = ask('a', 'b', 'poison', 'c')
  await turn()
  groups[0]?.done()
  await turn()
  groups[1]?.fail(new Error('something in it'))
  assert.deepEqual(told(await all), ['a with others', 'b alone', 'poison', 'c alone'])
})

test('a failure that is everybody’s is told to all of the group and to nobody else, and nothing is tried again', async () => {
  const { groups, lone, ask } = setUp()
  const all = ask('a', 'b', 'c')
  await turn()
  groups[0]?.done()
  await turn()
  const next = ask('d')
  groups[1]?.fail(shared)
  await turn()
  groups[2]?.done()
  assert.deepEqual(told(await all), ['a with others', 'all of them', 'all of them'])
  assert.deepEqual(told(await next), ['d with others'])
  assert.deepEqual(lone, [])
})

test('whom a group passes over is looked at alone, and keeps nobody waiting', async () => {
  const { groups, lone, ask } = setUp()
  const all = ask('a', 'b', 'c')
  await turn()
  groups[0]?.done()
  await turn()
  groups[1]?.done([null, 'c with others'])
  assert.deepEqual(told(await all), ['a with others', 'b alone', 'c with others'])
  assert.deepEqual(lone, ['b'])
})
