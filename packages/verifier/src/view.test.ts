import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { judge } from './ends.ts'
import { type FeedEntry, feedKey } from './feed.ts'
import { fuzz } from './testing/fuzz.ts'
import { ended, listen, listenFresh } from './testing/listening.ts'
import type { ViewEffect } from './view.ts'

const session = (position: number) => ended(position, 'session', `s${position}`)
const sessions = (...positions: number[]) => positions.map(session)
const log = (from: number, to: number): ViewEffect => ({ kind: 'log', from, to })
const isEnded = (view: Parameters<typeof judge>[0], id: string) => view.ends.has(feedKey('session', id))

test('the order is: open the stream, then the snapshot, then what is newer', () => {
  const { view, open, hello, snapshot, revoked } = listen()
  assert.deepEqual(open(1), [])
  assert.deepEqual(hello(1, { head: 3 }), [{ kind: 'snapshot' }])
  assert.deepEqual(revoked(sessions(4)), [{ kind: 'snapshot' }], 'nothing counts before the snapshot')
  assert.deepEqual(snapshot(4, sessions(3, 4)), [])
  assert.deepEqual(revoked(sessions(5)), [])
  assert.deepEqual([view.epoch, view.applied, view.window, view.ends.size], [1, 5, 3900, 3])
})

const arrivals: [name: string, batches: number[][], applied: number, asked: ViewEffect[][]][] = [
  ['in order', [[1], [2, 3]], 3, [[], []]],
  [
    'twice',
    [
      [1, 2],
      [1, 2],
      [2, 3],
    ],
    3,
    [[], [], []],
  ],
  ['with a gap', [[1], [3]], 1, [[], [log(2, 2)]]],
  ['with a gap that is filled', [[3], [1, 2]], 3, [[log(1, 2)], []]],
  ['with a gap that is filled in part', [[4], [1]], 1, [[log(1, 3)], [log(2, 3)]]],
  ['with two gaps', [[2, 4], [1], [3]], 4, [[log(1, 1)], [log(3, 3)], []]],
  ['backwards', [[3], [2], [1]], 3, [[log(1, 2)], [log(1, 1)], []]],
  ['backwards within one message', [[3, 2, 1]], 3, [[]]],
  ['as nothing', [[]], 0, [[]]],
]
for (const [name, batches, applied, asked] of arrivals) {
  test(`ends that come ${name} count up to ${applied}, and what is missing is asked for`, () => {
    const { view, revoked } = listenFresh()
    assert.deepEqual(
      batches.map((positions) => revoked(sessions(...positions))),
      asked,
    )
    assert.equal(view.applied, applied)
    for (const position of batches.flat()) assert.ok(isEnded(view, `s${position}`), 'an end is known at once')
  })
}

test('whatever the order, the repeats and the batches, all that came is known and nothing missing is counted', async (t) => {
  const batch = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 4 })
  await fuzz(t, fc.array(batch, { maxLength: 8 }), (batches) => {
    const { view, revoked } = listenFresh()
    const came = new Set<number>()
    for (const positions of batches) {
      const effects = revoked(sessions(...positions))
      for (const position of positions) came.add(position)
      let dense = 0
      while (came.has(dense + 1)) dense++
      assert.equal(view.applied, dense)
      const waiting = [...came].filter((position) => position > dense)
      const isAsked = effects.some(({ kind }) => kind === 'log')
      assert.ok(!isAsked || waiting.length > 0)
      if (waiting.length > 0 && positions.some((position) => position > dense)) {
        assert.deepEqual(effects, [log(dense + 1, Math.min(...waiting) - 1)])
      }
    }
    assert.equal(view.ends.size, came.size)
  })
})

const snapshots: [
  name: string,
  position: number,
  epoch: number,
  window: number,
  reached: [number, number],
  ends: number,
][] = [
  ['newer', 20, 2, 3900, [2, 20], 2],
  ['at the same position', 10, 2, 3900, [2, 10], 2],
  ['older', 9, 2, 3900, [2, 10], 1],
  ['of a lower epoch', 20, 1, 3900, [2, 10], 1],
  ['of a higher epoch', 20, 3, 3900, [3, 20], 2],
  ['of a higher epoch and a lower position', 9, 3, 3900, [2, 10], 1],
  ['without a window', 20, 2, 0, [2, 10], 1],
]
for (const [name, position, epoch, window, reached, ends] of snapshots) {
  test(`a snapshot that is ${name} leaves epoch ${reached[0]}, position ${reached[1]}, and never forgets what was known`, () => {
    const { view, open, hello, snapshot } = listen()
    open(1)
    hello(1, { epoch: 2, head: 10 })
    snapshot(10, [ended(10, 'session', 'known')], { epoch: 2 })
    snapshot(position, [ended(position, 'session', 'new')], { epoch, window })
    assert.deepEqual([[view.epoch, view.applied], view.ends.size], [reached, ends])
    assert.ok(isEnded(view, 'known'))
  })
}

test('a snapshot of a shorter window than statements were believed for begins everything anew', () => {
  const { view, snapshot } = listenFresh(5)
  assert.deepEqual(snapshot(6, [], { window: 330 }), [{ kind: 'restart' }])
  assert.deepEqual([view.applied, view.window], [5, 3900])
})

test('what waited in one life of the database fills no gap in the next', () => {
  const { view, revoked, snapshot } = listenFresh()
  revoked([ended(3, 'session', 'old')])
  snapshot(1, [], { epoch: 2 })
  assert.deepEqual(revoked(sessions(2), { epoch: 2 }), [])
  assert.equal(view.applied, 2, 'position 3 of the new life has not come yet')
  revoked([ended(3, 'session', 'new')], { epoch: 2 })
  assert.deepEqual([view.applied, isEnded(view, 'old'), isEnded(view, 'new')], [3, true, true])
})

test('ends of a lower epoch are passed over, those of a higher one ask for its snapshot', () => {
  const { view, revoked, snapshot } = listenFresh()
  snapshot(5, [], { epoch: 3 })
  assert.deepEqual(revoked(sessions(6), { epoch: 2 }), [])
  assert.deepEqual(revoked(sessions(6), { epoch: 4 }), [{ kind: 'snapshot' }])
  assert.deepEqual([view.applied, view.ends.size], [5, 0])
})

const greetings: [
  name: string,
  given: Parameters<ReturnType<typeof listen>['hello']>[1],
  effects: ViewEffect[],
][] = [
  ['of our epoch and position', { epoch: 2, head: 10 }, []],
  ['of a later position', { epoch: 2, head: 11 }, []],
  ['of a higher epoch', { epoch: 3, head: 10 }, [{ kind: 'snapshot' }]],
  ['of a lower epoch', { epoch: 1, head: 99 }, [{ kind: 'reconnect', link: 7, why: 'epoch_lower' }]],
  ['of a lower position', { epoch: 2, head: 9 }, [{ kind: 'reconnect', link: 7, why: 'head_lower' }]],
  [
    'of a higher epoch at a lower position',
    { epoch: 3, head: 9 },
    [{ kind: 'reconnect', link: 7, why: 'head_lower' }],
  ],
]
for (const [name, given, effects] of greetings) {
  test(`a hello ${name}: ${effects[0]?.kind ?? 'nothing to do'}`, () => {
    const { view, open, hello, snapshot, heartbeat } = listen()
    snapshot(10, [], { epoch: 2 })
    open(7)
    assert.deepEqual(hello(7, given), effects)
    // Nor does what follows on a connection that was refused prove anything.
    if (effects[0]?.kind === 'reconnect') heartbeat(7, { epoch: 2, head: 10, a: 1 })
    assert.equal(view.freshAt, null)
  })
}

const beats: [name: string, given: { epoch?: number; head?: number; hub?: string }, effects: ViewEffect[]][] =
  [
    ['of our position', {}, []],
    ['of a later position', { head: 12 }, [log(11, 12)]],
    ['of a lower position', { head: 9 }, [{ kind: 'reconnect', link: 1, why: 'head_lower' }]],
    ['of a lower epoch', { epoch: 0 }, [{ kind: 'reconnect', link: 1, why: 'epoch_lower' }]],
    ['of a higher epoch', { epoch: 2 }, [{ kind: 'snapshot' }]],
    ['of another hub', { hub: 'other' }, [{ kind: 'reconnect', link: 1, why: 'hub_changed' }]],
  ]
for (const [name, given, effects] of beats) {
  const isGood = effects.length === 0
  test(`a heartbeat ${name} ${isGood ? 'makes fresher' : 'makes nothing fresher'}`, () => {
    const { view, clocks, heartbeat } = listenFresh(10)
    const before = view.freshAt
    clocks.pass(1)
    assert.deepEqual(heartbeat(1, { head: 10, a: 1, ...given }), effects)
    assert.equal(view.freshAt === before, !isGood)
  })
}

test('what is missing is asked for again with each heartbeat, since an answer may be lost', () => {
  const { revoked, heartbeat } = listenFresh()
  assert.deepEqual(revoked(sessions(5)), [log(1, 4)])
  assert.deepEqual(heartbeat(1, { head: 5, a: 1 }), [log(1, 4)])
  assert.deepEqual(heartbeat(1, { head: 7, a: 2 }), [log(1, 4)])
  revoked(sessions(1, 2, 3, 4))
  assert.deepEqual(heartbeat(1, { head: 7, a: 3 }), [log(6, 7)])
})

test('a hello with another nonce than ours was meant for somebody else', () => {
  const { view, open, step } = listen()
  open(1, 'mine')
  const event = { kind: 'hello', link: 1, nonce: 'yours', hub: 'hub', at: 0, epoch: 1, head: 0 } as const
  assert.deepEqual(step(event), [{ kind: 'reconnect', link: 1, why: 'nonce_wrong' }])
  assert.equal(view.links.get(1)?.hello, null)
})

test('a second hello on one connection changes nothing, and one on a connection that is closed neither', () => {
  const { view, open, hello, step } = listenFresh()
  assert.deepEqual(hello(1, { at: 1000 }), [])
  assert.equal(view.links.get(1)?.hello?.at, 0)
  open(2)
  step({ kind: 'closed', link: 2 })
  assert.deepEqual(hello(2), [])
  assert.equal(view.links.has(2), false)
})

const confirmations: [name: string, batches: [positions: number[], wantsAck: boolean][], acks: number[][]][] =
  [
    ['nobody waits', [[[1], false]], [[]]],
    ['somebody waits', [[[1], true]], [[1]]],
    [
      'it came before',
      [
        [[1], false],
        [[1], true],
      ],
      [[], [1]],
    ],
    [
      'something before it is missing',
      [
        [[2], true],
        [[1], false],
      ],
      [[], [2]],
    ],
    [
      'an earlier one comes again meanwhile',
      [
        [[1], true],
        [[3], true],
        [[1], true],
        [[2], false],
      ],
      [[1], [], [], [3]],
    ],
    [
      'it was confirmed',
      [
        [[1], true],
        [[2], false],
      ],
      [[1], []],
    ],
  ]
for (const [name, batches, acks] of confirmations) {
  test(`a position is confirmed once everything up to it is applied: ${name}`, () => {
    const { revoked } = listenFresh()
    const told = batches.map(([positions, wantsAck]) =>
      revoked(sessions(...positions), { wantsAck }).flatMap((effect) =>
        effect.kind === 'ack' ? [effect.position] : [],
      ),
    )
    assert.deepEqual(told, acks)
  })
}

test('what somebody waits for in a life whose snapshot is on its way is confirmed with the snapshot', () => {
  const { revoked, snapshot } = listenFresh()
  assert.deepEqual(revoked(sessions(100), { epoch: 2, wantsAck: true }), [{ kind: 'snapshot' }])
  assert.deepEqual(snapshot(100, sessions(100), { epoch: 2 }), [{ kind: 'ack', position: 100 }])
})

test('a view grows newer with whatever is learnt, and broadly newer with what concerns many', () => {
  const { view, revoked } = listenFresh()
  const grown = (entries: readonly FeedEntry[]) => {
    const before = view.version
    revoked(entries)
    return [view.version > before, view.broad === view.version]
  }
  assert.deepEqual(grown(sessions(1)), [true, false])
  assert.deepEqual(grown(sessions(1)), [false, false])
  assert.deepEqual(grown([ended(2, 'changed', 'acc')]), [true, false])
  assert.deepEqual(grown([ended(3, 'client', 'cli')]), [true, true])
  assert.deepEqual(grown([ended(4, 'key', 'kid')]), [true, true])
  assert.deepEqual(grown([ended(5, 'everyone', '')]), [true, true])
})
