import assert from 'node:assert/strict'
import { it } from 'node:test'
import { inflateSync } from 'node:zlib'
import { parseJws, readPayload } from '@counterfoil/verifier'
import { type OpenTestDatabase, onEachEngine } from '../testing/engines.ts'
import { goodPassword, openHouse, otherPassword, type TestHouse } from '../testing/house.ts'
import { keyHolder, sendProven } from '../testing/key-holder.ts'
import { listRoom } from './status-list.ts'

const api = 'https://api.example'
const other = 'https://other.example'
const policy = { audiences: [api, other], statusListAudiences: [api] }
type Member = Awaited<ReturnType<TestHouse['member']>>
type Status = { idx: number; uri: string }
type Claims = { iat: number; exp: number; status_list: { bits: number; lst: string } } & Record<
  string,
  unknown
>

const claimsOf = (token: string): Claims => {
  const jws = parseJws(token)
  return JSON.parse(JSON.stringify(jws && readPayload(jws)))
}

async function statusOf(house: TestHouse, { browser }: Pick<Member, 'browser'>, audience = api) {
  const sent = { method: 'POST', path: '/auth/token', json: { audience } }
  const answer = await sendProven(house, { agent: browser, holder: keyHolder() }, sent)
  assert.equal(answer.status, 200)
  const { access_token } = (await answer.json()) as { access_token: string }
  return (claimsOf(access_token).status as { status_list: Status } | undefined)?.status_list
}

async function placed(house: TestHouse, member: Pick<Member, 'browser'>): Promise<Status> {
  const status = await statusOf(house, member)
  assert.ok(status !== undefined)
  return status
}

/** What a list says now of a place, once what was kept is looked at again. */
async function bitAt(house: TestHouse, { uri, idx }: Status): Promise<number> {
  house.machine.clock.advance(6)
  await house.house.chores.tick()
  const answer = await house.program().get(new URL(uri).pathname)
  assert.equal(answer.status, 200)
  const bits = inflateSync(Buffer.from(claimsOf(await answer.text()).status_list.lst, 'base64url'))
  return ((bits[idx >> 3] ?? 0) >> (idx & 7)) & 1
}

async function signInAgain(house: TestHouse, { email }: Member): Promise<Pick<Member, 'browser'>> {
  const browser = house.browser()
  const answer = await browser.post('/auth/sign-in', { email, password: goodPassword })
  assert.equal(answer.status, 200)
  return { browser }
}

/** One house for all, and somebody of their own for each test. */
function sharedStage(open: OpenTestDatabase) {
  let opening: Promise<TestHouse> | null = null
  let members = 0
  return async () => {
    opening ??= openHouse(open, { policy })
    const house = await opening
    return { house, member: await house.member(`ada.${++members}@example.org`) }
  }
}

onEachEngine('status lists', (open) => {
  const stage = sharedStage(open)

  it('name a place for the audiences that policy lists and for nobody else, the same one for all tokens of a session', async () => {
    const { house, member } = await stage()
    const status = await placed(house, member)
    assert.match(status.uri, /^http:\/\/localhost:3000\/status\/\d{1,10}$/)
    assert.deepEqual(await statusOf(house, member), status)
    assert.equal(await statusOf(house, member, other), undefined)
    assert.equal(claimsOf((await house.tokens(member.email)).access_token).status, undefined)
    assert.notDeepEqual(await placed(house, await signInAgain(house, member)), status)
  })

  it('give a session one place, however many of its requests come at once, on two servers', async () => {
    const { house, member } = await stage()
    const neighbour = await house.neighbour()
    const found = await Promise.all(
      Array.from({ length: 6 }, (_, turn) => placed(turn % 2 === 0 ? house : neighbour, member)),
    )
    assert.equal(new Set(found.map(({ uri, idx }) => `${uri} ${idx}`)).size, 1)
  })

  it('tell of an end, by whatever door it came, and of nobody else’s', async () => {
    const ends: [string, (house: TestHouse, ada: Member) => Promise<unknown>][] = [
      ['signing out', (_, { browser }) => browser.post('/auth/sign-out')],
      ['ending the account', ({ house }, { accountId }) => house.accounts.disable(accountId)],
    ]
    for (const [name, end] of ends) {
      const { house, member } = await stage()
      const status = await placed(house, member)
      assert.equal(await bitAt(house, status), 0, name)
      await end(house, member)
      const grace = await placed(house, (await stage()).member)
      assert.equal(await bitAt(house, status), 1, name)
      assert.equal(await bitAt(house, grace), 0, name)
    }
  })

  it('tell of an end that everybody met, and of one of the client’s tokens', async () => {
    const house = await openHouse(open, { policy })
    const member = await house.member()
    const status = await placed(house, member)
    await house.db.updateTable('feed_head').set({ everyone_end: 1000, seq: 1000 }).execute()
    assert.equal(await bitAt(house, status), 1)
    const next = await placed(house, await signInAgain(house, member))
    assert.equal(await bitAt(house, next), 0)
    await house.db.updateTable('client').set({ tokens_end: 1001 }).execute()
    await house.db.updateTable('feed_head').set({ seq: 1001 }).execute()
    assert.equal(await bitAt(house, next), 1)
  })

  it('end what was handed out before a change of password, also of the session that goes on, which gets another place', async () => {
    const { house, member } = await stage()
    const before = await placed(house, member)
    const change = { current: goodPassword, new: otherPassword }
    assert.equal((await member.browser.post('/auth/password/change', change)).status, 200)
    const after = await placed(house, member)
    assert.notDeepEqual(after, before)
    assert.equal(await bitAt(house, before), 1)
    assert.equal(await bitAt(house, after), 0)
  })

  it('are signed once while nothing ends, however many ask, and named by an ETag', async () => {
    const { house, member } = await stage()
    const { uri } = await placed(house, member)
    const { pathname } = new URL(uri)
    house.statements.length = 0
    const answers = await Promise.all(Array.from({ length: 10 }, () => house.program().get(pathname)))
    const bodies = new Set(await Promise.all(answers.map((answer) => answer.text())))
    assert.equal(bodies.size, 1)
    assert.ok(house.statements.length < 10, house.statements.join('\n'))
    const [first] = answers
    assert.equal(first?.headers.get('content-type'), 'application/statuslist+jwt')
    assert.equal(first?.headers.get('cache-control'), 'public, max-age=30')
    const etag = first?.headers.get('etag') ?? ''
    const again = await house.program().get(pathname, { 'if-none-match': etag })
    assert.deepEqual([again.status, await again.text(), again.headers.get('etag')], [304, '', etag])
    assert.equal(again.headers.get('cache-control'), 'public, max-age=30')
    // Looked at again, and nothing has ended.
    house.machine.clock.advance(6)
    await house.house.chores.tick()
    assert.equal((await house.program().get(pathname, { 'if-none-match': etag })).status, 304)
    // Older than its ttl.
    house.machine.clock.advance(25)
    await house.house.chores.tick()
    const later = await house.program().get(pathname, { 'if-none-match': etag })
    assert.equal(later.status, 200)
    const claims = claimsOf(await later.text())
    assert.equal(claims.iat, house.machine.clock.now())
  })

  it('count a session that is not there any more as over', async () => {
    const { house, member } = await stage()
    const status = await placed(house, member)
    await house.db.deleteFrom('session').where('account_id', '=', member.accountId).execute()
    // Nothing was told of it, so only who looks for the first time sees it.
    assert.equal(await bitAt(await house.neighbour(), status), 1)
  })

  it('are read anew from the store for whoever asks another server', async () => {
    const { house, member } = await stage()
    const status = await placed(house, member)
    await member.browser.post('/auth/sign-out')
    assert.equal(await bitAt(await house.neighbour(), status), 1)
  })

  it('begin anew when one is half full, by a number that tells nothing', async () => {
    const { house, member } = await stage()
    const first = await placed(house, member)
    await house.db.updateTable('status_list').set({ given: listRoom }).execute()
    const second = await placed(house, await signInAgain(house, member))
    const third = await placed(house, await signInAgain(house, member))
    assert.notEqual(second.uri, first.uri)
    assert.equal(third.uri, second.uri)
    const { given } = await house.db.selectFrom('status_list').select('given').executeTakeFirstOrThrow()
    assert.ok(given < listRoom)
  })

  it('keep a place taken until every token that named it has expired, and a day more', async () => {
    const { house, member } = await stage()
    const { uri } = await placed(house, member)
    const { pathname } = new URL(uri)
    const { expires_at } = await house.db
      .selectFrom('status_place')
      .select('expires_at')
      .orderBy('expires_at', 'desc')
      .executeTakeFirstOrThrow()
    house.machine.clock.advance(expires_at + 86_400 - house.machine.clock.now())
    await house.house.chores.tick()
    await house.house.chores.forget()
    assert.equal((await house.program().get(pathname)).status, 200)
    house.machine.clock.advance(31)
    await house.house.chores.tick()
    await house.house.chores.forget()
    assert.equal((await house.program().get(pathname)).status, 404)
  })

  it('cost one look where somebody makes up a number', async () => {
    const { house } = await stage()
    house.statements.length = 0
    for (const name of ['1', '007', 'x', '99999999999', '2147483648'])
      assert.equal((await house.program().get(`/status/${name}`)).status, 404)
    assert.equal(house.statements.length, 1)
  })
})
