import assert from 'node:assert/strict'
import { it } from 'node:test'
import {
  type Agent,
  goodPassword,
  onEachEngine,
  openHouse,
  otherPassword,
  type TestHouse,
} from '../testing/index.ts'

const hour = 3600

type Device = { browser: Agent; id: string }

async function signIn(house: TestHouse, email: string, password = goodPassword): Promise<Device> {
  const browser = house.browser()
  const answer = await browser.post('/auth/sign-in', { email, password })
  assert.equal(answer.status, 200)
  return { browser, id: (await answer.json()).session.id }
}

/** A sign of life, written. */
async function see({ house }: TestHouse, { id }: Device): Promise<void> {
  house.sessions.touch({ id, last_seen_at: 0 })
  await house.chores.touches()
}

const isSignedIn = async ({ browser }: Device) => (await browser.get('/auth/session')).status === 200

/** The ids of the sessions that the feed tells the end of, as often as it does. */
async function told(house: TestHouse, devices: readonly Device[]): Promise<string[]> {
  const log = await house.db.selectFrom('feed_log').select('key').execute()
  const keyOf = ({ id }: Device) => house.machine.secrets.hash(`session:${id}`).slice(0, 22)
  return devices.flatMap((device) => log.filter(({ key }) => key === keyOf(device)).map(() => device.id))
}

async function endedAs(house: TestHouse, reason: string): Promise<string[]> {
  const rows = await house.db.selectFrom('session').select('id').where('ended_reason', '=', reason).execute()
  return rows.map(({ id }) => id).sort()
}

const ids = (devices: readonly Device[]) => devices.map(({ id }) => id)

onEachEngine('an account with more sessions than policy allows', (open) => {
  it('loses its oldest, one with every sign-in, each told in the feed and noted, and the newest live', async () => {
    const house = await openHouse(open, { policy: { sessionsPerAccount: 3 } })
    const { email, accountId } = await house.member()
    await house.house.sessions.endOthers({ accountId, keep: '' })
    const devices: Device[] = []
    for (let count = 0; count < 6; count++) {
      house.machine.clock.advance(1)
      devices.push(await signIn(house, email))
    }
    const [gone, left] = [devices.slice(0, 3), devices.slice(3)]
    assert.deepEqual(await Promise.all(gone.map(isSignedIn)), [false, false, false])
    assert.deepEqual(await Promise.all(left.map(isSignedIn)), [true, true, true])
    assert.deepEqual(await told(house, devices), ids(gone))
    assert.deepEqual(await endedAs(house, 'too_many'), ids(gone).sort())
    const noted = await house.db
      .selectFrom('event')
      .select(['session_id', 'kind'])
      .where('detail', '=', 'too_many')
      .execute()
    assert.deepEqual(noted.map(({ session_id }) => session_id).sort(), ids(gone).sort())
    assert.ok(noted.every(({ kind }) => kind === 'session_ended'))
  })

  it('keeps the one that has just begun, also where all began in the same second', async () => {
    const house = await openHouse(open, { policy: { sessionsPerAccount: 2 } })
    const { email, accountId } = await house.member()
    await house.house.sessions.endOthers({ accountId, keep: '' })
    const devices: Device[] = []
    for (let count = 0; count < 8; count++) {
      devices.push(await signIn(house, email))
      const newest = devices.at(-1)
      if (newest === undefined) throw new Error('a device')
      assert.equal(await isSignedIn(newest), true, `${count}`)
      const live = await Promise.all(devices.map(isSignedIn))
      assert.ok(live.filter((one) => one).length <= 2)
    }
    const live = await Promise.all(devices.map(isSignedIn))
    const gone = devices.filter((_, at) => live[at] === false)
    assert.equal(gone.length, 6)
    assert.deepEqual(await told(house, devices), ids(gone))
  })

  it('keeps only the newest where policy allows one', async () => {
    const house = await openHouse(open, { policy: { sessionsPerAccount: 1 } })
    const { email } = await house.member()
    const devices = [await signIn(house, email), await signIn(house, email), await signIn(house, email)]
    assert.deepEqual(await Promise.all(devices.map(isSignedIn)), [false, false, true])
  })

  it('loses none for a sign-in that takes the place of one', async () => {
    const house = await openHouse(open, { policy: { sessionsPerAccount: 2 } })
    const { browser, email } = await house.member()
    house.machine.clock.advance(1)
    const other = await signIn(house, email)
    for (let count = 0; count < 3; count++) {
      house.machine.clock.advance(1)
      assert.equal((await other.browser.post('/auth/sign-in', { email, password: goodPassword })).status, 200)
    }
    assert.equal((await browser.get('/auth/session')).status, 200, 'the oldest still lives')
  })

  it('loses first the one that was not seen for the longest time, however old the others are', async () => {
    const house = await openHouse(open, { policy: { sessionsPerAccount: 2 } })
    const { email, accountId } = await house.member()
    await house.house.sessions.endOthers({ accountId, keep: '' })
    const old = await signIn(house, email)
    house.machine.clock.advance(3600)
    const silent = await signIn(house, email)
    house.machine.clock.advance(3600)
    await see(house, old)
    const newest = await signIn(house, email)
    assert.deepEqual(await Promise.all([old, silent, newest].map(isSignedIn)), [true, false, true])
  })

  it('counts none that a change of password has ended, even one that was seen later', async () => {
    const house = await openHouse(open, { policy: { sessionsPerAccount: 3 } })
    const { browser, email } = await house.member()
    house.machine.clock.advance(1)
    const dead = [await signIn(house, email), await signIn(house, email)]
    const change = { current: goodPassword, new: otherPassword }
    assert.equal((await browser.post('/auth/password/change', change)).status, 200)
    assert.deepEqual(await Promise.all(dead.map(isSignedIn)), [false, false])
    const fresh = [await signIn(house, email, otherPassword), await signIn(house, email, otherPassword)]
    assert.deepEqual(await Promise.all(fresh.map(isSignedIn)), [true, true])
    assert.equal((await browser.get('/auth/session')).status, 200, 'the one that changed it')
    assert.deepEqual(await endedAs(house, 'too_many'), [])
  })

  it('counts none that is expired, even one that was seen later, and none that is idle', async () => {
    const policy = { sessionsPerAccount: 2, sessionIdleSeconds: 7 * hour, sessionAbsoluteSeconds: 10 * hour }
    const house = await openHouse(open, { policy })
    const { email, accountId } = await house.member()
    await house.house.sessions.endOthers({ accountId, keep: '' })
    const expired = await signIn(house, email)
    house.machine.clock.advance(6 * hour)
    await see(house, expired)
    const live = await signIn(house, email)
    house.machine.clock.advance(3 * hour)
    await see(house, expired)
    house.machine.clock.advance(hour)
    assert.deepEqual(await Promise.all([expired, live].map(isSignedIn)), [false, true])
    const newest = await signIn(house, email)
    assert.deepEqual(await Promise.all([live, newest].map(isSignedIn)), [true, true])
    house.machine.clock.advance(8 * hour)
    const last = [await signIn(house, email), await signIn(house, email)]
    assert.deepEqual(await Promise.all([newest, ...last].map(isSignedIn)), [false, true, true])
    assert.deepEqual(await endedAs(house, 'too_many'), [])
  })

  it('loses none of another account', async () => {
    const house = await openHouse(open, { policy: { sessionsPerAccount: 1 } })
    const bo = await house.member('bo@example.org')
    const { email } = await house.member()
    for (let count = 0; count < 3; count++) await signIn(house, email)
    assert.equal((await bo.browser.get('/auth/session')).status, 200)
  })

  it('counts those whose credential is still on its way', async () => {
    const house = await openHouse(open, { policy: { sessionsPerAccount: 2 } })
    const { accountId } = await house.member()
    await house.house.sessions.endOthers({ accountId, keep: '' })
    const begin = () => {
      const given = { accountId, carrier: 'token', device: '', began: 0, amr: 'pwd' } as const
      return house.db.transaction().execute(async (tx) => {
        const account = await house.house.accounts.lock(tx, accountId)
        const began = account?.end_position ?? 0
        return (await house.house.sessions.begin(tx, { ...given, began, network: null, replaces: null })).id
      })
    }
    const begun = [await begin(), await begin(), await begin()]
    const tried = await Promise.allSettled(
      begun.map((sessionId) => house.house.carriers.handOut({ sessionId, carrier: 'token' })),
    )
    assert.equal(tried.filter(({ status }) => status === 'fulfilled').length, 2)
    assert.equal((await house.house.sessions.list(accountId)).length, 2)
  })

  it('has no more than that when many sign in at once', async () => {
    const house = await openHouse(open, { policy: { sessionsPerAccount: 2 } })
    const { email, accountId } = await house.member()
    const program = house.program()
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(
        [0, 1, 2, 3].map(() =>
          program.post('/auth/sign-in', { email, password: goodPassword, carrier: 'token' }),
        ),
      )
      assert.ok(answers.every(({ status }) => status === 200 || status === 401))
      const live = await house.house.sessions.list(accountId)
      assert.ok(live.length >= 1 && live.length <= 2, `${live.length}`)
    }
    assert.deepEqual(house.machine.errorLines, [])
  })
})
