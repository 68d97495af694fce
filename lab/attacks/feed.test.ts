import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Instant, type StreamMessage, sessionCookieName } from '@counterfoil/verifier'
import {
  type Agent,
  goodPassword,
  type OpenTestDatabase,
  onEachEngine,
  openHouse,
  type TestHouse,
  type TokenAnswer,
} from 'counterfoil/house'
import { type Follower, follower } from './follower.ts'

const email = 'ada@example.org'

type Scene = {
  home: TestHouse
  browser: Agent
  accountId: string
  verifier: Follower
  app(): Promise<TokenAnswer>
  end(session: string): Promise<unknown>
  cookie(): string
  /** Seconds pass, and in each the hub writes and tells. */
  beat(seconds?: number): Promise<void>
}

async function openScene(open: OpenTestDatabase, now?: (home: TestHouse) => Instant): Promise<Scene> {
  const home = await openHouse(open)
  const { browser, accountId } = await home.member(email)
  const verifier = await follower(home, now && { now: () => now(home) })
  await verifier.connect()
  const beat = async (seconds = 1) => {
    for (let second = 0; second < seconds; second++) {
      home.machine.clock.advance(1)
      await home.house.chores.tick()
      await verifier.hear()
    }
  }
  await beat()
  return {
    ...{ home, browser, accountId, verifier, beat },
    app: () => home.tokens(email),
    end: (session) => home.house.sessions.endAny(session, 'test'),
    cookie: () => browser.cookies.get(sessionCookieName) ?? '',
  }
}

onEachEngine('the feed under attack', (open) => {
  it('A-66: a verifier that is cut off accepts nobody after its bound, whatever it holds', async () => {
    const { home, verifier, app, cookie } = await openScene(open)
    const { access_token: token } = await app()
    const judged = async () =>
      Promise.all([
        verifier.token(token, 3),
        verifier.token(token),
        verifier.cookie(cookie(), 3),
        verifier.cookie(cookie()),
      ])
    assert.deepEqual(await judged(), ['accepted', 'accepted', 'accepted', 'accepted'])
    verifier.wire.isCut = true
    for (const [seconds, expected] of [
      [2, 'accepted accepted accepted accepted'],
      [2, 'stale accepted stale accepted'],
      [15, 'stale accepted stale accepted'],
      [2, 'stale stale stale stale'],
      [100, 'stale stale stale stale'],
    ] as const) {
      home.machine.clock.advance(seconds)
      assert.equal((await judged()).join(' '), expected, `${seconds} s later`)
    }
  })

  it('A-66: what ended while a verifier was cut off is refused from the first heartbeat after it', async () => {
    const { home, verifier, app, end, beat, cookie } = await openScene(open)
    const [pair, other] = [await app(), await app()]
    for (const { access_token } of [pair, other]) assert.equal(await verifier.token(access_token), 'accepted')
    assert.equal(await verifier.cookie(cookie()), 'accepted')
    verifier.wire.isCut = true
    await end(pair.session.id)
    const { session } = await (
      await home.browser().get('/auth/session', { cookie: `${sessionCookieName}=${cookie()}` })
    ).json()
    await end(session.id)
    await beat(10)
    verifier.wire.isCut = false
    await verifier.connect()
    await beat()
    assert.equal(await verifier.token(pair.access_token), 'ended')
    assert.equal(await verifier.cookie(cookie()), 'nobody')
    assert.equal(await verifier.token(other.access_token), 'accepted')
  })

  it('A-67: an end that was committed by a process that died before it could say so is told within a second', async () => {
    const { home, verifier, app, beat } = await openScene(open)
    const { access_token: token, session } = await app()
    assert.equal(await verifier.token(token), 'accepted')
    const next = await home.neighbour()
    // It commits, and nobody hears of it from there.
    await next.house.sessions.endAny(session.id, 'test')
    await next.loseDatabase()
    assert.equal(await verifier.token(token), 'accepted')
    await home.house.chores.poll()
    await beat()
    assert.equal(await verifier.token(token), 'ended')
  })

  it('A-67: what a server committed and never told, since it died, is told by the one that starts after it', async () => {
    const { home, verifier, app, end } = await openScene(open)
    const { access_token: token, session } = await app()
    assert.equal(await verifier.token(token), 'accepted')
    home.house.feed.hub.stop()
    await end(session.id)
    await home.loseDatabase()
    const next = await home.neighbour()
    verifier.moveTo(next)
    await verifier.connect()
    home.machine.clock.advance(1)
    await next.house.chores.tick()
    await verifier.hear()
    assert.equal(await verifier.token(token), 'ended')
    assert.deepEqual(verifier.distrusted, [])
  })

  it('A-68: lost, doubled and turned round, messages change nothing that a heartbeat does not show', async () => {
    const { home, verifier, app, end, beat } = await openScene(open)
    const spoilt: [name: string, change: (messages: readonly StreamMessage[]) => readonly StreamMessage[]][] =
      [
        ['every end is lost', (messages) => messages.filter(({ kind }) => kind !== 'revoked')],
        ['each comes three times', (messages) => messages.flatMap((message) => [message, message, message])],
        ['the last comes first', (messages) => [...messages].reverse()],
        ['every second one is lost', (messages) => messages.filter((_, index) => index % 2 === 1)],
        [
          'heartbeats overtake',
          (messages) => [...messages].sort((one) => (one.kind === 'heartbeat' ? -1 : 1)),
        ],
      ]
    for (const [name, change] of spoilt) {
      const pairs = [await app(), await app(), await app(), await app()]
      for (const { access_token } of pairs) assert.equal(await verifier.token(access_token), 'accepted', name)
      verifier.wire.stream = change
      for (const { session } of pairs) await end(session.id)
      home.machine.clock.advance(1)
      await home.house.chores.tick()
      await verifier.hear()
      await beat()
      for (const { access_token } of pairs) assert.equal(await verifier.token(access_token), 'ended', name)
      assert.equal(verifier.checker.view.applied, home.house.feed.hub.reached().position, name)
      verifier.wire.stream = (messages) => messages
    }
  })

  it('A-68: while what is missing cannot be fetched, no heartbeat makes anything fresher', async () => {
    const { verifier, app, end, beat } = await openScene(open)
    const [lost, told, good] = [await app(), await app(), await app()]
    for (const { access_token } of [lost, told, good]) await verifier.token(access_token)
    verifier.wire.stream = (messages) => messages.filter(({ kind }) => kind !== 'revoked')
    await end(lost.session.id)
    await verifier.hear()
    verifier.wire.stream = (messages) => messages
    verifier.wire.answer = () => new Response(null, { status: 503 })
    await end(told.session.id)
    await verifier.hear()
    assert.equal(await verifier.token(told.access_token), 'ended', 'what did come is known at once')
    await beat(21)
    assert.equal(await verifier.token(lost.access_token), 'stale')
    assert.equal(await verifier.token(good.access_token), 'stale')
    verifier.wire.answer = (_, answer) => answer
    await beat()
    assert.equal(await verifier.token(lost.access_token), 'ended')
    assert.equal(await verifier.token(good.access_token), 'accepted')
  })

  it('A-70: an old snapshot makes nobody forget, and whoever begins with one is not fresh before the rest is there', async () => {
    const { home, verifier, app, end, beat } = await openScene(open)
    const pair = await app()
    const old = await (await get(home, '/feed/snapshot')).text()
    await end(pair.session.id)
    await beat()
    const replay = (to: Follower) => {
      to.wire.answer = (path, answer) => (path.startsWith('/feed/snapshot') ? new Response(old) : answer)
    }
    replay(verifier)
    await verifier.connect()
    await beat()
    assert.equal(await verifier.token(pair.access_token), 'ended')
    const late = await follower(home)
    replay(late)
    late.wire.stream = (messages) => messages.filter(({ kind }) => kind !== 'heartbeat')
    await late.connect()
    assert.equal(await late.token(pair.access_token), 'stale')
    late.wire.stream = (messages) => messages
    await home.house.chores.tick()
    await late.hear()
    assert.equal(await late.token(pair.access_token), 'ended')
  })

  it('A-71: another deployment knows none of our clients, and takes no position of ours for its own', async () => {
    const { home, verifier, app, beat, end } = await openScene(open)
    const pair = await app()
    await end(pair.session.id)
    await beat()
    const rootSecret = new Uint8Array(32).fill(9)
    const { clock } = home.machine
    const other = await openHouse(open, { rootSecret, clock })
    verifier.moveTo(other)
    for (const path of ['/feed/snapshot', '/feed/log?from=1&to=1'])
      assert.equal((await get(other, path, home)).status, 401)
    await verifier.connect()
    await beat(21)
    const { access_token: token } = await other.tokens((await other.member()).email)
    assert.equal(await verifier.token(token), 'stale', 'no heartbeat of theirs came through')
    // Not even with a credential there: its id of a position is sealed with a secret that they do not have.
    const before = other.house.feed.hub.reached()
    const client = await other.house.clients.add('lab')
    const id = home.machine.secrets.seal('feed_position', new Uint8Array(16).fill(1))
    const query = new URLSearchParams({ verifier: 'v'.repeat(22), nonce: 'n'.repeat(22), max_stale: '20' })
    const headers = {
      authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}`,
      'last-event-id': id,
    }
    const answer = await other.house.fetch(new Request(`${other.issuer}/feed/stream?${query}`, { headers }))
    assert.equal(answer.status, 200)
    for (let second = 0; second < 3; second++) {
      clock.advance(1)
      await other.house.chores.tick()
    }
    assert.deepEqual(other.house.feed.hub.reached(), before)
    await answer.body?.cancel()
  })

  it('A-71: a stream that was recorded, here or elsewhere, is not the answer to this request', async () => {
    const { home, verifier, app, beat } = await openScene(open)
    const { access_token: token } = await app()
    const recorded: StreamMessage[] = []
    verifier.wire.stream = (messages) => {
      recorded.push(...messages)
      return messages
    }
    await verifier.connect()
    await beat(3)
    assert.equal(await verifier.token(token), 'accepted')
    verifier.wire.stream = () => recorded
    for (let round = 0; round < 30; round++) {
      await verifier.connect()
      home.machine.clock.advance(1)
    }
    assert.equal(new Set(verifier.distrusted).size, 1)
    assert.equal(verifier.distrusted[0], 'nonce_wrong')
    assert.equal(await verifier.token(token), 'stale')
  })

  it('A-73: nothing of the feed may be kept, and old answers that come as new make nothing fresher', async () => {
    const { home, verifier, app, end, beat } = await openScene(open)
    const [pair, good] = [await app(), await app()]
    for (const { access_token } of [pair, good]) await verifier.token(access_token)
    for (const path of ['/feed/snapshot', '/feed/log?from=1&to=1']) {
      const answer = await get(home, path, home)
      assert.equal(answer.headers.get('cache-control'), 'no-store', path)
    }
    let last: StreamMessage | undefined
    verifier.wire.stream = (messages) => {
      last ??= messages.find(({ kind }) => kind === 'heartbeat')
      // As fresh as the proxy cares to say, and the same as ever.
      return last?.kind === 'heartbeat' ? [{ ...last, wall: home.machine.clock.instant().wall }] : []
    }
    await beat()
    await end(pair.session.id)
    await beat(25)
    for (const { access_token } of [pair, good]) assert.equal(await verifier.token(access_token), 'stale')
    verifier.wire.stream = (messages) => messages
    await beat()
    assert.equal(await verifier.token(pair.access_token), 'ended')
    assert.equal(await verifier.token(good.access_token), 'accepted')
  })

  it('A-74: a clock that is set, either way, and a machine that sleeps let nobody in who has ended', async () => {
    const jumps: [name: string, mono: number, wall: number, isFelt: boolean][] = [
      ['five minutes ahead', 0, 300, true],
      ['five minutes back', 0, -300, false],
      ['a day back', 0, -24 * 3600, false],
      ['a minute asleep, the monotonic clock stopped', -60, 0, true],
    ]
    for (const [name, mono, wall, isFelt] of jumps) {
      const by = { mono: 0, wall: 0 }
      const now = ({ machine }: TestHouse) => {
        const real = machine.clock.instant()
        return { mono: real.mono + by.mono * 1000, wall: real.wall + by.wall * 1000 }
      }
      const { home, verifier, app, end, beat } = await openScene(open, now)
      const [pair, good] = [await app(), await app()]
      for (const { access_token } of [pair, good])
        assert.equal(await verifier.token(access_token), 'accepted', name)
      verifier.wire.isCut = true
      await end(pair.session.id)
      if (mono < 0) home.machine.clock.advance(-mono)
      Object.assign(by, { mono, wall })
      // A clock that goes back tells of no time that has passed; then the other one does.
      assert.equal(await verifier.token(pair.access_token), isFelt ? 'stale' : 'accepted', name)
      home.machine.clock.advance(21)
      for (const { access_token } of [pair, good])
        assert.notEqual(await verifier.token(access_token), 'accepted', `${name}, cut off`)
      verifier.wire.isCut = false
      Object.assign(by, { wall: 0 })
      for (let round = 0; round < 3; round++) {
        await verifier.connect()
        await beat(2)
        assert.notEqual(await verifier.token(pair.access_token), 'accepted', `${name}, back`)
      }
      assert.equal(await verifier.token(good.access_token), 'accepted', `${name}, back`)
    }
  })

  it('A-75: a verifier that has never heard anything accepts nobody, not even on a good signature', async () => {
    const { home, app, cookie } = await openScene(open)
    const { access_token: token } = await app()
    const late = await follower(home)
    late.wire.isCut = true
    await late.connect()
    for (const maxStale of [3, 20, Number.POSITIVE_INFINITY]) {
      assert.equal(await late.token(token, maxStale), 'stale')
      assert.equal(await late.cookie(cookie(), maxStale), 'stale')
    }
  })

  it('A-76: there are no places to be taken again: an end refuses no session that begins after it', async () => {
    const { verifier, app, end, beat } = await openScene(open)
    const seen = new Set<string>()
    for (let round = 0; round < 20; round++) {
      const { access_token: token, session } = await app()
      assert.ok(!seen.has(session.id))
      seen.add(session.id)
      assert.equal(await verifier.token(token), 'accepted')
      await end(session.id)
      await beat()
      assert.equal(await verifier.token(token), 'ended')
    }
  })

  it('A-77: a token of the very second in which its account or client was ended is refused, one from after it is good', async () => {
    const { home, verifier, app, accountId } = await openScene(open)
    const { house, db } = home
    const ends: [name: string, end: () => Promise<unknown>][] = [
      ['account', () => db.transaction().execute((tx) => house.accounts.endAll(tx, accountId))],
      [
        'client',
        () =>
          db.transaction().execute(async (tx) => {
            const end_position = await house.feed.append(tx, [{ kind: 'client', id: 'first-party' }])
            await tx.updateTable('client').set({ end_position }).where('id', '=', 'first-party').execute()
          }),
      ],
      [
        'everyone',
        () => db.transaction().execute((tx) => house.feed.append(tx, [{ kind: 'everyone', id: '' }])),
      ],
    ]
    const here = async (token: string) =>
      (await home.program().get('/auth/session', { authorization: `Bearer ${token}` })).status
    for (const [name, end] of ends) {
      const before = [await app(), await app()]
      const [known, unknown] = before.map(({ access_token }) => access_token)
      assert.equal(await verifier.token(known ?? ''), 'accepted')
      assert.equal(await here(known ?? ''), 200)
      await end()
      // No second has passed.
      const after = await app()
      await house.chores.poll()
      await verifier.hear()
      for (const token of [known, unknown]) {
        assert.equal(await verifier.token(token ?? ''), 'ended', name)
        assert.equal(await here(token ?? ''), 401, name)
      }
      assert.equal(await verifier.token(after.access_token), 'accepted', name)
      assert.equal(await here(after.access_token), 200, name)
    }
  })
})

/** As a client that is known to `at`, or to another house. */
async function get(to: TestHouse, path: string, at: TestHouse = to): Promise<Response> {
  const { client_id: id, client_secret: secret } = await at.house.clients.add('reader')
  const headers = { authorization: `Basic ${btoa(`${id}:${secret}`)}` }
  return to.house.fetch(new Request(new URL(path, to.issuer), { headers }))
}

onEachEngine('scopes of an end', (open) => {
  it('one hit is enough: whatever else has ended, before or after, in every combination of scopes', async () => {
    const { home, verifier, browser, app, end, accountId } = await openScene(open)
    const { house, db } = home
    const scopes = {
      session: async (ids: readonly string[]) => {
        for (const id of ids) await end(id)
      },
      account: () => db.transaction().execute((tx) => house.accounts.endAll(tx, accountId)),
      client: () =>
        db.transaction().execute(async (tx) => {
          const end_position = await house.feed.append(tx, [{ kind: 'client', id: 'first-party' }])
          await tx.updateTable('client').set({ end_position }).where('id', '=', 'first-party').execute()
        }),
      everyone: () => db.transaction().execute((tx) => house.feed.append(tx, [{ kind: 'everyone', id: '' }])),
      key: () => house.keys.rotate('compromised'),
    }
    const names = ['session', 'account', 'client', 'everyone', 'key'] as const
    for (let chosen = 0; chosen < 2 ** names.length; chosen++) {
      await browser.post('/auth/sign-in', { email, password: goodPassword })
      const cookie = browser.cookies.get(sessionCookieName) ?? ''
      const pair = await app()
      const { session } = await (await browser.get('/auth/session')).json()
      const judged = async () => {
        const token = await home
          .program()
          .get('/auth/session', { authorization: `Bearer ${pair.access_token}` })
        const byCookie = await home
          .program()
          .get('/auth/session', { cookie: `${sessionCookieName}=${cookie}` })
        return [
          `token ${token.status} ${await verifier.token(pair.access_token)}`,
          `cookie ${byCookie.status} ${await verifier.cookie(cookie)}`,
        ]
      }
      assert.deepEqual(await judged(), ['token 200 accepted', 'cookie 200 accepted'])
      const ended = names.filter((_, bit) => (chosen >> bit) & 1)
      // Each order comes up somewhere: it must not matter which is known first.
      for (const name of chosen % 2 === 0 ? ended : [...ended].reverse())
        await scopes[name]([session.id, pair.session.id])
      await house.chores.poll()
      await verifier.hear()
      const isOver = ended.length > 0
      const isCookieOver = ended.some((name) => name !== 'key')
      assert.deepEqual(
        await judged(),
        [
          isOver ? `token 401 ${ended.includes('key') ? 'invalid' : 'ended'}` : 'token 200 accepted',
          isCookieOver ? 'cookie 401 nobody' : 'cookie 200 accepted',
        ],
        ended.join(' '),
      )
    }
  })
})
