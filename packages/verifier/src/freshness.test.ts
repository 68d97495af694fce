import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzz } from './testing/fuzz.ts'
import { type Clocks, createClocks, ended, type Listening, listen, listenFresh } from './testing/listening.ts'
import { ageOf } from './view.ts'

const secondsOf = ({ view, clocks }: Listening) => ageOf(view, clocks.now()) / 1000

/** The bound, give or take what the drift and the grain of the clocks add. */
function assertAge(listening: Listening, seconds: number): void {
  const age = secondsOf(listening)
  const isNear = age >= seconds - 0.003 && age <= seconds * 1.0003 + 0.01
  assert.ok(age === seconds || isNear, `${age} is not ${seconds}`)
}

type Story = (on: Listening & Clocks) => void
const stories: [name: string, seconds: number, story: Story][] = [
  [
    'nothing is known before a heartbeat',
    Number.POSITIVE_INFINITY,
    ({ open, hello, snapshot }) => {
      open(1)
      hello(1)
      snapshot(0)
    },
  ],
  [
    'a heartbeat before the snapshot proves nothing',
    Number.POSITIVE_INFINITY,
    ({ open, hello, heartbeat }) => {
      open(1)
      hello(1)
      heartbeat(1, { head: 0, a: 0 })
    },
  ],
  [
    'a heartbeat without a hello proves nothing',
    Number.POSITIVE_INFINITY,
    ({ open, snapshot, heartbeat }) => {
      open(1)
      snapshot(0)
      heartbeat(1, { head: 0, a: 0 })
    },
  ],
  [
    'a write from before the hello proves nothing: a hub that was suspended in between does not know how old it is',
    Number.POSITIVE_INFINITY,
    ({ open, hello, snapshot, heartbeat }) => {
      open(1)
      hello(1, { at: 100 })
      snapshot(0)
      heartbeat(1, { head: 0, a: 97 })
    },
  ],
  [
    'the request took two seconds to be answered: they count as age',
    2,
    ({ open, pass, hello, snapshot, heartbeat }) => {
      open(1)
      pass(2)
      hello(1, { at: 100 })
      snapshot(0)
      heartbeat(1, { head: 0, a: 100 })
    },
  ],
  [
    'time goes on',
    5,
    (on) => {
      beginAt(on, 100)
      on.pass(5)
    },
  ],
  [
    'a heartbeat on its way for two seconds',
    2,
    (on) => {
      beginAt(on, 100)
      on.pass(12)
      on.heartbeat(1, { head: 0, a: 110 })
    },
  ],
  [
    'a hub whose clock runs ahead makes nothing known from the future',
    5,
    (on) => {
      beginAt(on, 100)
      on.heartbeat(1, { head: 0, a: 9000 })
      on.pass(5)
    },
  ],
  [
    'a heartbeat later than others takes nothing away',
    0,
    (on) => {
      beginAt(on, 100)
      on.pass(10)
      on.heartbeat(1, { head: 0, a: 110 })
      on.heartbeat(1, { head: 0, a: 105 })
    },
  ],
  [
    'a heartbeat that tells of ends that are missing does not count',
    10,
    (on) => {
      beginAt(on, 100)
      on.pass(10)
      on.heartbeat(1, { head: 2, a: 110 })
      on.revoked([ended(2, 'session', 'b')])
    },
  ],
  [
    'and counts once they are applied',
    1,
    (on) => {
      beginAt(on, 100)
      on.pass(10)
      on.heartbeat(1, { head: 2, a: 110 })
      on.pass(1)
      on.revoked([ended(2, 'session', 'b'), ended(1, 'session', 'a')])
    },
  ],
  [
    'the machine slept for an hour',
    3600,
    (on) => {
      beginAt(on, 100)
      on.suspend(3600)
    },
  ],
  [
    'and is fresh with the first heartbeat from afterwards',
    0,
    (on) => {
      beginAt(on, 100)
      on.suspend(60)
      on.heartbeat(1, { head: 0, a: 160 })
    },
  ],
  [
    'the wall clock was set back by ten seconds',
    5,
    (on) => {
      beginAt(on, 100)
      on.setWall(-10)
      on.pass(5)
    },
  ],
  [
    'the wall clock was set forward by ten seconds: they count as age on this connection',
    10,
    (on) => {
      beginAt(on, 100)
      on.setWall(10)
      on.heartbeat(1, { head: 0, a: 100 })
    },
  ],
  [
    'a new connection measures anew',
    0,
    (on) => {
      beginAt(on, 100)
      on.setWall(10)
      on.heartbeat(1, { head: 0, a: 100 })
      on.open(2)
      on.hello(2, { at: 100 })
      on.heartbeat(2, { head: 0, a: 100 })
    },
  ],
  [
    'a closed connection: the old bound goes on growing',
    7,
    (on) => {
      beginAt(on, 100)
      on.step({ kind: 'closed', link: 1 })
      on.pass(7)
      on.heartbeat(1, { head: 0, a: 107 })
    },
  ],
  [
    'a reconnection: the old bound holds until there is a new one',
    6,
    (on) => {
      beginAt(on, 100)
      on.step({ kind: 'closed', link: 1 })
      on.pass(5)
      on.open(2)
      on.hello(2, { hub: 'other', at: 9000 })
      on.pass(1)
    },
  ],
  [
    'two hubs whose clocks have nothing in common: the smaller bound counts',
    1,
    (on) => {
      beginAt(on, 100)
      on.open(2)
      on.hello(2, { hub: 'other', at: 1 })
      on.pass(10)
      on.heartbeat(2, { hub: 'other', head: 0, a: 10 })
      on.heartbeat(1, { head: 0, a: 102 })
    },
  ],
  [
    'the times of one hub are not taken on the connection to another',
    10,
    (on) => {
      beginAt(on, 100)
      on.open(2)
      on.hello(2, { hub: 'other', at: 1 })
      on.pass(10)
      on.heartbeat(2, { head: 0, a: 110 })
    },
  ],
  [
    'a wall clock ahead by more than clocks may be',
    Number.POSITIVE_INFINITY,
    (on) => {
      beginAt(on, 100)
      on.heartbeat(1, { head: 0, a: 100, wall: on.now().wall / 1000 - 31 })
    },
  ],
  [
    'a wall clock behind by more than clocks may be',
    Number.POSITIVE_INFINITY,
    (on) => {
      beginAt(on, 100)
      on.heartbeat(1, { head: 0, a: 100, wall: on.now().wall / 1000 + 31 })
    },
  ],
  [
    'a wall clock that is off by less',
    0,
    (on) => {
      beginAt(on, 100)
      on.heartbeat(1, { head: 0, a: 100, wall: on.now().wall / 1000 + 30 })
      on.heartbeat(1, { head: 0, a: 100, wall: on.now().wall / 1000 - 30 })
    },
  ],
  [
    'a wall clock that was behind and is right again',
    0,
    (on) => {
      beginAt(on, 100)
      on.heartbeat(1, { head: 0, a: 100, wall: on.now().wall / 1000 + 31 })
      on.heartbeat(1, { head: 0, a: 100 })
    },
  ],
]
for (const [name, seconds, story] of stories) {
  test(`how old what is known can be: ${name}: ${seconds} s`, () => {
    const clocks = createClocks()
    const listening = listen(clocks)
    story({ ...listening, ...clocks })
    assertAge(listening, seconds)
  })
}

/** Connected at once to a hub whose clock says `at`, with a heartbeat from that moment. */
function beginAt({ open, hello, snapshot, heartbeat }: Listening, at: number): void {
  open(1)
  hello(1, { at })
  snapshot(0)
  heartbeat(1, { head: 0, a: at })
}

test('drift: ten minutes on one connection add an eighth of a second to the bound', () => {
  const listening = listenFresh()
  for (let second = 1; second <= 600; second++) {
    listening.clocks.pass(1)
    listening.heartbeat(1, { head: 0, a: second })
  }
  assert.ok(Math.abs(secondsOf(listening) - 600 * 2e-4) < 0.001)
})

test('a wall clock that ran ahead and is set right: everything that was judged by it is forgotten', () => {
  const listening = listenFresh()
  listening.clocks.setWall(3600)
  listening.heartbeat(1, { head: 0, a: 1, wall: listening.clocks.now().wall / 1000 - 3600 })
  listening.clocks.setWall(-3600)
  assert.deepEqual(listening.heartbeat(1, { head: 0, a: 2 }), [{ kind: 'restart' }])
  assert.equal(secondsOf(listening), Number.POSITIVE_INFINITY)
})

test('a machine that slept is told so by old heartbeats, which neither restart it nor make it fresh', () => {
  const listening = listenFresh()
  const asleepAt = listening.clocks.now().wall / 1000
  listening.clocks.suspend(60)
  assert.deepEqual(listening.heartbeat(1, { head: 0, a: 1, wall: asleepAt + 1 }), [])
  assert.equal(secondsOf(listening), Number.POSITIVE_INFINITY)
  assert.deepEqual(listening.heartbeat(1, { head: 0, a: 60 }), [])
  assertAge(listening, 0)
})

type Act =
  | { kind: 'pass' | 'suspend' | 'set' | 'deliver'; milliseconds: number; hub: number }
  | { kind: 'commit' | 'tick' | 'connect' | 'close'; milliseconds: number; hub: number }

const acts: fc.Arbitrary<Act> = fc.record({
  kind: fc.constantFrom(
    'pass',
    'suspend',
    'set',
    'deliver',
    'deliver',
    'commit',
    'tick',
    'tick',
    'connect',
    'close',
  ),
  milliseconds: fc.nat(5000),
  hub: fc.nat(1),
})

test('everything committed longer ago than the bound is known, whatever the network, the clocks and two hubs do', async (t) => {
  await fuzz(t, fc.array(acts, { maxLength: 40 }), (story) => {
    const clocks = createClocks()
    const listening = listen(clocks)
    let real = 0
    const commits: number[] = []
    const hubMono = (hub: number) => real * (hub === 0 ? 1.0001 : 0.9999) + 1e6 * (hub + 1)
    const queues = new Map<number, { hub: number; sent: number; messages: (() => unknown)[] }>()
    const entries = (from: number, to: number) =>
      Array.from({ length: Math.max(0, to - from + 1) }, (_, at) =>
        ended(from + at, 'session', `${from + at}`),
      )
    let links = 0
    for (const { kind, milliseconds, hub } of story) {
      if (kind === 'pass') {
        real += milliseconds
        clocks.pass(milliseconds / 1000)
      } else if (kind === 'suspend') {
        real += milliseconds
        clocks.suspend(milliseconds / 1000)
      } else if (kind === 'set') {
        // A step of its own, so that one clock tells the time in each.
        listening.step({ kind: 'tick' })
        if (clocks.now().wall - 1_800_000_000_000 - real < 10_000) clocks.setWall(milliseconds / 1000)
      } else if (kind === 'commit') commits.push(real)
      else if (kind === 'connect') {
        const link = ++links
        listening.open(link)
        const head = commits.length
        queues.set(link, {
          hub,
          sent: head,
          messages: [() => listening.hello(link, { hub: `${hub}`, at: hubMono(hub) / 1000, head })],
        })
      } else if (kind === 'close') {
        const [link] = [...queues.keys()]
        if (link !== undefined && listening.step({ kind: 'closed', link })) queues.delete(link)
      } else if (kind === 'tick') {
        const [a, head] = [hubMono(hub) / 1000, commits.length]
        for (const [link, queue] of queues) {
          if (queue.hub !== hub) continue
          const news = entries(queue.sent + 1, head)
          queue.sent = head
          queue.messages.push(() => listening.revoked(news))
          queue.messages.push(() => listening.heartbeat(link, { hub: `${hub}`, head, a }))
        }
      } else {
        const queue = [...queues.values()].find((one) => one.hub === hub && one.messages.length > 0)
        queue?.messages.shift()?.()
        if (listening.view.epoch === 0) listening.snapshot(commits.length, entries(1, commits.length))
      }
      const bound = ageOf(listening.view, clocks.now())
      const known = commits.filter((at) => at < real - bound - 3 * story.length).length
      assert.ok(
        listening.view.applied >= known,
        `applied ${listening.view.applied} of ${known} within ${bound} ms`,
      )
    }
  })
})
