import assert from 'node:assert/strict'
import { copyFileSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { it } from 'node:test'
import { sessionCookieName } from '@counterfoil/verifier'
import {
  type Agent,
  goodPassword,
  type OpenTestDatabase,
  onSqlite,
  openHouse,
  type TestHouse,
} from 'counterfoil/house'
import { everyAttackIsReal } from './at-textbook.ts'
import { type Follower, follower } from './follower.ts'
import { emptiedListRevives } from './sessions-at-textbook.ts'

const email = 'ada@example.org'

/** A server on a file, which an operator copies and puts back while nobody runs. */
type Install = {
  home: TestHouse
  client: { client_id: string; client_secret: string }
  beat(...verifiers: readonly Follower[]): Promise<void>
  restart(): Promise<void>
  /** The server stops, and the file is copied; the next one begins on it. */
  backUp(): Promise<void>
  /** The same, and the server runs on. */
  backUpRunning(): void
  putBack(): Promise<void>
}

async function install(open: OpenTestDatabase): Promise<Install> {
  let path = ''
  const named: OpenTestDatabase = async (options) => {
    const database = await open(options)
    path = database.url.replace(/^sqlite:/, '')
    return database
  }
  const home = await openHouse(named)
  const client = await home.house.clients.add('lab')
  const stop = async () => {
    at.home.house.feed.hub.stop()
    await at.home.loseDatabase()
  }
  const start = async () => {
    home.machine.clock.advance(60)
    at.home = await at.home.neighbour()
  }
  const at: Install = {
    home,
    client,
    async beat(...verifiers) {
      for (let second = 0; second < 2; second++) {
        home.machine.clock.advance(1)
        await at.home.house.chores.tick()
        await at.home.house.chores.poll()
        for (const verifier of verifiers) await verifier.hear()
      }
    },
    async restart() {
      await stop()
      await start()
    },
    async backUp() {
      await stop()
      copyFileSync(path, `${path}.backup`)
      await start()
    },
    backUpRunning() {
      rmSync(`${path}.backup`, { force: true })
      const raw = new DatabaseSync(path)
      raw.exec(`vacuum into '${path}.backup'`)
      raw.close()
    },
    async putBack() {
      await stop()
      for (const part of ['-wal', '-shm']) rmSync(`${path}${part}`, { force: true })
      copyFileSync(`${path}.backup`, path)
      await start()
    },
  }
  return at
}

async function follow({ home, client }: Install): Promise<Follower> {
  const verifier = await follower(home, { client })
  await verifier.connect()
  return verifier
}

/** What the server says to a cookie and to a token. */
async function statuses({ home }: Install, browser: Agent, token: string): Promise<string> {
  const cookie = `${sessionCookieName}=${browser.cookies.get(sessionCookieName)}`
  const byCookie = await home.program().get('/auth/session', { cookie })
  const byToken = await home.program().get('/auth/session', { authorization: `Bearer ${token}` })
  return `${byCookie.status} ${byToken.status}`
}

const everyones = async ({ home }: Install) =>
  (await home.db.selectFrom('feed_log').select('kind').where('kind', '=', 'everyone').execute()).length

onSqlite('an older copy of the database, put back', (open) => {
  it('A-32: a verifier that knows more than the copy shows it, and everybody has to sign in again', async () => {
    await emptiedListRevives('A-32')
    const at = await install(open)
    const { browser } = await at.home.member(email)
    const verifier = await follow(at)
    await at.backUp()
    const { access_token: token, session } = await at.home.tokens(email)
    verifier.moveTo(at.home)
    await verifier.connect()
    await at.beat(verifier)
    const ended = await at.home.tokens(email)
    assert.equal(await verifier.token(token), 'accepted')
    await at.home.house.sessions.endAny(ended.session.id, 'test')
    const { session: old } = await (await at.home.program().get('/auth/session', carrying(browser))).json()
    await at.home.house.sessions.endAny(old.id, 'test')
    await at.beat(verifier)
    assert.equal(await statuses(at, browser, token), '401 200')
    const lost = at.home.house.feed.hub.reached()

    await at.putBack()
    // The copy knows nothing of that end, and nobody is there yet who could tell.
    assert.equal((await at.home.program().get('/auth/session', carrying(browser))).status, 200)
    verifier.moveTo(at.home)
    await verifier.connect()
    await at.beat()
    const reached = at.home.house.feed.hub.reached()
    assert.ok(reached.epoch > lost.epoch)
    assert.ok(reached.position >= lost.position + 1_000_000)
    assert.equal(await everyones(at), 1)
    assert.equal(await statuses(at, browser, token), '401 401')
    assert.ok(at.home.machine.errorLines.some((line) => line.includes('older copy')))
    await verifier.connect()
    await at.beat(verifier)
    assert.equal(await verifier.cookie(browser.cookies.get(sessionCookieName) ?? ''), 'nobody')
    assert.equal(await verifier.token(token), 'ended')
    assert.equal(session.id.length, 22)

    const again = at.home.browser()
    assert.equal((await again.post('/auth/sign-in', { email, password: goodPassword })).status, 200)
    const fresh = await at.home.tokens(email)
    assert.equal(await statuses(at, again, fresh.access_token), '200 200')
    assert.equal(await verifier.token(fresh.access_token), 'accepted')
    assert.equal(await verifier.cookie(again.cookies.get(sessionCookieName) ?? ''), 'accepted')
  })

  it('A-32: it is found out too where the copy has come further since than what was lost', async () => {
    const at = await install(open)
    const { browser } = await at.home.member(email)
    await at.backUp()
    const verifier = await follow(at)
    const { session } = await at.home.tokens(email)
    await at.home.house.sessions.endAny(session.id, 'test')
    await at.beat(verifier)
    await at.putBack()
    for (let count = 0; count < 10; count++)
      await at.home.house.sessions.endAny((await at.home.tokens(email)).session.id, 'test')
    await at.beat()
    assert.equal(await everyones(at), 0)
    verifier.moveTo(at.home)
    await verifier.connect()
    await at.beat()
    assert.equal(await everyones(at), 1)
    assert.equal((await at.home.program().get('/auth/session', carrying(browser))).status, 401)
  })

  it('A-32: whatever ends after the copy was put back ends the tokens of the part that was lost too, where nobody is left who followed it', async () => {
    await emptiedListRevives('A-32')
    const at = await install(open)
    await at.home.member(email)
    await at.backUp()
    for (let count = 0; count < 5; count++)
      await at.home.house.sessions.endAny((await at.home.tokens(email)).session.id, 'test')
    // Read after five ends which the copy has never heard of, and of a session which it has not heard of either.
    const { access_token: token, account } = await at.home.tokens(email)
    await at.putBack()
    const late = await follow(at)
    await at.beat(late)
    assert.equal(await late.token(token), 'accepted')
    assert.equal(await at.home.house.accounts.disable(account.id), true)
    await at.beat(late)
    assert.equal(await late.token(token), 'ended')
    assert.equal(await (await follow(at)).token(token), 'ended')
    assert.equal(await everyones(at), 0)
  })

  const cases = [
    { when: 'between two runs', first: 'last' },
    { when: 'while it ran', first: 'last' },
    { when: 'between two runs', first: 'first' },
    { when: 'while it ran', first: 'first' },
  ]
  for (const { when, first } of cases) {
    it(`A-32: it is declared once, however many come back, those of the ${first} life first, of a server that was copied ${when}`, async () => {
      const at = await install(open)
      await at.home.member(email)
      const verifiers = [await follow(at)]
      await at.beat(...verifiers)
      if (when === 'while it ran') at.backUpRunning()
      else await at.backUp()
      // What is lost: three lives, in each of which something ends, and in each of which somebody stays behind.
      for (let life = 0; life < 3; life++) {
        const verifier = await follow(at)
        await at.home.house.sessions.endAny((await at.home.tokens(email)).session.id, 'test')
        await at.beat(verifier)
        verifiers.push(verifier)
        if (life < 2) await at.restart()
      }
      await at.putBack()
      const lost = verifiers.slice(1)
      for (let round = 0; round < 4; round++) {
        for (const verifier of first === 'first' ? lost : [...lost].reverse()) {
          verifier.moveTo(at.home)
          await verifier.connect()
          // The others come later, and come back to what they had, since they were away meanwhile.
          if (round === 0) break
        }
        await at.beat()
        if (round === 1) await at.restart()
      }
      await at.beat(...verifiers)
      assert.equal(await everyones(at), 1)
      const { access_token: token } = await at.home.tokens(email)
      for (const verifier of verifiers) {
        verifier.moveTo(at.home)
        await verifier.connect()
        await at.beat(verifier)
        assert.equal(verifier.checker.view.epoch, at.home.house.feed.hub.reached().epoch)
        assert.equal(await verifier.token(token), 'accepted')
      }
      assert.equal(await everyones(at), 1)
    })
  }

  it('A-32: an ordinary restart begins another life, and nobody has to sign in again', async () => {
    const at = await install(open)
    const { browser } = await at.home.member(email)
    const verifier = await follow(at)
    for (let round = 0; round < 3; round++) {
      const { access_token: token } = await at.home.tokens(email)
      await at.home.house.sessions.endAny((await at.home.tokens(email)).session.id, 'test')
      await at.beat(verifier)
      const before = at.home.house.feed.hub.reached()
      await at.restart()
      verifier.moveTo(at.home)
      await verifier.connect()
      await at.beat(verifier)
      const after = at.home.house.feed.hub.reached()
      assert.ok(after.epoch > before.epoch)
      assert.ok(after.position > before.position)
      assert.equal(await statuses(at, browser, token), '200 200')
      assert.equal(await verifier.token(token), 'accepted')
    }
    assert.equal(await everyones(at), 0)
  })

  it('A-32: a signing key that was stolen before the copy was made stays refused after it was put back', async () => {
    const at = await install(open)
    await at.home.member(email)
    const { access_token: token } = await at.home.tokens(email)
    const verifier = await follow(at)
    await at.home.house.keys.rotate('compromised')
    await at.backUp()
    verifier.moveTo(at.home)
    await verifier.connect()
    await at.home.house.sessions.endAny((await at.home.tokens(email)).session.id, 'test')
    await at.beat(verifier)
    await at.putBack()
    verifier.moveTo(at.home)
    for (let round = 0; round < 2; round++) {
      await verifier.connect()
      await at.beat(verifier)
    }
    assert.equal(await everyones(at), 1)
    const late = await follow(at)
    for (const one of [verifier, late]) {
      const stolen = [...one.checker.view.ends].filter(
        ([, { forgetAt }]) => forgetAt === Number.POSITIVE_INFINITY,
      )
      assert.equal(stolen.length, 1)
    }
    const byToken = await at.home.program().get('/auth/session', { authorization: `Bearer ${token}` })
    assert.equal(byToken.status, 401)
  })

  it('A-32: a row that is deleted by hand lets nobody back in, whether it was the session or its end', async () => {
    await emptiedListRevives('A-32')
    const at = await install(open)
    const { browser } = await at.home.member(email)
    const { access_token: token, session } = await at.home.tokens(email)
    assert.equal(await statuses(at, browser, token), '200 200')
    await at.home.house.sessions.endAny(session.id, 'test')
    const { session: other } = await (await browser.get('/auth/session')).json()
    await at.home.house.sessions.endAny(other.id, 'test')
    await at.home.db.deleteFrom('session').where('id', '=', session.id).execute()
    await at.home.db.deleteFrom('feed_log').execute()
    assert.equal(await statuses(at, browser, token), '401 401')
    await at.restart()
    assert.equal(await statuses(at, browser, token), '401 401')
  })
})

function carrying(browser: Agent): Record<string, string> {
  return { cookie: `${sessionCookieName}=${browser.cookies.get(sessionCookieName)}` }
}

everyAttackIsReal('feed-restore.test.ts')
