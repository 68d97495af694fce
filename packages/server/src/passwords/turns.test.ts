import assert from 'node:assert/strict'
import { it, test } from 'node:test'
import { Refusal } from '@counterfoil/verifier'
import {
  type Agent,
  goodPassword,
  onEachEngine,
  openHouse,
  otherPassword,
  type TestHouse,
} from '../testing/index.ts'
import { createTurns } from './turns.ts'

/** Tasks that end when they are told to. */
function tasks() {
  const ends: (() => void)[] = []
  const task = () => new Promise<void>((resolve) => ends.push(resolve))
  return { ends, task }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** What never comes about fails; it does not hang. */
async function until(isSo: () => boolean): Promise<void> {
  const startedAt = performance.now()
  while (!isSo()) {
    if (performance.now() - startedAt > 10_000) assert.fail('it did not come about')
    await settled()
  }
}

const isBusy = (error: unknown) => error instanceof Refusal && error.code === 'busy'

test('so many run at once, more wait in a line, the next is refused without being begun, and others are not held up', async () => {
  const turns = createTurns({ atOnce: 2, longest: 3 })
  const { ends, task } = tasks()
  const running = Array.from({ length: 5 }, () => turns.take('ada', task))
  await settled()
  assert.equal(ends.length, 2)
  await assert.rejects(turns.take('ada', task), isBusy)
  running.push(turns.take('bo', task))
  await settled()
  assert.equal(ends.length, 3, 'somebody else began at once')
  for (let end = ends.shift(); end !== undefined; end = ends.shift()) {
    end()
    await settled()
  }
  await Promise.all(running)
})

test('who waits is let in one by one, in the order in which they came', async () => {
  const turns = createTurns({ atOnce: 1, longest: 10 })
  const order: number[] = []
  let most = 0
  let inside = 0
  const running = [0, 1, 2, 3, 4].map((number) =>
    turns.take('ada', async () => {
      inside += 1
      most = Math.max(most, inside)
      order.push(number)
      await settled()
      inside -= 1
    }),
  )
  await Promise.all(running)
  assert.deepEqual([order, most], [[0, 1, 2, 3, 4], 1])
})

test('a turn is free again after success, failure and a task that never became a promise', async () => {
  const turns = createTurns({ atOnce: 1, longest: 1 })
  const endings: (() => Promise<string>)[] = [
    async () => 'done',
    async () => Promise.reject(new Error('failed')),
    () => {
      throw new Error('thrown at once')
    },
  ]
  for (let round = 0; round < 3; round++)
    for (const end of endings) {
      const [first, second] = [turns.take('ada', end), turns.take('ada', async () => 'waited')]
      await first.catch(() => 'failed')
      assert.equal(await second, 'waited')
    }
  const { task } = tasks()
  void turns.take('ada', task)
  void turns.take('ada', task)
  await assert.rejects(turns.take('ada', task), isBusy, 'and there are no more turns than before')
})

test('whoever is refused takes no turn away and gives none back', async () => {
  const turns = createTurns({ atOnce: 1, longest: 0 })
  const { ends, task } = tasks()
  const running = turns.take('ada', task)
  for (let round = 0; round < 3; round++) await assert.rejects(turns.take('ada', task), isBusy)
  ends[0]?.()
  await running
  assert.equal(await turns.take('ada', async () => 'free'), 'free')
})

/** Holds every password that is being hashed until it is let go. */
function holdHashing({ machine }: TestHouse): { waiting: () => number; letGo: () => void } {
  let waiting = 0
  let letGo = () => {}
  const released = new Promise<void>((resolve) => {
    letGo = resolve
  })
  machine.beforeHash = () => {
    waiting += 1
    return released
  }
  return {
    waiting: () => waiting,
    letGo: () => {
      machine.beforeHash = null
      letGo()
    },
  }
}

/** Two at the hasher and twenty in the line. */
const [atOnce, most] = [2, 22]
const many = 30

/** Thirty at once, until each has either been answered or waits; then those at the hasher are let go. */
async function manyAtOnce(house: TestHouse, send: (at: number) => Promise<Response>): Promise<string[]> {
  const held = holdHashing(house)
  let answered = 0
  const running = Array.from({ length: many }, async (_, at) => {
    const answer = await send(at)
    answered += 1
    return answer
  })
  await until(() => answered >= many - most && held.waiting() >= atOnce)
  assert.deepEqual([held.waiting(), answered], [atOnce, many - most])
  held.letGo()
  const answers = await Promise.all(running)
  return Promise.all(
    answers.map(async (answer) => {
      const wait = answer.headers.get('retry-after')
      return `${answer.status} ${wait ?? '-'} ${answer.status === 200 ? '' : (await answer.json()).code}`
    }),
  )
}

/** A count that holds back none of them, so that the line alone is seen. */
const policy = { attemptsPerAccount: 100, attemptsPerNetwork: 1000 }

onEachEngine('passwords of one account that wait to be hashed', (open) => {
  const signIn = (house: TestHouse, email: string, password: string) => (at: number) =>
    house.program().send('POST', '/auth/sign-in', {
      json: { email, password, carrier: 'token' },
      address: `192.0.2.${at + 1}`,
    })
  const withBusy = (answer: string) => [
    ...Array<string>(most).fill(answer),
    ...Array<string>(many - most).fill('503 1 busy'),
  ]

  const cases: [who: string, email: string, password: string, answer: string][] = [
    ['its own right password', 'ada@example.org', goodPassword, '200 - '],
    ['a wrong password', 'ada@example.org', otherPassword, '401 - sign_in_failed'],
    ['an address that nobody has', 'nobody@example.org', goodPassword, '401 - sign_in_failed'],
  ]
  for (const [who, email, password, answer] of cases) {
    it(`are a few at the hasher and some in a line; beyond it is busy; for ${who}`, async () => {
      const house = await openHouse(open, { policy })
      await house.member()
      assert.deepEqual((await manyAtOnce(house, signIn(house, email, password))).sort(), withBusy(answer))
      const after = await signIn(house, email, password)(0)
      assert.equal(`${after.status}`, answer.slice(0, 3), 'and every turn is given back')
    })
  }

  it('are no more for whoever is signed in', async () => {
    const house = await openHouse(open, { policy })
    const { browser } = await house.member()
    const guess = (agent: Agent) => () => agent.post('/auth/reauthenticate', { password: otherPassword })
    const answers = await manyAtOnce(house, guess(browser))
    assert.deepEqual(answers.sort(), withBusy('403 - password_wrong'))
  })

  it('do not hold up another account', async () => {
    const house = await openHouse(open)
    await house.member()
    await house.member('bo@example.org')
    const held = holdHashing(house)
    const first = [0, 1, 2].map(signIn(house, 'ada@example.org', goodPassword))
    await until(() => held.waiting() >= atOnce)
    const other = signIn(house, 'bo@example.org', goodPassword)(5)
    await until(() => held.waiting() > atOnce)
    held.letGo()
    const answers = await Promise.all([...first, other])
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    )
  })

  it('count for nothing where they were refused as busy', async () => {
    const given = { attemptsPerAccount: most + 8, attemptsPerNetwork: 1000 }
    const house = await openHouse(open, { policy: given })
    const { email } = await house.member()
    await manyAtOnce(house, signIn(house, email, otherPassword))
    const statuses: number[] = []
    for (let at = 0; at < 9; at++) statuses.push((await signIn(house, email, otherPassword)(at)).status)
    assert.deepEqual(statuses, [...Array<number>(8).fill(401), 429])
  })
})
