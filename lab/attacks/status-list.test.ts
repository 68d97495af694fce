import assert from 'node:assert/strict'
import { it } from 'node:test'
import { deflateSync } from 'node:zlib'
import {
  keyHolder,
  type OpenTestDatabase,
  onEachEngine,
  openHouse,
  sendProven,
  signJws,
} from 'counterfoil/house'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import { statusReader } from './status-list-reader.ts'

const api = 'https://api.example'
type Status = { idx: number; uri: string }

/** Somebody with a token for an audience that has no stream, and that audience, which knows our keys and nothing else. */
async function stage(open: OpenTestDatabase) {
  const policy = { audiences: [api], statusListAudiences: [api] }
  const house = await openHouse(open, { policy })
  const member = await house.member()
  const { machine, issuer } = house
  const now = () => machine.clock.now()
  const answer = await sendProven(
    house,
    { agent: member.browser, holder: keyHolder() },
    { method: 'POST', path: '/auth/token', json: { audience: api } },
  )
  const { access_token: token } = (await answer.json()) as { access_token: string }
  const published = await house.program().get('/.well-known/jwks.json')
  const keys = createLocalJWKSet((await published.json()) as JSONWebKeySet)
  const { payload } = await jwtVerify(token, keys, {
    ...{ issuer, audience: api, typ: 'at+jwt', currentDate: new Date(now() * 1000) },
  })
  const { status_list: status } = payload.status as { status_list: Status }
  const fetchList = async () => {
    machine.clock.advance(6)
    await house.house.chores.tick()
    const found = await house.program().get(new URL(status.uri).pathname)
    assert.equal(found.status, 200)
    return found.text()
  }
  return { house, member, now, status, keys, fetchList, reader: statusReader({ issuer, keys, now }) }
}

onEachEngine('status lists and who reads them', (open) => {
  it('jose and an independent decoder take a list of ours, and it tells of an end to whoever has no stream', async () => {
    const { member, status, reader, fetchList } = await stage(open)
    await reader.take(await fetchList(), status.uri)
    assert.equal(reader.isValid(status), true)
    await member.browser.post('/auth/sign-out')
    await reader.take(await fetchList(), status.uri)
    assert.equal(reader.isValid(status), false)
  })

  it('A-72: an older list that is played back is told by the position in it, and is worth nothing after two minutes', async () => {
    const { house, member, now, keys, status, reader, fetchList } = await stage(open)
    const old = await fetchList()
    await member.browser.post('/auth/sign-out')
    const fresh = await fetchList()
    await reader.take(fresh, status.uri)
    await assert.rejects(reader.take(old, status.uri), /older/)
    assert.equal(reader.isValid(status), false)
    // Whoever has seen no other one cannot tell; the list ends soon.
    const newcomer = statusReader({ issuer: house.issuer, keys, now })
    await newcomer.take(old, status.uri)
    assert.equal(newcomer.isValid(status), true)
    house.machine.clock.advance(120)
    assert.throws(() => newcomer.isValid(status), /no fresh list/)
    house.machine.clock.advance(30)
    await assert.rejects(newcomer.take(old, status.uri), /"exp"/)
  })

  it('A-72: a list that is hostile, damaged, of another kind or of another address is refused by whoever reads as we say', async () => {
    const { house, now, status, fetchList } = await stage(open)
    const good = decodeJwt(await fetchList())
    const holder = keyHolder()
    const keys = createLocalJWKSet({ keys: [{ ...holder.jwk, kid: 'k', alg: 'ES256' }] })
    const sign = (changes: object = {}, typ = 'statuslist+jwt') =>
      signJws(holder.secret, { alg: 'ES256', kid: 'k', typ }, { ...good, ...changes })
    const packed = (bytes: Uint8Array) => deflateSync(bytes, { level: 9 }).toString('base64url')
    const listed = (lst: unknown, bits: unknown = 1) => ({ status_list: { bits, lst } })
    const lst = packed(new Uint8Array(8192))
    const reading = () => statusReader({ issuer: house.issuer, keys, now })
    await reading().take(sign(), status.uri)
    for (const [name, text] of [
      ['bits of three', sign(listed(lst, 3))],
      ['bits of none', sign(listed(lst, 0))],
      ['bits as text', sign(listed(lst, '1'))],
      ['a list that unpacks to far more than it should', sign(listed(packed(new Uint8Array(4 * 2 ** 20))))],
      ['a list that is cut off', sign(listed(lst.slice(0, -8)))],
      ['no zlib at all', sign(listed('AAAA'))],
      ['not base64url', sign(listed('a+/='))],
      ['no list', sign({ status_list: undefined })],
      ['no position', sign({ feed_position: undefined })],
      ['no time', sign({ iat: undefined })],
      ['no end', sign({ exp: undefined })],
      ['from tomorrow', sign({ iat: now() + 86_400 })],
      ['over', sign({ exp: now() - 31 })],
      ['of another list', sign({ sub: `${status.uri}1` })],
      ['of another issuer', sign({ iss: 'https://evil.example' })],
      ['an access token', sign({}, 'at+jwt')],
      ['another key', signJws(keyHolder().secret, { alg: 'ES256', kid: 'k', typ: 'statuslist+jwt' }, good)],
      ['no signature', `${sign().replace(/[^.]*$/, '')}`],
    ] as const)
      await assert.rejects(reading().take(text, status.uri), (error) => error instanceof Error, name)
    const greedy = reading()
    await greedy.take(sign({ ttl: 1e9, exp: now() + 1e9 }), status.uri)
    assert.ok(greedy.fetchAgainAt(status.uri) <= now() + 300)
    assert.throws(() => greedy.isValid({ ...status, idx: 65_536 }), /no such place/)
    assert.throws(() => greedy.isValid({ ...status, idx: -1 }), /whole number/)
    house.machine.clock.advance(300)
    assert.throws(() => greedy.isValid(status), /no fresh list/)
    // The first place is the lowest bit: a reader that begins at the other end would take this the wrong way.
    const lopsided = reading()
    await lopsided.take(
      sign({ ...listed(packed(new Uint8Array([1]))), iat: now(), exp: now() + 60 }),
      status.uri,
    )
    assert.deepEqual(
      [0, 7].map((idx) => lopsided.isValid({ ...status, idx })),
      [false, true],
    )
  })

  it('A-72: a flood for lists, known and made up, is signed once and reads little', async () => {
    const { house, status, fetchList } = await stage(open)
    await fetchList()
    const { pathname } = new URL(status.uri)
    const ask = async (path: string) => {
      const answer = await house.program().get(path)
      return [answer.status, await answer.text()] as const
    }
    house.statements.length = 0
    const known = await Promise.all(Array.from({ length: 50 }, () => ask(pathname)))
    assert.equal(new Set(known.map(([, text]) => text)).size, 1)
    assert.equal(house.statements.length, 0)
    const made = await Promise.all(Array.from({ length: 50 }, (_, list) => ask(`/status/${list}`)))
    assert.ok(made.every(([code]) => code === 404))
    assert.equal(house.statements.length, 50)
    assert.ok(house.statements.every((statement) => /^select/.test(statement)))
    // What was asked for in vain has pushed nothing out.
    assert.equal((await ask(pathname))[1], known[0]?.[1])
    assert.equal(house.statements.length, 50)
  })
})
