import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createView,
  type FeedKind,
  feedKey,
  type Instant,
  type StreamMessage,
  stepView,
} from '@counterfoil/verifier'
import fc from 'fast-check'
import { fuzz } from '../testing/fuzz.ts'
import {
  createHub,
  type Epoch,
  entriesBetween,
  entriesWithin,
  type HubEffect,
  type HubEvent,
  type LogRow,
  type Reached,
  stepHub,
} from './hub.ts'

const row = (position: number, kind: FeedKind = 'session', wantsAck = false): LogRow => ({
  position,
  kind,
  key: feedKey(kind, String(position)),
  wantsAck,
})
const rows = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => row(from + at))
const span = (from: number, to: number) => rows(from, to).map(({ position }) => position)

/** A hub with a clock of its own, in seconds. */
function openHub(given: { epoch?: number; head?: number; rows?: LogRow[]; epochs?: Epoch[] } = {}) {
  const hub = createHub('hub')
  let seconds = 1000
  const now = (): Instant => ({ mono: seconds * 1000, wall: (1_800_000_000 + seconds) * 1000 })
  const step = (event: HubEvent) => stepHub(hub, event, now())
  const load = ({
    epoch = 5,
    head = 10,
    rows: loaded = rows(1, head),
    epochs = [{ epoch, start: 0 }],
  } = given) => step({ kind: 'loaded', epoch, head, rows: loaded, epochs })
  load()
  return {
    hub,
    now,
    step,
    load,
    pass: (by: number) => {
      seconds += by
    },
    read: (...given: LogRow[]) => step({ kind: 'read', rows: given }),
    /** A write that was sent `ago` seconds ago. */
    tick: ({ epoch = 5, head = 10, ago = 0 } = {}) =>
      step({ kind: 'ticked', a: (seconds - ago) * 1000, epoch, head }),
    connect: (link: number, after: Reached | null = null) =>
      step({ kind: 'connected', link, nonce: `n${link}`, after }),
    between: (from: number, to: number) => entriesBetween(hub, { from, to }, now()),
    within: (window: number) => entriesWithin(hub, window, now()),
  }
}

const messagesOf = (effects: readonly HubEffect[]): StreamMessage[] =>
  effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []))
const kindsOf = (effects: readonly HubEffect[]) =>
  effects.map((effect) => (effect.kind === 'send' ? effect.message.kind : effect.kind))

test('a connection is greeted at once with our time, its own nonce and how far we are', () => {
  const { connect } = openHub()
  const hello = { kind: 'hello', hub: 'hub', nonce: 'n1', at: 1_000_000, epoch: 5, head: 10 }
  assert.deepEqual(connect(1), [{ kind: 'send', link: 1, message: hello }])
})

test('what was read is told to everybody who listens, in one message, and to nobody who left', () => {
  const { connect, read, step } = openHub()
  for (const link of [1, 2, 3]) connect(link)
  step({ kind: 'disconnected', link: 2 })
  const effects = read(row(11), row(12))
  assert.deepEqual(
    effects.map((effect) => effect.kind === 'send' && effect.link),
    [1, 3],
  )
  const entries = [row(11), row(12)].map(({ position, kind, key }) => ({ position, kind, key, age: 0 }))
  assert.deepEqual(messagesOf(effects)[0], { kind: 'revoked', epoch: 5, entries, wantsAck: false })
})

test('if somebody waits for one of the ends, the message that holds it says so', () => {
  const { connect, read } = openHub()
  connect(1)
  const [message] = messagesOf(read(row(11), row(12, 'session', true)))
  assert.equal(message?.kind === 'revoked' && message.wantsAck, true)
})

const readings: [name: string, positions: number[], kinds: string[], head: number][] = [
  ['nothing', [], [], 10],
  ['the next', [11], ['revoked'], 11],
  ['what is known', [9, 10], [], 10],
  ['what is known in part', [10, 11], ['revoked'], 11],
  ['something that leaves one out', [12], ['gap'], 10],
  ['something with a hole in it', [11, 13], ['gap'], 10],
]
for (const [name, positions, kinds, head] of readings) {
  test(`reading ${name}: ${kinds.join(', ') || 'nothing to tell'}, and the head is ${head}`, () => {
    const { hub, connect, read } = openHub()
    connect(1)
    assert.deepEqual(kindsOf(read(...positions.map((position) => row(position)))), kinds)
    assert.equal(hub.head, head)
  })
}

test('after a gap nothing is told to be fresh, and the log is read again and again', () => {
  const { connect, read, tick } = openHub()
  connect(1)
  assert.deepEqual(read(row(12)), [{ kind: 'gap', after: 10, found: 12 }])
  assert.deepEqual(tick({ head: 12 }), [{ kind: 'read' }])
  assert.deepEqual(read(row(12)), [{ kind: 'gap', after: 10, found: 12 }])
  assert.deepEqual(kindsOf(read(row(11), row(12))), ['revoked', 'heartbeat'])
})

test('a write that found nothing new is told at once, with its own time', () => {
  const { connect, pass, tick } = openHub()
  connect(1)
  pass(3)
  const wall = (1_800_000_000 + 1003) * 1000
  const heartbeat = { kind: 'heartbeat', hub: 'hub', epoch: 5, head: 10, a: 1_002_000, wall }
  assert.deepEqual(messagesOf(tick({ ago: 1 })), [heartbeat])
})

test('a write that found more is told after what it found, and once', () => {
  const { connect, tick, read } = openHub()
  connect(1)
  assert.deepEqual(tick({ head: 12 }), [{ kind: 'read' }])
  assert.deepEqual(kindsOf(read(row(11))), ['revoked'])
  assert.deepEqual(kindsOf(read(row(12))), ['revoked', 'heartbeat'])
  assert.deepEqual(kindsOf(read()), [])
})

test('an end that overtook the write is in the head that is told: a verifier has it applied already', () => {
  const { connect, pass, read, tick } = openHub()
  connect(1)
  pass(1)
  read(row(11))
  const [message] = messagesOf(tick({ head: 10, ago: 1 }))
  assert.deepEqual(message?.kind === 'heartbeat' && [message.head, message.a], [11, 1_000_000])
})

const found: [name: string, given: { epoch?: number; head?: number; ago?: number }, kinds: string[]][] = [
  ['our head', {}, ['heartbeat']],
  ['a later head', { head: 11 }, ['read']],
  ['a higher epoch', { epoch: 6, head: 3 }, ['load']],
  ['an earlier head', { head: 9 }, ['declare']],
  ['a lower epoch', { epoch: 4 }, ['declare']],
  ['a lower epoch at a later head', { epoch: 4, head: 99 }, ['declare']],
  ['an earlier head, but was sent before we came to ours', { head: 9, ago: 7 }, ['heartbeat']],
  ['a lower epoch, but was sent before we came to ours', { epoch: 4, head: 9, ago: 7 }, []],
]
for (const [name, given, kinds] of found) {
  test(`a write that found ${name}: ${kinds.join(', ') || 'nothing to tell'}`, () => {
    const { connect, pass, tick } = openHub()
    connect(1)
    pass(5)
    const effects = tick(given)
    assert.deepEqual(kindsOf(effects), kinds)
    if (kinds.includes('declare'))
      assert.deepEqual(effects, [{ kind: 'declare', told: { epoch: 5, position: 10 } }])
  })
}

const lives: Epoch[] = [
  { epoch: 3, start: 0 },
  { epoch: 4, start: 6 },
  { epoch: 5, start: 8 },
]
const claims: [name: string, after: Reached, declared: boolean][] = [
  ['our position', { epoch: 5, position: 10 }, false],
  ['an earlier one', { epoch: 5, position: 0 }, false],
  ['a later one', { epoch: 5, position: 11 }, true],
  ['a higher epoch', { epoch: 6, position: 1 }, true],
  ['an epoch that never was', { epoch: 2, position: 1 }, true],
  ['an earlier life, within it', { epoch: 4, position: 8 }, false],
  ['an earlier life, beyond its end', { epoch: 4, position: 9 }, true],
  ['the first life, beyond its end', { epoch: 3, position: 7 }, true],
]
for (const [name, after, declared] of claims) {
  test(`somebody has reached ${name}: the next write ${declared ? 'shows that an older database was put back' : 'shows nothing'}`, () => {
    const { connect, pass, tick } = openHub({ epochs: lives })
    assert.ok(!kindsOf(connect(1, after)).includes('declare'), 'another hub may just have been faster')
    assert.deepEqual(
      kindsOf(tick({ ago: 1 })),
      ['heartbeat'],
      'a write from before we were told shows nothing',
    )
    pass(1)
    const effects = tick()
    if (declared) assert.deepEqual(effects, [{ kind: 'declare', told: after }])
    else assert.deepEqual(kindsOf(effects), ['heartbeat'])
    pass(1)
    assert.deepEqual(kindsOf(tick()), ['heartbeat'], 'declared once')
  })
}

test('somebody who heard from a faster hub is right: the next write finds that position, and nobody is ended', () => {
  const { connect, pass, tick, read } = openHub()
  connect(1, { epoch: 5, position: 12 })
  pass(1)
  assert.deepEqual(tick({ head: 12 }), [{ kind: 'read' }])
  assert.deepEqual(kindsOf(read(row(11), row(12))), ['revoked', 'heartbeat'])
})

test('of several who know more, the one that knows most is believed', () => {
  const { connect, pass, tick } = openHub()
  connect(1, { epoch: 5, position: 20 })
  connect(2, { epoch: 5, position: 90 })
  connect(3, { epoch: 5, position: 30 })
  pass(1)
  assert.deepEqual(tick(), [{ kind: 'declare', told: { epoch: 5, position: 90 } }])
})

for (const [position, kinds] of [
  [10, ['heartbeat']],
  [11, ['declare']],
] as const) {
  test(`a hub that has not read anything yet judges position ${position} once it has: ${kinds[0]}`, () => {
    const hub = createHub('hub')
    const at = (mono: number) => ({ mono, wall: mono })
    const after = { epoch: 5, position }
    stepHub(hub, { kind: 'connected', link: 1, nonce: 'n', after }, at(0))
    assert.deepEqual(stepHub(hub, { kind: 'ticked', a: 1, epoch: 5, head: 10 }, at(2)), [{ kind: 'load' }])
    stepHub(
      hub,
      { kind: 'loaded', epoch: 5, head: 10, rows: rows(1, 10), epochs: [{ epoch: 5, start: 0 }] },
      at(3),
    )
    assert.deepEqual(kindsOf(stepHub(hub, { kind: 'ticked', a: 4, epoch: 5, head: 10 }, at(5))), kinds)
  })
}

const resumptions: [name: string, after: Reached, missed: number[]][] = [
  ['nothing', { epoch: 5, position: 10 }, []],
  ['two ends', { epoch: 5, position: 8 }, [9, 10]],
  ['everything that is kept', { epoch: 5, position: 3 }, span(4, 10)],
  ['more than is kept: it will ask', { epoch: 5, position: 2 }, []],
  ['a change of epoch: it takes a snapshot', { epoch: 4, position: 8 }, []],
]
for (const [name, after, missed] of resumptions) {
  test(`who comes back and missed ${name} is told ${missed.length} ends, after the hello`, () => {
    const { connect } = openHub({ rows: rows(4, 10), epochs: lives })
    const [hello, revoked] = messagesOf(connect(1, after))
    assert.equal(hello?.kind, 'hello')
    const told = revoked?.kind === 'revoked' ? revoked.entries.map(({ position }) => position) : []
    assert.deepEqual(told, missed)
    if (revoked?.kind === 'revoked') assert.equal(revoked.wantsAck, true, 'somebody may wait for these')
  })
}

const ranges: [name: string, from: number, to: number, positions: number[] | null][] = [
  ['all of it', 4, 10, span(4, 10)],
  ['one', 7, 7, [7]],
  ['none', 8, 7, []],
  ['from before it', 3, 10, null],
  ['beyond the head', 9, 11, null],
  ['far away', 100, 200, null],
]
for (const [name, from, to, positions] of ranges) {
  test(`of what is kept from 4 to 10, ${name} lies between ${from} and ${to}`, () => {
    const { between } = openHub({ rows: rows(4, 10) })
    assert.deepEqual(between(from, to)?.map(({ position }) => position) ?? null, positions)
  })
}

test('a signing key from far back and the beginning of a declared life are no part of a dense log', () => {
  const { between, within, read, connect } = openHub({
    head: 1002,
    rows: [row(1, 'key'), ...rows(300, 310), row(1001, 'everyone'), row(1002)],
  })
  assert.equal(between(300, 310), null)
  assert.equal(between(310, 1001), null)
  assert.deepEqual(
    between(1001, 1002)?.map(({ position }) => position),
    [1001, 1002],
  )
  read(row(1003))
  assert.deepEqual(
    between(1002, 1003)?.map(({ position }) => position),
    [1002, 1003],
  )
  assert.equal(messagesOf(connect(1, { epoch: 5, position: 305 })).length, 1)
  assert.ok(within(330).some(({ kind, position }) => kind === 'key' && position === 1))
})

test('an end is as old as the time since it was first seen, rounded down, and leaves the window with it', () => {
  const { pass, read, within } = openHub({ head: 0, rows: [] })
  read(row(1))
  pass(1.9)
  read(row(2))
  assert.deepEqual(
    within(330).map(({ position, age }) => [position, age]),
    [
      [1, 1],
      [2, 0],
    ],
  )
  pass(328.5)
  assert.deepEqual(
    within(330).map(({ position, age }) => [position, age]),
    [[2, 328]],
  )
  assert.equal(within(3900).length, 2)
})

test('a signing key that was taken back is in every snapshot, once, however long ago', () => {
  const { pass, read, within } = openHub({ head: 0, rows: [] })
  read(row(1, 'key'), row(2))
  assert.deepEqual(
    within(330).map(({ position }) => position),
    [1, 2],
  )
  pass(1_000_000)
  assert.deepEqual(
    within(330).map(({ position }) => position),
    [1],
  )
})

test('what is older than any window is forgotten, and what is younger is not', () => {
  const { hub, pass, read, between, within } = openHub({ head: 0, rows: [] })
  read(...rows(1, 5000))
  pass(3600)
  read(row(5001))
  pass(3601)
  read(row(5002))
  assert.deepEqual([hub.kept.length, hub.head], [2, 5002])
  assert.equal(between(5000, 5002), null)
  assert.equal(within(3900).length, 2)
})

test('loading again keeps the age of what was seen, unless it is another life', () => {
  const { load, pass, within } = openHub()
  pass(100)
  load({ epoch: 5, head: 11, rows: rows(1, 11), epochs: lives })
  assert.deepEqual([...new Set(within(3900).map(({ age }) => age))], [100, 0])
  load({ epoch: 6, head: 11, rows: rows(1, 11), epochs: lives })
  assert.deepEqual([...new Set(within(3900).map(({ age }) => age))], [0])
})

test('what was loaded before we came to where we are takes nothing back', () => {
  const { hub, load, read } = openHub()
  read(row(11))
  assert.deepEqual(load({ epoch: 5, head: 10, rows: rows(1, 10), epochs: lives }), [])
  assert.deepEqual(load({ epoch: 4, head: 99, rows: [], epochs: lives }), [])
  assert.deepEqual([hub.epoch, hub.head, hub.kept.length], [5, 11, 11])
})

test('a life that was begun on a copy which lacks what we had read is declared over', () => {
  const { load, read } = openHub()
  read(row(11))
  const effects = load({ epoch: 6, head: 10, rows: rows(1, 10), epochs: [...lives, { epoch: 6, start: 10 }] })
  assert.deepEqual(effects, [{ kind: 'declare', told: { epoch: 5, position: 11 } }])
})

test('a write that one life of the database took proves nothing about the next', () => {
  const { connect, tick, load } = openHub()
  connect(1)
  tick({ head: 11 })
  assert.deepEqual(load({ epoch: 6, head: 11, rows: rows(1, 11), epochs: lives }), [])
  assert.deepEqual(kindsOf(tick({ epoch: 6, head: 11 })), ['heartbeat'])
})

test('after another life was loaded, the next heartbeat makes everybody take a snapshot', () => {
  const { hub, connect, load, tick, now } = openHub()
  const view = createView(now())
  stepView(view, { kind: 'opened', link: 1, nonce: 'n1' }, now())
  const asked: string[] = []
  const hear = (effects: readonly HubEffect[]) => {
    for (const message of messagesOf(effects)) {
      const event = message.kind === 'revoked' ? message : { ...message, link: 1 }
      for (const effect of stepView(view, event, now())) asked.push(effect.kind)
    }
  }
  const snapshot = () => {
    const entries = entriesWithin(hub, 3900, now())
    stepView(
      view,
      { kind: 'snapshot', snapshot: { epoch: hub.epoch, position: hub.head, window: 3900, entries } },
      now(),
    )
  }
  hear(connect(1))
  snapshot()
  hear(load({ epoch: 6, head: 12, rows: rows(1, 12), epochs: lives }))
  hear(tick({ epoch: 6, head: 12 }))
  snapshot()
  hear(tick({ epoch: 6, head: 12 }))
  assert.deepEqual([asked, view.epoch, view.applied], [['snapshot', 'snapshot'], 6, 12])
  assert.notEqual(view.freshAt, null)
})

test('whatever is read, in whatever pieces, a heartbeat never tells of a head that was not told before it', async (t) => {
  const act = fc.record({
    kind: fc.constantFrom('commit', 'read', 'tick', 'tick', 'again'),
    many: fc.integer({ min: 1, max: 3 }),
  })
  await fuzz(t, { inputs: fc.array(act, { maxLength: 20 }) }, (story) => {
    const { hub, pass, read, tick, connect } = openHub({ head: 0, rows: [] })
    connect(1)
    let committed = 0
    let told = 0
    for (const { kind, many } of story) {
      pass(1)
      if (kind === 'commit') committed += many
      const from = kind === 'again' ? Math.max(1, hub.head - many) : hub.head + 1
      const effects =
        kind === 'tick'
          ? tick({ head: committed })
          : kind === 'commit'
            ? []
            : read(...rows(from, Math.min(committed, from + many - 1)))
      for (const message of messagesOf(effects)) {
        if (message.kind === 'revoked') {
          assert.deepEqual(
            message.entries.map(({ position }) => position),
            span(told + 1, hub.head),
          )
          told = hub.head
        } else if (message.kind === 'heartbeat') assert.ok(message.head <= told)
      }
      assert.ok(!kindsOf(effects).includes('declare') && !kindsOf(effects).includes('gap'))
    }
  })
})

const secondLife = [
  { epoch: 5, start: 0 },
  { epoch: 6, start: 8 },
]

test('what ended in the life before stays in the snapshot, however far ahead the next one counts', () => {
  const { hub, now, load } = openHub({ epoch: 5, head: 8 })
  load({ epoch: 6, head: 1001, rows: [...rows(1, 8), row(1001)], epochs: secondLife })
  assert.deepEqual(
    entriesWithin(hub, 60, now()).map(({ position }) => position),
    [...span(1, 8), 1001],
  )
  // Between the two there is nothing to be asked for; a snapshot has it all.
  assert.equal(entriesBetween(hub, { from: 8, to: 1001 }, now()), null)
  assert.equal(entriesBetween(hub, { from: 1001, to: 1001 }, now())?.length, 1)
})

test('a life that somebody else began on a copy without what we had read is declared over', () => {
  const lost = { epoch: 5, position: 10 }
  const declared = [{ kind: 'declare', told: lost }]
  const far = openHub().load({ epoch: 6, head: 1001, rows: [...rows(1, 8), row(1001)], epochs: secondLife })
  assert.deepEqual(far, declared)
  const other = { ...row(9), key: row(99).key }
  const near = openHub().load({
    epoch: 6,
    head: 11,
    rows: [...rows(1, 8), other, ...rows(10, 11)],
    epochs: secondLife,
  })
  assert.deepEqual(near, declared)
  const unknown = openHub().load({ epoch: 6, head: 12, rows: rows(1, 12), epochs: [{ epoch: 6, start: 0 }] })
  assert.deepEqual(unknown, declared)
})

test('a life that goes on where the one before had ended is none, even if we had read into it', () => {
  const effects = openHub().load({ epoch: 6, head: 11, rows: rows(1, 11), epochs: secondLife })
  assert.deepEqual(effects, [])
})
